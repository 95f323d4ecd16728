"""The births: columns of a landed file, and the tables of the project. Names of measures are those of bwght2."""

from ml_code.platform.data_checks.rules import ColumnRule
from ml_code.platform.tables import Column

KEY = "birth_id"
DAY = "record_date"
LABEL = "low_birth_weight"
OUTCOME_DAY = "outcome_date"

# The outcomes come after the record that is scored. No feature may be computed from them.
OUTCOMES = ("bwght", "omaps", "fmaps", OUTCOME_DAY)

RULES = (
    ColumnRule(KEY, "string", "identifier of the birth", required=True),
    ColumnRule(DAY, "date", "day of the record (simulated)", required=True),
    ColumnRule("mage", "integer", "mother's age, years", low=10, high=60),
    ColumnRule("meduc", "integer", "mother's education, years", low=0, high=30),
    ColumnRule("monpre", "integer", "month of pregnancy in which prenatal care began; 0: never", low=0, high=10),
    ColumnRule("npvis", "integer", "prenatal visits", low=0, high=100),
    ColumnRule("fage", "integer", "father's age, years", low=10, high=100),
    ColumnRule("feduc", "integer", "father's education, years", low=0, high=30),
    ColumnRule("cigs", "number", "cigarettes a day, average", low=0, high=100),
    ColumnRule("drink", "number", "drinks a week, average", low=0, high=100),
    ColumnRule("male", "integer", "1: the child is a boy", low=0, high=1),
    ColumnRule("mwhte", "integer", "1: mother white", low=0, high=1),
    ColumnRule("mblck", "integer", "1: mother black", low=0, high=1),
    ColumnRule("moth", "integer", "1: mother of another group", low=0, high=1),
    ColumnRule("fwhte", "integer", "1: father white", low=0, high=1),
    ColumnRule("fblck", "integer", "1: father black", low=0, high=1),
    ColumnRule("foth", "integer", "1: father of another group", low=0, high=1),
    ColumnRule(OUTCOME_DAY, "date", "day on which the outcome became known", required=True),
    ColumnRule("bwght", "integer", "outcome: birth weight, grams", low=100, high=8000),
    ColumnRule("omaps", "integer", "outcome: Apgar score after one minute", low=0, high=10),
    ColumnRule("fmaps", "integer", "outcome: Apgar score after five minutes", low=0, high=10),
)

BIRTHS_COMMENT = "Births as landed, one row a birth; the days are simulated"
BIRTHS = (
    *(Column(rule.name, rule.spark_type, rule.words, rule.required) for rule in RULES),
    Column("source_file", "string", "name of the file that the row came from", required=True),
)

LANDING_FILES_COMMENT = "Which landed files were read, and which were set aside and why"
LANDING_FILES = (
    Column("file", "string", "name of the file", required=True),
    Column("digest", "string", "SHA-256 of its content", required=True),
    Column("status", "string", "ingested or quarantined", required=True),
    Column("reason", "string", "why it was set aside"),
    Column("moved_to", "string", "where it was set aside"),
    Column("rows_read", "bigint", "rows read from it"),
    Column("day", "date", "logical day of the run that read it"),
    Column("run_id", "string", "job run that read it"),
)

LABELS_COMMENT = "Outcome of each birth, known from its outcome day on"
LABELS = (
    Column(KEY, "string", "identifier of the birth", required=True),
    Column(DAY, "date", "day of the record (simulated)", required=True),
    Column(OUTCOME_DAY, "date", "day on which the outcome became known", required=True),
    Column(LABEL, "int", "1: birth weight below the limit of configs.yml"),
    Column("source_file", "string", "name of the file that the row came from", required=True),
)

PREDICTIONS_COMMENT = "Risk of low birth weight by member and day, by the champion of that day"
PREDICTIONS = (
    Column(KEY, "string", "identifier of the birth", required=True),
    Column("date", "date", "day that was scored", required=True),
    Column("risk", "double", "predicted probability of a birth weight below the limit"),
    Column("band", "string", "risk band of configs.yml"),
    Column("reasons", "array<string>", "what raises the risk most, in words, strongest first"),
    Column("model", "string", "name of the registered model"),
    Column("model_version", "bigint", "its version"),
    Column("run_id", "string", "job run that wrote the row"),
    Column("commit", "string", "git commit of the code that scored"),
    Column("scored_at", "timestamp", "the day at the hour of configs.yml, UTC: the same whenever the day is scored"),
)

# Beside the predictions, not in them: code of before and after can write the same predictions table.
SCORING_RUNS_COMMENT = "What each scoring that wrote predictions had read; a prediction finds its own by these keys"
SCORING_RUNS = (
    Column("run_id", "string", "job run that scored", required=True),
    Column("date", "date", "day that was scored", required=True),
    Column("commit", "string", "git commit of the code that scored", required=True),
    Column("model", "string", "name of the registered model", required=True),
    Column("model_version", "bigint", "its version", required=True),
    Column("features_table", "string", "feature table", required=True),
    Column("features_version", "bigint", "its Delta version that was read", required=True),
    Column("features_table_id", "string", "its id in Unity Catalog, another one if it is dropped and made anew"),
)
SCORING_RUNS_KEY = ("run_id", "date", "commit", "model", "model_version", "features_table", "features_version")
