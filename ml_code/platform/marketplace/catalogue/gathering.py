"""The catalogue of a day, gathered from the hub's registry, its tables and the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.catalogue.evidence import read_evidence
from ml_code.platform.marketplace.catalogue.models import Model, read_registered
from ml_code.platform.marketplace.catalogue.records import Approval, Catalogue, Entry, Intake, Use
from ml_code.platform.marketplace.catalogue.tables import (
    read_approvals,
    read_intakes,
    read_models,
    read_refusals,
    read_uses,
    short,
)
from ml_code.platform.marketplace.governance.index import Index, IndexedModel, read_index

if TYPE_CHECKING:
    from ml_code.context import Context
    from ml_code.platform.marketplace.archive.archive import Archive
    from ml_code.platform.marketplace.registry.reading import Registry

_AT_ONCE = 8


def read_catalogue(context: Context, archive: Archive, registry: Registry) -> Catalogue:
    """Everything that the hub has imported and still has."""
    models = read_registered(registry, read_models(context))
    approvals, uses, intakes = read_approvals(context), read_uses(context), read_intakes(context, archive)
    index = _index(context, archive)
    entries = [_entry(model, approvals, uses, intakes, index) for model in models]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        evidence = pool.map(lambda entry: read_evidence(archive, entry.shown), entries)
        entries = [replace(entry, evidence=found) for entry, found in zip(entries, evidence, strict=True)]
    return Catalogue(
        date=context.date,
        hub=f"{context.catalog}.{context.schema}",
        entries=entries,
        intakes=intakes,
        refusals=read_refusals(context),
    )


def _entry(
    model: Model,
    approvals: Mapping[str, Sequence[Approval]],
    uses: Mapping[str, Sequence[Use]],
    intakes: Sequence[Intake],
    index: Index | None,
) -> Entry:
    name = short(model.name)
    indexed = index.model(model.name) if index else None
    applied = [_with_workspaces(each, indexed) for each in approvals.get(name, ())]
    entry = Entry(model.name, model.description, model.versions, applied, uses.get(name, ()))
    return replace(entry, intake=next((each for each in intakes if each.covers(entry.shown)), None))


def _with_workspaces(approval: Approval, model: IndexedModel | None) -> Approval:
    """Where an approval lets the model be brought to stands in the index: the table has a line per principal."""
    named = [each.workspaces for each in (model.approvals if model else ()) if approval.principal in each.principals]
    return replace(approval, workspaces=tuple(sorted({workspace for each in named for workspace in each})))


def _index(context: Context, archive: Archive) -> Index | None:
    """The archive's index; without one that can be read the pages only lack the workspaces of approvals."""
    try:
        return read_index(archive)
    except StepError as error:
        context.log.warning(str(error))
        return None
