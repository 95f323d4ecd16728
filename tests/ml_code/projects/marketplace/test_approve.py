"""The step on a hub: grants, the table of what was applied, and the index, from one file of approvals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from ml_code.platform import tables
from ml_code.platform.errors import ConfigurationError, StepError
from ml_code.platform.marketplace.archive.archive import Archive, Leased
from ml_code.platform.marketplace.governance.approvals import FILE
from ml_code.platform.marketplace.governance.index import read_index
from ml_code.projects.marketplace import approve
from tests.ml_code.conftest import Place
from tests.support.marketplace_archive import exported, imported

DAY = "2026-11-21"


@dataclass
class Hub:
    """A hub with one imported model, and one that somebody registered by hand."""

    place: Place
    archive: Archive
    root: Path
    group: str

    def approve(self, entries: list[dict[str, Any]], day: str = DAY, *, dry_run: bool = False) -> list[tuple[str, str]]:
        (self.root / FILE).write_text(yaml.safe_dump({"approvals": entries}))
        context = self.place.context("marketplace.approve", day, self.root)
        arguments = {"archive": self.archive.url, "archive_secret": "", "registry": "unity_catalog"}
        return [(line.principal, line.state) for line in approve.run(context, **arguments, dry_run=dry_run)]

    def entry(self, **more: Any) -> dict[str, Any]:
        return {
            "model": "east__line",
            "principals": [self.group],
            "workspaces": ["west"],
            "until": "2026-12-31",
            "approved_by": "board@example.com",
            "reason": "validated by the board",
            **more,
        }

    def rows(self) -> list[dict[str, Any]]:
        context = self.place.context("marketplace.approve", DAY)
        found = tables.to_arrow(context.spark.table(context.table("approvals"))).to_pylist()
        return sorted(found, key=lambda row: row["applied_at"])


@pytest.fixture
def hub(place: Place, tmp_path: Path) -> Iterator[Hub]:
    archive = Archive.open((tmp_path / "archive").as_uri(), create=True)
    client = MlflowClient()
    name = f"{place.model.rpartition('.')[0]}.east__line"
    for version in (3, 10):
        imported(archive, exported(archive, "prod.wards.line", version, slope=version), name)
    client.set_registered_model_alias(name, "champion", "1")
    client.create_registered_model(f"{place.model}_by_hand")
    root = tmp_path / "checkout"
    (root / FILE).parent.mkdir(parents=True)
    group = place.client.groups.create(display_name=f"{place.schema}_analysts")
    yield Hub(place, archive, root, str(group.display_name))
    place.client.groups.delete(str(group.id))


def test_approvals_become_grants_rows_and_an_index(hub: Hub) -> None:
    assert hub.approve([hub.entry()]) == [(hub.group, "granted")]
    assert hub.approve([hub.entry()]) == [(hub.group, "kept")]
    index = read_index(hub.archive)
    assert index is not None
    (model,) = index.models
    assert (model.name, model.full_name) == ("east__line", f"ml_code_tests.{hub.place.schema}.east__line")
    assert [(each.version, each.origin_version, each.aliases) for each in model.versions] == [
        (1, 3, ("champion",)),
        (2, 10, ()),
    ]
    for version in model.versions:
        manifest = hub.archive.manifest(version.manifest, version.manifest_sha256)
        assert manifest.version.version == version.origin_version
    (approval,) = model.approvals
    assert (approval.principals, approval.workspaces) == ((hub.group,), ("west",))

    assert hub.approve([hub.entry(until="2026-11-20")]) == [(hub.group, "revoked")]
    assert [(row["state"], str(row["until"]), row["reason"]) for row in hub.rows()] == [
        ("granted", "2026-12-31", "validated by the board"),
        ("kept", "2026-12-31", "validated by the board"),
        ("revoked", "2026-11-20", "approval ended on 2026-11-20"),
    ]
    grants = hub.place.client.grants.get("FUNCTION", model.full_name).privilege_assignments or []
    assert grants == []


def test_a_dry_run_grants_and_writes_nothing(hub: Hub) -> None:
    assert hub.approve([hub.entry()], dry_run=True) == [(hub.group, "granted")]
    assert read_index(hub.archive) is None
    assert hub.approve([hub.entry()]) == [(hub.group, "granted")]


def test_a_failure_is_told_and_the_rest_is_done(hub: Hub) -> None:
    absent = hub.entry(model="north__stays")
    with pytest.raises(StepError, match="1 of 2 could not be applied"):
        hub.approve([absent, hub.entry()])
    assert [(row["model"], row["state"]) for row in hub.rows()] == [
        ("east__line", "granted"),
        ("north__stays", "failed"),
    ]
    assert read_index(hub.archive) is not None


def test_a_file_that_is_wrong_changes_nothing(hub: Hub) -> None:
    hub.approve([hub.entry()])
    with pytest.raises(ConfigurationError, match=r"approvals\.0\.until"):
        hub.approve([hub.entry(until="never")])
    assert hub.approve([hub.entry()]) == [(hub.group, "kept")]


def test_two_runs_at_once_do_not_mix(hub: Hub) -> None:
    with hub.archive.lease("approvals"), pytest.raises(Leased, match="lease approvals: held by"):
        hub.approve([hub.entry()])
