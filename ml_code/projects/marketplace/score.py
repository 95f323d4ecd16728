"""Step marketplace.score: a table scored with a model that was brought from the marketplace."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.context import NO_RUN
from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.consumers.brought import Brought, full_name, read_brought
from ml_code.platform.marketplace.consumers.uses import record_use
from ml_code.platform.marketplace.consumers.wanted import NotApproved, covers_brought, holding
from ml_code.platform.marketplace.governance.index import read_index
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context

_PREDICTION = "prediction"
_TYPES = {"f": "double", "i": "long", "u": "long", "b": "boolean"}
"""By the kind of a numpy type."""


@dataclass(frozen=True)
class Scored:
    """What was scored, and with what; the version is the workspace's."""

    model: str
    version: int
    rows: int


def run(
    context: Context,
    *,
    workspace: str,
    archive: str,
    archive_secret: str,
    registry: str,
    model: str,
    name: str,
    input: str,
    output: str,
    **_: Any,
) -> Scored:
    """Write the input's rows with a column `prediction` to the output, and count them as used."""
    store = Archive.open(archive, options_of(context, archive_secret))
    place = f"{context.catalog}.{context.schema}" if registry == "unity_catalog" else None
    brought = _approved(context, store, workspace, model, full_name(place, name or model))
    version = brought.version
    if version is None:
        raise StepError(f"{brought.name} is not whole here: run marketplace-bring again")
    scored = _predict(context, brought.name, version, input)
    columns = [Column(field.name, field.dataType.simpleString()) for field in scored.schema.fields]
    comment = f"{input} scored with {model} of the marketplace"
    tables.create_table(context.spark, output, columns, comment, replace=True)
    tables.append(context.spark, output, scored)
    rows = int(context.spark.table(output).count())
    now = datetime.datetime.now(datetime.UTC).isoformat()
    record_use(
        store,
        model=brought.model,
        version=brought.hub_version,
        workspace=workspace,
        kind="batch",
        principal=str(context.workspace.current_user.me().user_name),
        count=rows,
        once=f"{output} {now if context.run_id == NO_RUN else context.run_id}",
    )
    context.say(f"{rows} rows of {input} scored with {brought.name} version {version} into {output}")
    return Scored(brought.name, version, rows)


def _approved(context: Context, archive: Archive, workspace: str, model: str, name: str) -> Brought:
    """What was brought under the name. Raises StepError where nothing was, and NotApproved where it may not be used."""
    brought = read_brought(archive, workspace).get(name)
    if brought is None or brought.model != model:
        raise StepError(f"{name} is not {model} of the marketplace: bring it first (marketplace-bring)")
    index = read_index(archive)
    known = index.model(model) if index else None
    if known is None:
        raise NotApproved(f"the marketplace does not have {model} any more: it may not be used")
    if not any(covers_brought(each, brought.hub_version) for each in holding(known, workspace, context.date)):
        raise NotApproved(
            f"{model}: version {brought.hub_version} is not approved for {workspace} any more: bring another"
        )
    return brought


def _predict(context: Context, name: str, version: int, input: str) -> DataFrame:
    """The input with its predictions. The files are fetched here: workers may not be able to reach the registry."""
    import mlflow
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    frame = context.spark.table(input)
    folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}")
    signature = mlflow.models.get_model_info(folder).signature
    if signature is None or signature.inputs is None or signature.outputs is None:
        raise StepError(f"{name} version {version} has no signature: which columns it takes is not known")
    wanted = signature.inputs.input_names()
    if missing := sorted(set(wanted) - set(frame.columns)):
        raise StepError(f"{input} lacks {', '.join(map(str, missing))}, which {name} version {version} takes")
    predict = mlflow.pyfunc.spark_udf(context.spark, folder, result_type=_type_of(signature.outputs))
    return frame.withColumn(_PREDICTION, predict(F.struct(*wanted)))


def _type_of(outputs: Any) -> str | None:
    """Spark's type of a prediction where it is one number a row, which MLflow takes for a list of one; else None."""
    tensors = outputs.inputs if outputs.is_tensor_spec() else []
    if len(tensors) != 1 or len(tensors[0].shape) != 1:
        return None
    return _TYPES.get(tensors[0].type.kind, "string")
