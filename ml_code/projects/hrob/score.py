"""Step hrob.score: the day's members through the champion into the predictions table. Twice is once."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.features.table import MERGE_LIMIT
from ml_code.platform.registry.provenance import ScoringRun
from ml_code.platform.registry.versions import CHAMPION, LoadedModel, Versions
from ml_code.platform.scoring import Banding, Scorer, score_frame
from ml_code.projects.hrob import schema
from ml_code.projects.hrob.configuration import Project, Scoring, read_project
from ml_code.projects.hrob.schema import DAY, KEY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context

# What makes a prediction another one. Which run and commit wrote it does not: they stay those that wrote it first.
_DECIDES = ("risk", "band", "reasons", "model", "model_version")


@dataclass(frozen=True)
class Scored:
    """What the step did: members of the day, and how many predictions were new or different."""

    members: int
    written: int
    version: int
    bands: dict[str, int]


def run(context: "Context", *, model: str, **_: Any) -> Scored:
    """Load the champion by its alias, score, band, give reasons, MERGE what is new or different."""
    project = read_project(context.root, context.environment)
    champion = load_champion(model)
    predictions = context.table("predictions")
    tables.create_table(context.spark, predictions, schema.PREDICTIONS, schema.PREDICTIONS_COMMENT)

    reading = _reading(context, champion)
    members = _members(context, champion, reading, project.parameters.scoring.window_days)
    count = members.count()
    if not count:
        context.say(f"no members to score on {context.date}: nothing written")
        return Scored(0, 0, champion.version, {})
    written = _write(context, predictions, _predictions(context, members, champion, project), count, reading)
    bands = _bands_of(context, predictions)
    text = ", ".join(f"{bands.get(band.name, 0)} {band.name}" for band in project.parameters.scoring.bands)
    context.say(f"{count} members of {context.date} scored with {model} v{champion.version}: {text}")
    context.say(f"{written} predictions new or different in {predictions}")
    return Scored(count, written, champion.version, bands)


def load_champion(model: str) -> LoadedModel:
    """The champion. Raises StepError saying what to do when there is none."""
    versions = Versions(model)
    number = versions.by_alias(CHAMPION)
    if number is None:
        raise StepError(
            f"{model} has no version with the alias {CHAMPION}: run the training job, whose promote task sets it "
            "when a version passes the floor, or set the alias on a version by hand"
        )
    return versions.load(number)


def scorer_of(champion: LoadedModel, project: Project) -> Scorer:
    """The champion with the project's bands and words."""
    words = [project.mappings.features[name].words for name in champion.preparation.features]
    return Scorer(champion.booster_text, champion.preparation, words, _banding(project.parameters.scoring))


def _reading(context: "Context", champion: LoadedModel) -> ScoringRun:
    name = context.table("features")
    if not tables.exists(context.spark, name):
        raise StepError(f"there is no table {name}: run hrob.ingest and hrob.features first")
    return ScoringRun(
        run_id=context.run_id,
        date=context.date,
        commit=context.origin.commit,
        model=champion.name,
        model_version=champion.version,
        features_table=name,
        features_version=tables.version(context.spark, name),
        features_table_id=context.workspace.tables.get(name).table_id,
    )


def _members(context: "Context", champion: LoadedModel, reading: ScoringRun, window_days: int) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    name = reading.features_table
    # As of the version that will be told, whatever is written meanwhile.
    features = tables.as_of(context.spark, name, reading.features_version)
    if missing := sorted(set(champion.preparation.features) - set(features.columns)):
        raise StepError(
            f"{name} lacks {', '.join(missing)}, which {champion.name} v{champion.version} was trained with: "
            "put them back into feature_mappings.yml or promote a version trained without them"
        )
    first = context.date - datetime.timedelta(days=window_days - 1)
    in_window = F.col(DAY).between(F.lit(first).cast("date"), F.lit(context.date).cast("date"))
    return features.where(in_window).select(KEY, *champion.preparation.features)


def _predictions(context: "Context", members: "DataFrame", champion: LoadedModel, project: Project) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    hour = datetime.time(project.parameters.scoring.hour)
    moment = datetime.datetime.combine(context.date, hour).isoformat(sep=" ")
    return score_frame(members, scorer_of(champion, project), [KEY]).select(
        KEY,
        F.lit(context.date).cast("date").alias("date"),
        "risk",
        "band",
        "reasons",
        F.lit(champion.name).alias("model"),
        F.lit(champion.version).cast("bigint").alias("model_version"),
        F.lit(context.run_id).alias("run_id"),
        F.lit(context.origin.commit).alias("commit"),
        F.lit(moment).cast("timestamp").alias("scored_at"),
    )


def _write(context: "Context", predictions: str, scored: "DataFrame", count: int, reading: ScoringRun) -> int:
    """MERGE what is new or different; a day too large for that is replaced in one commit. Returns the rows written."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    day = F.col("date") == F.lit(context.date).cast("date")
    present = context.spark.table(predictions).where(day)
    new = scored
    if present.limit(1).count():
        new = scored.join(present.select(KEY, *_DECIDES), [KEY, *_DECIDES], "left_anti").select(*scored.columns)
        count = new.count()
        if not count:
            return 0
    _record(context, reading)
    if count <= MERGE_LIMIT:
        tables.merge(context.spark, predictions, new, [KEY, "date"])
    else:
        tables.replace_where(context.spark, predictions, scored, day)
    return count


def _record(context: "Context", reading: ScoringRun) -> None:
    """Before the rows that it speaks of, so that none is ever without; a repeated run finds its own there."""
    name = context.table("scoring_runs")
    tables.create_table(context.spark, name, schema.SCORING_RUNS, schema.SCORING_RUNS_COMMENT)
    rows = context.spark.createDataFrame([reading.row()], tables.ddl(schema.SCORING_RUNS))
    tables.merge(context.spark, name, rows, schema.SCORING_RUNS_KEY, update=False)


def _bands_of(context: "Context", predictions: str) -> dict[str, int]:
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    day = F.col("date") == F.lit(context.date).cast("date")
    rows = context.spark.table(predictions).where(day).groupBy("band").count().collect()
    return {row["band"]: int(row["count"]) for row in rows}


def _banding(scoring: Scoring) -> Banding:
    return Banding(
        names=tuple(band.name for band in scoring.bands),
        starts=tuple(band.starts for band in scoring.bands),
        reasons=scoring.reasons,
        reasons_for=frozenset(scoring.reasons_for),
    )
