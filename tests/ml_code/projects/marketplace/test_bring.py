"""The step in a consumer's workspace: models arrive whole, are granted and counted, and are taken back."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive, Committed, Leased
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.index import Index, IndexedModel, IndexedVersion
from ml_code.projects.marketplace import bring
from tests.ml_code.conftest import Place
from tests.support.marketplace_archive import exported

DAY = datetime.date(2026, 11, 21)
ORIGIN = "prod.wards.line"


@dataclass
class West:
    """A consumer, an archive with two versions of a model, and what its hub says of them."""

    place: Place
    archive: Archive
    committed: tuple[Committed, ...]
    group: str

    def tell(self, champion: int = 1, **more: Any) -> None:
        """The hub's index: the model is approved for the group unless `more` says otherwise."""
        approval: dict[str, Any] = {
            "model": "east__line",
            "principals": (self.group,),
            "workspaces": ("west",),
            "until": DAY,
            "approved_by": "board@example.com",
            "reason": "validated by the board",
            **more,
        }
        versions = tuple(
            IndexedVersion(
                number, "east", ORIGIN, number, each.path, each.sha256, ("champion",) if number == champion else ()
            )
            for number, each in enumerate(self.committed, 1)
        )
        model = IndexedModel("east__line", "hub.models.east__line", "", versions, (Approval(**approval),))
        Index("2026-11-21T04:30:00+00:00", "c0ffee", (model,)).write(self.archive)

    def bring(
        self,
        *wanted: dict[str, Any],
        day: datetime.date = DAY,
        dry_run: bool = False,
        registry: str = "unity_catalog",
    ) -> list[tuple[str, str]]:
        context = self.place.context("marketplace.bring", day)
        arguments = {"workspace": "west", "archive": self.archive.url, "archive_secret": "", "registry": registry}
        found = bring.run(context, **arguments, wanted=json.dumps(wanted), dry_run=dry_run)
        return [(each.name.rpartition(".")[2], each.status) for each in found]

    def full(self, name: str) -> str:
        return f"{self.place.model.rpartition('.')[0]}.{name}"

    def users(self, name: str) -> list[str | None]:
        found = self.place.client.grants.get("FUNCTION", self.full(name)).privilege_assignments or []
        return [each.principal for each in found]

    def uses(self) -> list[dict[str, Any]]:
        return [dict(self.archive.read_document(path) or {}) for path in self.archive.documents("uses")]


@pytest.fixture
def west(place: Place, tmp_path: Path) -> Iterator[West]:
    archive = Archive.open((tmp_path / "archive").as_uri(), create=True)
    committed = tuple(exported(archive, ORIGIN, version, slope=float(version)) for version in (1, 2))
    group = place.client.groups.create(display_name=f"{place.schema}_nurses")
    yield West(place, archive, committed, str(group.display_name))
    place.client.groups.delete(str(group.id))


def predicted(name: str) -> float:
    return float(mlflow.pyfunc.load_model(f"models:/{name}").predict(pd.DataFrame({"x": [10.0]}))[0])


def test_a_model_is_brought_granted_counted_and_follows_the_champion(west: West) -> None:
    west.tell(champion=1)
    wanted = {"model": "east__line", "version": None, "name": "line"}
    assert west.bring(wanted) == [("line", "brought")]
    assert west.bring(wanted) == [("line", "kept")]
    assert predicted(f"{west.full('line')}@champion") == pytest.approx(10)
    assert west.users("line") == [west.group]

    west.tell(champion=2)
    assert west.bring(wanted) == [("line", "brought")]
    assert predicted(f"{west.full('line')}@champion") == pytest.approx(20)
    assert predicted(f"{west.full('line')}/1") == pytest.approx(10)
    uses = sorted(west.uses(), key=lambda use: use["version"])
    assert [(use["model"], use["version"], use["workspace"], use["kind"], use["count"]) for use in uses] == [
        ("east__line", 1, "west", "brought", 1),
        ("east__line", 2, "west", "brought", 1),
    ]


