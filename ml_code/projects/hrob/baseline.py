"""What the inference log is compared with: the champion's own predictions of the rows that it was measured on."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.monitoring import inference_log
from ml_code.platform.parts import filled
from ml_code.platform.registry.versions import LoadedModel
from ml_code.platform.scoring import Scorer, score_frame
from ml_code.projects.hrob.configuration import Project
from ml_code.projects.hrob.monitored import BASELINE, ensure_table, layout_of, log_columns
from ml_code.projects.hrob.rows import hash_split, labelled
from ml_code.projects.hrob.schema import DAY, KEY, LABEL
from ml_code.projects.hrob.score import scorer_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context


def write_baseline(context: "Context", project: Project, champion: LoadedModel) -> int:
    """Replace the baseline by held-out rows with the champion's risk and the label, in one commit; how many rows.

    Nothing is written where the table has this champion's rows already. A row's timestamp is the day of its record at
    the hour of scoring; attributes, features and key are kept as the privacy rules say.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    name = ensure_table(context, project, BASELINE)
    present = context.spark.table(name)
    known = present.where(
        (F.col("model") == F.lit(champion.name)) & (F.col("model_version") == F.lit(str(champion.version)))
    )
    if found := int(known.count()):
        return found
    rows = filled(context.spark, name, _rows(context, project, champion))
    tables.replace_where(context.spark, name, rows, F.lit(True))
    return int(context.spark.table(name).count())


def _rows(context: "Context", project: Project, champion: LoadedModel) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    parameters, layout = project.parameters, layout_of(context, project)
    # Every feature of the table: attributes are computed from those that the model does not use.
    columns = tuple(dict.fromkeys([*project.mappings.features, *champion.preparation.features]))
    held_out = labelled(context, context.date, columns, parameters.split.window_days)
    held_out = held_out.where(hash_split(parameters.split).held_out(KEY))
    scores = score_frame(held_out, _without_reasons(scorer_of(champion, project)), [KEY, DAY, LABEL])
    known = layout.protect(scores.join(layout.of_features(held_out), KEY))
    values = {
        "request_id": F.concat_ws(":", F.col(KEY), F.col(DAY).cast("string")),
        "timestamp": F.concat(F.col(DAY).cast("string"), F.lit(f" {parameters.scoring.hour:02d}:00:00")),
        "source": F.lit(inference_log.BASELINE),
        "model": F.lit(champion.name),
        "model_version": F.lit(str(champion.version)),
        "prediction": F.col("risk") >= F.lit(parameters.monitoring.decision),
        "label": F.col(LABEL),
        "labelled_at": F.lit(None),
        "label_changes": F.lit(0),
        "run_id": F.lit(context.run_id),
        "commit": F.lit(context.origin.commit),
    }
    return known.select(
        *(
            values.get(column.name, F.col(column.name)).cast(column.type).alias(column.name)
            for column in log_columns(project)
        )
    )


def _without_reasons(scorer: Scorer) -> Scorer:
    return replace(scorer, banding=replace(scorer.banding, reasons=0))
