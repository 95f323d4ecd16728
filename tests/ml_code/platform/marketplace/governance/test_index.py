"""The index that consumers read: what was written is what is read, and what cannot be read is told."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.index import FILE, Index, IndexedModel, IndexedVersion, read_index
from ml_code.platform.marketplace.manifest import Damaged, NewerFormat

_names = st.text("abcü-_ ", min_size=1, max_size=8).map(lambda text: f"m{text}m")
_versions = st.builds(
    IndexedVersion,
    version=st.integers(1, 99),
    workspace=_names,
    origin_model=_names,
    origin_version=st.integers(1, 99),
    manifest=_names,
    manifest_sha256=_names,
    aliases=st.sampled_from([(), ("champion",), ("champion", "challenger")]),
)
_approvals = st.builds(
    Approval,
    model=_names,
    principals=st.tuples(_names),
    workspaces=st.sampled_from([(), ("west",), ("west", "north")]),
    versions=st.sampled_from([(), (1,), (1, 2)]),
    until=st.dates(),
    approved_by=st.just("board@example.com"),
    reason=st.just("validated by the board"),
)
_models = st.builds(
    IndexedModel,
    name=_names,
    full_name=_names,
    description=st.text(max_size=20),
    versions=st.lists(_versions, max_size=3).map(tuple),
    approvals=st.lists(_approvals, max_size=2).map(tuple),
)
_indexes = st.builds(
    Index,
    written_at=st.just("2026-11-21T04:30:00+00:00"),
    commit=_names,
    models=st.lists(_models, max_size=3).map(tuple),
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive.open(tmp_path_factory.mktemp("archive").as_uri(), create=True)


@settings(max_examples=30, deadline=None)  # each writes a file
@given(index=_indexes)
def test_what_is_written_is_read(index: Index, archive: Archive) -> None:
    index.write(archive)
    assert read_index(archive) == index


def test_without_an_index_there_is_none(tmp_path: Path) -> None:
    assert read_index(Archive.open(tmp_path.as_uri(), create=True)) is None


def test_a_newer_index_is_refused_by_name(archive: Archive) -> None:
    archive.write_document(FILE, {"format": 2, "models": {"of": "another shape"}})
    with pytest.raises(NewerFormat, match="written in format 2, this code reads up to 1"):
        read_index(archive)


@pytest.mark.parametrize("document", [[], {"format": 1}, {"format": "one"}, {"format": 1, "models": [{"name": "a"}]}])
def test_what_is_no_index_is_damaged(document: object, archive: Archive) -> None:
    archive.write_document(FILE, document)
    with pytest.raises(Damaged, match=r"index\.json: not an index"):
        read_index(archive)


def test_the_champion_leads_and_else_the_newest() -> None:
    first = IndexedVersion(1, "east", "m", 1, "p", "s", ("champion",))
    second = IndexedVersion(2, "east", "m", 2, "p", "s")
    assert IndexedModel("m", "m", "", (first, second)).champion == first
    assert IndexedModel("m", "m", "", (second,)).champion == second
    assert IndexedModel("m", "m", "", ()).champion is None


def test_approvals_of_a_workspace_are_those_that_name_it() -> None:
    def approval(*workspaces: str) -> Approval:
        return Approval(
            model="m",
            principals=("a",),
            workspaces=workspaces,
            until=datetime.date(2027, 1, 1),
            approved_by="board@example.com",
            reason="validated by the board",
        )

    model = IndexedModel("m", "c.s.m", "", (), (approval("west"), approval(), approval("north", "west")))
    assert len(model.approvals_of("west")) == 2
    assert model.approvals_of("south") == ()
