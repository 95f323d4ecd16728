"""The step on a real workspace: registry, tables and archive become pages, each use is counted once."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from databricks.sdk.service.workspace import ExportFormat
from mlflow import MlflowClient

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace import schema
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.catalogue.gathering import read_catalogue
from ml_code.platform.marketplace.catalogue.publishing import Published
from ml_code.platform.marketplace.catalogue.site import INDEX, page_path
from ml_code.platform.marketplace.catalogue.tables import gather_uses
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.index import FILE, Index, IndexedModel
from ml_code.platform.marketplace.manifest import Manifest, Origin, Run, Version
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.projects.marketplace.catalogue import Catalogued, run
from tests.ml_code.conftest import CATALOG, Place, Services, new_place

from .conftest import CARD, DAY, moment, validation

USE = {
    "use_id": "0" * 32,
    "used_at": "2026-11-19T06:30:00.123+00:00",
    "model": "east__risk",
    "version": 2,
    "workspace": "west",
    "kind": "batch",
    "principal": "west-jobs",
    "count": 40,
}


@dataclass
class Hub:
    """A hub with one model of two versions: an archive, a registry and the tables that point at each other."""

    place: Place
    folder: Path
    archive: Archive

    @property
    def model(self) -> str:
        return f"{CATALOG}.{self.place.schema}.east__risk"

    @property
    def pages(self) -> str:
        return f"/Shared/{self.place.schema}/marketplace"

    def run(self, **more: Any) -> Catalogued:
        context = self.place.context("marketplace.catalogue", DAY)
        return run(context, archive=self.archive.url, folder=self.pages, **more)

    def page(self, path: str) -> str:
        with self.place.client.workspace.download(f"{self.pages}/{path}", format=ExportFormat.AUTO) as content:
            return str(content.read().decode())

    def add_rows(self, table: str, rows: list[dict[str, Any]]) -> None:
        columns = getattr(schema, table.upper())
        context = self.place.context("test", DAY)
        tables.create_table(context.spark, context.table(table), columns, "of a test")
        whole = [{**dict.fromkeys(column.name for column in columns), **row} for row in rows]
        frame = tables.from_arrow(context.spark, pa.Table.from_pylist(whole, _types(columns)), columns)
        tables.append(context.spark, context.table(table), frame)


_OF_PYARROW = {
    "date": pa.date32(),
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", "UTC"),
}


def _types(columns: Any) -> pa.Schema:
    return pa.schema([(column.name, _OF_PYARROW[column.type]) for column in columns])


@pytest.fixture(scope="module")
def hub(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    with services.here():
        folder = tmp_path_factory.mktemp("marketplace")
        made = Hub(new_place(services), folder, Archive.open((folder / "archive").as_uri(), create=True))
        for number in (1, 2):
            _bring(made, number)
        row = {"date": DAY, "imported_at": moment(0), "run_id": "7", "workspace": "east", "status": "imported"}
        taken = [{**row, "model": "risk", "version": n, "hub_model": made.model, "hub_version": n} for n in (1, 2)]
        gone = {**row, "model": "gone", "version": 1, "hub_model": f"{made.model}_gone", "hub_version": 1}
        refused = {**row, "model": "bad", "version": 3, "status": "refused", "reason": "a sum does not match"}
        older = {**refused, "model": "former", "run_id": "6", "imported_at": moment(1)}
        made.add_rows("imports", [*taken, gone, refused, older])
        approval = {"model": "east__risk", "applied_at": moment(2), "commit": "1f" * 20, "run_id": "5"}
        ward = {**approval, "principal": "ward", "until": DAY, "approved_by": "board@example.com", "reason": "r. 114"}
        made.add_rows(
            "approvals",
            [
                {**ward, "state": "granted", "applied_at": moment(9)},
                {**ward, "state": "kept"},
                {**approval, "principal": "students", "state": "granted", "applied_at": moment(9)},
                {**approval, "principal": "students", "state": "revoked", "reason": "no approval"},
                {**approval, "principal": "visitors", "state": "granted", "until": DAY - datetime.timedelta(days=1)},
                {**approval, "principal": "visitors", "state": "failed", "reason": "403", "applied_at": moment(1)},
            ],
        )
        made.archive.write_document("uses/0.json", USE)
        approved = Approval(
            model="east__risk",
            principals=("ward",),
            workspaces=("west", "north"),
            until=DAY,
            approved_by="board@example.com",
            reason="validated, report 114",
        )
        indexed = IndexedModel("east__risk", made.model, "", (), (approved,))
        Index("2026-11-20T04:30:00+00:00", "1f" * 20, (indexed,)).write(made.archive)
    return made


def _bring(hub: Hub, number: int) -> None:
    """A version in the archive, and in the registry with the tags that an import gives it."""
    client = MlflowClient()
    if number == 1:
        client.create_registered_model(hub.model, description="Risk of everything. In the east.")
    experiment = client.create_experiment(f"/Shared/{hub.place.schema}-{number}")
    run = client.create_run(experiment)
    put = hub.archive.put
    manifest = Manifest(
        origin=Origin("east", "1", "https://east.example.com", "unity_catalog", "3.17.0"),
        version=Version("risk", number, "", "", {}, {"verdict": "promote"}, (), None, 1, "r1", None),
        run=Run(
            "r1",
            "training",
            "FINISHED",
            1,
            2,
            "ann",
            {"rounds": "40"},
            {},
            {"auc": ((0.5, 0, 9), (0.75, 2, 5), (0.7, 1, 7))},
            (),
            "1",
            "e",
            {},
        ),
        logged_model=None,
        model_files=(put("MLmodel", [b"flavors: {}"]),),
        artifacts=(
            put("evaluation/validation.json", [json.dumps(validation()).encode()]),
            put("evaluation/fairness.json", [b'{"columns": "of another form"}']),
            put("model_card/card.html", [CARD.encode(), b" " * number]),
        ),
        signature=None,
        flavors=("sklearn",),
        lineage={"commit": "c0ffee"},
        permissions=(),
        notes=("the dataset of the run is gone",),
    )
    committed = hub.archive.commit(manifest)
    tags = {
        "marketplace.workspace": "east",
        "marketplace.model": "risk",
        "marketplace.version": str(number),
        "marketplace.manifest": committed.sha256,
        "marketplace.content": manifest.content,
    }
    source = f"{run.info.artifact_uri}/model"
    client.create_model_version(hub.model, source, run.info.run_id, tags=tags, description="Trained in spring.")
    client.set_registered_model_alias(hub.model, "champion", str(number))


def test_the_pages_tell_what_registry_tables_and_archive_know(hub: Hub) -> None:
    done = hub.run(site=str(hub.folder / "site"))
    assert (done.models, done.path) == (1, f"{hub.pages}/{INDEX}")
    front, model = hub.page(INDEX), hub.page(page_path(hub.model))
    for said in (
        "east__risk",
        "Risk of everything.",
        "v2 (champion)",
        "sklearn",
        "ward (brought to north, west)",
        "a sum",
    ):
        assert said in front, said
    for not_said in ("_gone", "former", "students", "visitors"):
        assert not_said not in front, not_said
    for said in (
        "0.742 [0.711, 0.773]",
        "evaluation/fairness.json",
        "but not in the form",
        "Card of readmission",
        "the dataset of the run is gone",
        "0.75",
        "board@example.com",
        "could not be changed since: 403",
        "west-jobs",
        "https://east.example.com",
    ):
        assert said in model, said
    assert (hub.folder / "site" / INDEX).read_text() == front
    assert (hub.folder / "site" / page_path(hub.model)).read_text() == model


def test_a_use_is_counted_once_and_what_is_no_record_stops_nothing(hub: Hub) -> None:
    context = hub.place.context("test", DAY)
    gather_uses(context, hub.archive)
    hub.archive.write_document("uses/1.json", {**USE, "use_id": "1" * 32})
    hub.archive.write_document("uses/again.json", {**USE, "use_id": "1" * 32})
    hub.archive.write_document("uses/bad.json", {"use_id": "2"})
    hub.archive.write_document("uses/negative.json", {**USE, "use_id": "3", "count": -1})
    hub.archive.write_document("uses/odd.json", {**USE, "use_id": "4", "kind": "looked at"})
    counted, unreadable = gather_uses(context, hub.archive)
    assert counted == 1
    assert [line.partition(":")[0] for line in unreadable] == ["uses/bad.json", "uses/negative.json", "uses/odd.json"]
    assert gather_uses(context, hub.archive)[0] == 0
    (entry,) = read_catalogue(context, hub.archive, Registry.connect()).entries
    popular = entry.popularity(DAY)
    assert (popular.workspaces, popular.uses, popular.rows) == (1, 2, 80)


def test_a_second_run_writes_only_what_changed(hub: Hub) -> None:
    hub.run()
    assert hub.run().published == Published(2, 0, 0)


def test_an_approval_counts_until_its_last_day(hub: Hub) -> None:
    registry = Registry.connect()
    for day, expected in ((DAY, ["ward"]), (DAY + datetime.timedelta(days=1), [])):
        (entry,) = read_catalogue(hub.place.context("test", day), hub.archive, registry).entries
        assert [each.principal for each in entry.approved(day)] == expected
        assert [each.principal for each in entry.approvals] == ["students", "visitors", "ward"]


def test_a_damaged_file_is_named_and_hides_nothing_else(hub: Hub, damaged: Callable[[str], None]) -> None:
    context = hub.place.context("test", DAY)
    damaged("model_card/card.html")
    (entry,) = read_catalogue(context, hub.archive, Registry.connect()).entries
    assert entry.evidence.card == ""
    assert any("model_card/card.html is damaged" in note for note in entry.evidence.notes)
    assert entry.evidence.results["validation"]["verdict"]["decision"] == "promote"


@pytest.fixture
def damaged(hub: Hub) -> Iterator[Callable[[str], None]]:
    """Breaks a file of version 2 in the archive; it is whole again after the test."""
    kept: dict[Path, bytes] = {}

    def break_file(path: str) -> None:
        manifest = hub.archive.manifest(hub.archive.manifests("east", "risk", 2)[0])
        (file,) = [each for each in manifest.artifacts if each.path == path]
        chunk = hub.folder / "archive/chunks" / file.chunks[0][:2] / f"{file.chunks[0]}.zst"
        kept[chunk] = chunk.read_bytes()
        chunk.write_bytes(kept[chunk][:-3])

    yield break_file
    for chunk, content in kept.items():
        chunk.write_bytes(content)


def test_an_index_of_a_newer_format_hides_only_what_it_tells(hub: Hub) -> None:
    kept = hub.archive.read_document(FILE)
    hub.archive.write_document(FILE, {**kept, "format": 99})
    try:
        (entry,) = read_catalogue(hub.place.context("test", DAY), hub.archive, Registry.connect()).entries
    finally:
        hub.archive.write_document(FILE, kept)
    assert [(each.principal, each.workspaces) for each in entry.approved(DAY)] == [("ward", ())]


def test_an_intake_is_shown_with_the_version_that_it_let_in(hub: Hub) -> None:
    context = hub.place.context("test", DAY)
    row = {
        "request": "tiny",
        "source": "https://models.example.com/tiny",
        "revision": "a" * 40,
        "licence": "MIT",
        "purpose": "letters",
        "owner": "nlp",
        "verdict": "refused",
        "reasons": '["a.bin: calls posix.system"]',
        "report": "intake/tiny/a/report.json",
        "checked_at": moment(3),
        "run_id": "1",
    }
    hub.archive.write_document("intake/tiny/a/report.json", {"model": "tiny", "version": 1, "scanner": "modelscan"})
    lost = {**row, "request": "lost", "report": "intake/lost.json", "reasons": "not JSON", "checked_at": moment(5)}
    hub.add_rows("intakes", [row, {**row, "verdict": "accepted", "reasons": "[]", "checked_at": moment(1)}, lost])
    catalogue = read_catalogue(context, hub.archive, Registry.connect())
    tiny, other = catalogue.intakes
    assert (tiny.verdict, tiny.reasons, tiny.report["scanner"]) == ("accepted", (), "modelscan")
    assert (other.report, other.reasons) == ({}, ("not JSON",))
    (entry,) = catalogue.entries
    assert entry.intake is None
    marks = {"marketplace.workspace": "open-source", "marketplace.model": "tiny", "marketplace.version": "1"}
    assert tiny.covers(replace(entry.shown, tags=marks))
    assert not tiny.covers(replace(entry.shown, tags={**marks, "marketplace.version": "2"}))
    assert not tiny.covers(replace(entry.shown, tags={**marks, "marketplace.workspace": "east"}))


def test_a_hub_without_tables_has_a_page(services: Services, tmp_path: Path) -> None:
    place = new_place(services)
    empty = Hub(place, tmp_path, Archive.open(tmp_path.as_uri(), create=True))
    assert empty.run().published == Published(1, 1, 0)
    assert "The hub has no models yet" in empty.page(INDEX)


def test_the_pages_belong_in_a_folder_that_the_workspace_knows(hub: Hub) -> None:
    context = hub.place.context("marketplace.catalogue", DAY)
    with pytest.raises(StepError, match="named marketplace"):
        run(context, archive=hub.archive.url, folder="/Shared/pages")
