"""index.json of the archive: what the hub has and who may use it, for workspaces that cannot ask the hub itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.manifest import Damaged, NewerFormat

FILE = "index.json"
FORMAT = 1
"""Raised where a reader of the former format would read the index wrongly."""


@dataclass(frozen=True)
class IndexedVersion:
    """A version of the hub and the manifest that it was made from."""

    version: int
    workspace: str
    """Where it comes from, and its model and version there."""
    origin_model: str
    origin_version: int
    manifest: str
    """Path in the archive."""
    manifest_sha256: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexedModel:
    """A registered model of the hub; `name` is without catalog and schema."""

    name: str
    full_name: str
    description: str
    versions: tuple[IndexedVersion, ...]
    approvals: tuple[Approval, ...] = ()
    """All of approvals.yaml, ended ones too."""

    def version(self, number: int) -> IndexedVersion | None:
        """The version of that number."""
        return next((each for each in self.versions if each.version == number), None)

    @property
    def champion(self) -> IndexedVersion | None:
        """The version with the alias champion; where none has it, the newest."""
        named = [each for each in self.versions if "champion" in each.aliases]
        return max(named or self.versions, key=lambda each: each.version, default=None)

    def approvals_of(self, workspace: str) -> tuple[Approval, ...]:
        """The approvals that name a consumer's workspace, ended ones too."""
        return tuple(each for each in self.approvals if workspace in each.workspaces)


@dataclass(frozen=True)
class Index:
    """The whole document; `written_at` is ISO 8601 in UTC, `commit` that of the approvals."""

    written_at: str
    commit: str
    models: tuple[IndexedModel, ...]

    def model(self, name: str) -> IndexedModel | None:
        """The model by its name, short or full."""
        return next((each for each in self.models if name in (each.name, each.full_name)), None)

    def write(self, archive: Archive) -> None:
        """Replaces the archive's index."""
        models = [_told(each) for each in self.models]
        head = {"format": FORMAT, "written_at": self.written_at, "commit": self.commit}
        archive.write_document(FILE, {**head, "models": models})


def read_index(archive: Archive) -> Index | None:
    """The archive's index; None where the hub has not written one yet. Raises NewerFormat or Damaged."""
    found = archive.read_document(FILE)
    if found is None:
        return None
    try:
        written = int(found["format"])
        if written > FORMAT:
            raise NewerFormat(
                f"{FILE}: written in format {written}, this code reads up to {FORMAT}: bring this workspace up to date"
            )
        return Index(found["written_at"], found["commit"], tuple(_model(each) for each in found["models"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"{FILE}: not an index of the marketplace ({type(error).__name__}: {error})") from None


def _model(found: Mapping[str, Any]) -> IndexedModel:
    versions = (IndexedVersion(**{**each, "aliases": tuple(each["aliases"])}) for each in found["versions"])
    approvals = (Approval.model_validate_json(json.dumps(each)) for each in found["approvals"])
    return IndexedModel(found["name"], found["full_name"], found["description"], tuple(versions), tuple(approvals))


def _told(model: IndexedModel) -> dict[str, Any]:
    told = {**vars(model), "versions": [asdict(each) for each in model.versions]}
    return {**told, "approvals": [each.model_dump(mode="json") for each in model.approvals]}