def test_the_end_of_an_approval_takes_the_grants_back_even_where_it_is_not_wanted_any_more(west: West) -> None:
    west.tell()
    west.bring({"model": "east__line"})
    assert west.users("east__line") == [west.group]
    after = DAY + datetime.timedelta(days=1)
    with pytest.raises(StepError, match=f"its approval for west ended on {DAY}"):
        west.bring({"model": "east__line"}, day=after)
    assert west.users("east__line") == []
    west.tell(until=after)
    assert west.bring(day=after) == []
    assert west.users("east__line") == [west.group]
    west.tell(workspaces=("north",), until=after)
    assert west.bring(day=after) == []
    assert west.users("east__line") == []


def test_what_cannot_be_brought_stops_nothing_else(west: West) -> None:
    west.tell()
    with pytest.raises(StepError, match=r"2 of 3 wanted models were not brought:(.|\n)*no model east__lime") as caught:
        west.bring({"model": "east__lime"}, {"model": "east__line", "version": 2, "name": "b"}, {"model": "east__line"})
    assert "west may have the champion, not version 2" in str(caught.value)
    assert west.users("east__line") == [west.group]


def test_a_damaged_archive_brings_nothing(west: West) -> None:
    west.tell()
    for chunk in Path(west.archive.url.removeprefix("file://")).glob("chunks/*/*"):
        chunk.write_bytes(chunk.read_bytes()[:-3])
    with pytest.raises(StepError, match="1 of 1 wanted models were not brought"):
        west.bring({"model": "east__line"})
    assert west.uses() == []
    assert not [each for each in MlflowClient().search_registered_models() if each.name == west.full("east__line")]


def test_a_name_that_another_model_has_is_not_taken(west: West) -> None:
    west.tell()
    MlflowClient().create_registered_model(west.full("line"))
    with pytest.raises(StepError, match="exists already and is not a model of the marketplace"):
        west.bring({"model": "east__line", "name": "line"})


def test_a_dry_run_brings_nothing(west: West) -> None:
    west.tell()
    assert west.bring({"model": "east__line"}, dry_run=True) == [("east__line", "brought")]
    assert west.uses() == []
    assert west.archive.documents("consumers") == []


def test_without_the_hubs_word_nothing_is_brought(west: West) -> None:
    with pytest.raises(StepError, match="the hub has not told any approvals yet"):
        west.bring({"model": "east__line"})


def test_two_runs_of_one_workspace_do_not_mix(west: West) -> None:
    west.tell()
    with west.archive.lease("consumer-west"), pytest.raises(Leased):
        west.bring({"model": "east__line"})


@pytest.mark.parametrize("call", ["write_brought", "record_use", "apply_approvals"])
def test_a_run_that_was_killed_is_made_whole_by_the_next(
    west: West, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is registered, after it, and before it is granted."""

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    west.tell()
    with monkeypatch.context() as patch:
        patch.setattr(f"ml_code.platform.marketplace.consumers.bring.{call}", killed)
        with pytest.raises(KeyboardInterrupt):
            west.bring({"model": "east__line"})
        assert not west.archive.documents("uses") or call == "apply_approvals"
    west.bring({"model": "east__line"})
    full = west.full("east__line")
    assert [each.version for each in MlflowClient().search_model_versions(f"name = '{full}'")] in (["1"], [1])
    assert west.users("east__line") == [west.group]
    assert [use["version"] for use in west.uses()] == [1]


def test_an_endpoint_where_there_is_no_serving_is_told_and_the_rest_is_done(west: West) -> None:
    west.tell()
    with pytest.raises(
        StepError, match=r"brought and granted, but not served:(.|\n)*serving endpoints of this workspace"
    ):
        west.bring({"model": "east__line", "deploy": "endpoint"})
    assert west.users("east__line") == [west.group]


def test_a_workspaces_own_registry_has_it_in_production(west: West) -> None:
    west.tell()
    name = f"{west.place.schema}-line"
    try:
        assert west.bring({"model": "east__line", "name": name}, registry="workspace") == [(name, "brought")]
        assert predicted(f"{name}/Production") == pytest.approx(10)
    finally:
        MlflowClient().delete_registered_model(name)
