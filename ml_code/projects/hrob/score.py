"""Step hrob.score: the day's members through the champion into the predictions table and the inference log.

Twice is once. Predictions come first, and log and attributions are made from them: a run that was killed in between is
simply done again.
"""

import datetime
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring.inference_log import Layout, ScoredDay, log_attributions, log_batch
from ml_code.platform.parts import Part, difference, write
from ml_code.platform.registry.provenance import ScoringRun
from ml_code.platform.registry.versions import CHAMPION, LoadedModel, Versions
from ml_code.platform.scoring import Banding, Scorer, score_frame
from ml_code.platform.staging import staged
from ml_code.projects.hrob import schema
from ml_code.projects.hrob.configuration import Project, Scoring, read_project
from ml_code.projects.hrob.monitored import ATTRIBUTIONS, LOG, ensure_table, layout_of
from ml_code.projects.hrob.schema import DAY, KEY

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyspark.sql import DataFrame

    from ml_code.context import Context

UNDER_WAY = "scores_under_way"

# What makes a prediction another one. Which run and commit wrote it does not: they stay those that wrote it first.
_DECIDES = ("risk", "band", "reasons", "model", "model_version")


@dataclass(frozen=True)
class Scored:
    """What the step did: members of the day, and how many predictions were new or different."""

    members: int
    written: int
    version: int
    bands: dict[str, int]
    logged: int = 0
    explained: int = 0


def run(context: "Context", *, model: str, explain: bool = True, **_: Any) -> Scored:
    """Load the champion by its alias, score, band, give reasons, write what is new or different, and log it."""
    project = read_project(context.root, context.environment)
    champion = load_champion(model)
    predictions = context.table("predictions")
    tables.create_table(context.spark, predictions, schema.PREDICTIONS, schema.PREDICTIONS_COMMENT)

    reading = _reading(context, champion)
    rows = _day_rows(context, champion, reading, project.parameters.scoring.window_days)
    count = rows.count()
    if not count:
        context.say(f"no members to score on {context.date}: nothing written")
        return Scored(0, 0, champion.version, {})
    layout = layout_of(context, project)
    told = tuple(name for name in champion.preparation.features if layout.privacy.rule(name) != "drop")
    scorer = scorer_of(champion, project, told if explain else ())
    with _scores(context, rows, scorer) as scores:
        scored = _predictions(context, scores, champion, project)
        written = _write(context, predictions, scored, count, reading)
        day = ScoredDay(context.date, _of_day(context, predictions), count)
        logged, explained = _log(context, project, layout, day, rows, scores if explain else None)
    bands = _bands_of(context, predictions)
    text = ", ".join(f"{bands.get(band.name, 0)} {band.name}" for band in project.parameters.scoring.bands)
    context.say(f"{count} members of {context.date} scored with {model} v{champion.version}: {text}")
    context.say(
        f"new or different: {written} in {predictions}, {logged} in {LOG}, "
        + (f"{explained} in {ATTRIBUTIONS}" if explain else "attributions not asked for")
    )
    return Scored(count, written, champion.version, bands, logged, explained)


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


def scorer_of(champion: LoadedModel, project: Project, explain: tuple[str, ...] = ()) -> Scorer:
    """The champion with the project's bands and words; it also gives the contributions of the features in `explain`."""
    words = [project.mappings.features[name].words for name in champion.preparation.features]
    return Scorer(champion.booster_text, champion.preparation, words, _banding(project.parameters.scoring), explain)


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


def _day_rows(context: "Context", champion: LoadedModel, reading: ScoringRun, window_days: int) -> "DataFrame":
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
    return features.where(in_window)


def _scores(context: "Context", rows: "DataFrame", scorer: Scorer) -> "AbstractContextManager[DataFrame]":
    """Key and scores of the rows. With contributions they are worked out once, for three tables."""
    scores = score_frame(rows, scorer, [KEY])
    return staged(context.spark, context.table(UNDER_WAY), scores) if scorer.explain else nullcontext(scores)


def _predictions(context: "Context", scores: "DataFrame", champion: LoadedModel, project: Project) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    moment = datetime.datetime.combine(context.date, datetime.time(project.parameters.scoring.hour))
    return scores.select(
        KEY,
        F.lit(context.date).cast("date").alias("date"),
        "risk",
        "band",
        "reasons",
        F.lit(champion.name).alias("model"),
        F.lit(champion.version).cast("bigint").alias("model_version"),
        F.lit(context.run_id).alias("run_id"),
        F.lit(context.origin.commit).alias("commit"),
        F.lit(moment.isoformat(sep=" ")).cast("timestamp").alias("scored_at"),
    )


def _write(context: "Context", predictions: str, scored: "DataFrame", count: int, reading: ScoringRun) -> int:
    """What is new or different; returns how many rows."""
    part = Part(predictions, _is_day(context), (KEY, "date"), _DECIDES)
    found = difference(context.spark, part, scored, count)
    if found.count:
        _record(context, reading)
        write(context.spark, part, scored, found)
    return found.count


def _log(
    context: "Context",
    project: Project,
    layout: Layout,
    day: ScoredDay,
    rows: "DataFrame",
    explained: "DataFrame | None",
) -> tuple[int, int]:
    """Log and, of explained scores, attributions; rows new or different in each."""
    log = ensure_table(context, project, LOG)
    logged = log_batch(context.spark, log, day, layout.of_features(rows), layout)
    if explained is None:
        return logged, 0
    attributions = ensure_table(context, project, ATTRIBUTIONS)
    contributions = explained.select(KEY, "expected", "contributions")
    return logged, log_attributions(context.spark, attributions, day, contributions, layout)


def _record(context: "Context", reading: ScoringRun) -> None:
    """Before the rows that it speaks of, so that none is ever without; a repeated run finds its own there."""
    name = context.table("scoring_runs")
    tables.create_table(context.spark, name, schema.SCORING_RUNS, schema.SCORING_RUNS_COMMENT)
    rows = context.spark.createDataFrame([reading.row()], tables.ddl(schema.SCORING_RUNS))
    tables.merge(context.spark, name, rows, schema.SCORING_RUNS_KEY, update=False)


def _bands_of(context: "Context", predictions: str) -> dict[str, int]:
    rows = _of_day(context, predictions).groupBy("band").count().collect()
    return {row["band"]: int(row["count"]) for row in rows}


def _of_day(context: "Context", predictions: str) -> "DataFrame":
    return context.spark.table(predictions).where(_is_day(context))


def _is_day(context: "Context") -> Any:
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    return F.col("date") == F.lit(context.date).cast("date")


def _banding(scoring: Scoring) -> Banding:
    return Banding(
        names=tuple(band.name for band in scoring.bands),
        starts=tuple(band.starts for band in scoring.bands),
        reasons=scoring.reasons,
        reasons_for=frozenset(scoring.reasons_for),
    )
