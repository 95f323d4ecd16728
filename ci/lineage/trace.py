"""The whole trail of a prediction or of a model version."""

from __future__ import annotations

from ci.lineage.code import add_job_run
from ci.lineage.data import add_derived, add_source_of_row, feature_row, find_reading
from ci.lineage.models import add_model, columns_of, find_version
from ci.lineage.predictions import Prediction, find_prediction
from ci.lineage.serving import add_uses
from ci.lineage.sight import Missing, Sight
from ci.lineage.subject import ModelVersion, PredictionRow
from ci.lineage.trail import Kind, Node, Tracing, Trail, facts


def trace(sight: Sight, asked: PredictionRow | ModelVersion) -> Trail:
    """Raises Trouble where what is asked for does not exist; what else is missing is a gap of the trail."""
    if isinstance(asked, ModelVersion):
        return trace_model(sight, asked)
    return trace_prediction(sight, find_prediction(sight, asked))


def trace_prediction(sight: Sight, prediction: Prediction) -> Trail:
    """Back from one row to sources, features, data, model, run, commit, pull request, plan and deployment."""
    tracing = Tracing()
    row = prediction.row
    reasons = row.get("reasons")
    node = Node(
        id=prediction.id,
        kind=Kind.PREDICTION,
        title=prediction.name.partition("/")[2].replace(",", ", "),
        facts=facts(
            [
                ("table", prediction.table),
                ("risk", row["risk"]),
                ("band", row.get("band")),
                ("reasons", ", ".join(map(str, reasons)) if isinstance(reasons, list) else None),
                ("scored at", row.get("scored_at")),
            ]
        ),
    )
    id = tracing.add(node)
    add_job_run(tracing, sight, str(row["run_id"]), str(row["commit"] or ""), prediction.table, id, "wrote")
    model = add_model(tracing, sight, *prediction.model)
    tracing.link(model, id, "scored")
    _add_what_was_read(tracing, sight, prediction, id)
    return tracing.trail(id)


def trace_model(sight: Sight, asked: ModelVersion) -> Trail:
    """Back from a version as from a prediction, and down to where it serves."""
    tracing = Tracing()
    version = find_version(sight, asked)
    id = add_model(tracing, sight, asked.model, version)
    add_uses(tracing, sight, asked.model, version, id)
    return tracing.trail(id)


def _add_what_was_read(tracing: Tracing, sight: Sight, prediction: Prediction, into: str) -> None:
    reading = find_reading(sight, prediction.table, prediction.row)
    if isinstance(reading, Missing):
        reason = f"{reading.reason}; so the landed file is not known either"
        tracing.gap(Kind.FEATURES, into, "features", reason, "gave the inputs of")
        return
    columns = columns_of(*prediction.model)
    told = columns.reason if isinstance(columns, Missing) else ", ".join(columns)
    row = feature_row(sight, reading, prediction.key)
    definition = None if isinstance(row, Missing) else row.get("definition")
    more = {"used_by_the_model": told, "definition": str(definition) if definition else None}
    id = add_derived(tracing, sight, reading.table, reading.version, into, "gave the inputs of", **more)
    if isinstance(row, Missing):
        tracing.gap(Kind.DATA, id, "row of features", row.reason, "is part of")
    else:
        add_source_of_row(tracing, sight, reading.table, row, prediction.key)
