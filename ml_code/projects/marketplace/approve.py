"""Step marketplace.approve: the hub's grants become what the approvals in the repository say."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.governance.apply import Applied, apply_approvals, require_no_failure
from ml_code.platform.marketplace.governance.approvals import Approval, read_approvals
from ml_code.platform.marketplace.governance.grants import grants_of
from ml_code.platform.marketplace.governance.index import Index, IndexedModel
from ml_code.platform.marketplace.governance.registered import hub_models
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.schema import APPROVALS, APPROVALS_COMMENT, APPROVALS_TABLE

if TYPE_CHECKING:
    from ml_code.context import Context


def run(
    context: Context, *, archive: str, archive_secret: str, registry: str, dry_run: bool, **_: Any
) -> list[Applied]:
    """Apply the approvals, write down what was done, and tell the consumers by the archive's index."""
    approvals = read_approvals(context.root)
    store = Archive.open(archive, options_of(context, archive_secret))
    with nullcontext() if dry_run else store.lease("approvals"):
        place = f"{context.catalog}.{context.schema}"
        found = hub_models(context.workspace, Registry.connect(registry=registry), store, place)
        known = {model.name: model.full_name for model in found}
        grants = grants_of(context.workspace, registry)
        applied = apply_approvals(approvals, known, grants, context.date, dry_run=dry_run)
        _say(context, applied, len(found), dry_run)
        if not dry_run:
            now = datetime.datetime.now(datetime.UTC)
            models = tuple(replace(model, approvals=_of(model, approvals)) for model in found)
            Index(now.isoformat(timespec="seconds"), context.origin.commit, models).write(store)
            _write(context, applied, now)
    require_no_failure(applied)
    return applied


def _of(model: IndexedModel, approvals: Sequence[Approval]) -> tuple[Approval, ...]:
    return tuple(each for each in approvals if each.model == model.name)


def _say(context: Context, applied: Sequence[Applied], models: int, dry_run: bool) -> None:
    for line in applied:
        until = f" until {line.until}" if line.until else ""
        context.say(f"{line.model}: {line.principal} {line.state}{until} ({line.reason})")
    counted = Counter(line.state for line in applied)
    told = ", ".join(f"{number} {state}" for state, number in sorted(counted.items())) or "nothing to apply"
    context.say(f"{'dry run: ' if dry_run else ''}{told}; models of the hub: {models}")


def _write(context: Context, applied: Sequence[Applied], now: datetime.datetime) -> None:
    import pyarrow as pa

    tables.create_table(context.spark, context.table(APPROVALS_TABLE), APPROVALS, APPROVALS_COMMENT)
    if not applied:
        return
    more = {"applied_at": now, "commit": context.origin.commit, "run_id": context.run_id}
    rows = pa.Table.from_pylist([{**vars(line), **more} for line in applied])
    columns = {"until": pa.date32(), "approved_by": pa.string(), "reason": pa.string()}
    for name, kind in columns.items():  # a column of nothing but nulls has no type of its own
        rows = rows.set_column(rows.schema.get_field_index(name), name, rows[name].cast(kind))
    tables.append(context.spark, context.table(APPROVALS_TABLE), tables.from_arrow(context.spark, rows, APPROVALS))
