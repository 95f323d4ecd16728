"""What a workspace has brought: a document of the archive, written before the models are, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.manifest import Damaged

FOLDER = "consumers"


@dataclass(frozen=True)
class Brought:
    """A registered model of the workspace and what it holds of the hub's."""

    name: str
    """In full, as the workspace's registry has it."""
    model: str
    """The hub's, without catalog and schema."""
    hub_version: int
    version: int | None
    """The workspace's own number; None while it is on its way."""
    endpoint: bool = False
    """Whether it is served, too."""


def full_name(place: str | None, name: str) -> str:
    """A name with the catalog and schema of the workspace, unless it has them; `place` None: its registry has none."""
    return f"{place}.{name}" if place and "." not in name else name


def read_brought(archive: Archive, workspace: str) -> dict[str, Brought]:
    """By full name. Raises Damaged."""
    path = _path(workspace)
    found = archive.read_document(path)
    if found is None:
        return {}
    try:
        return {each["name"]: Brought(**each) for each in found["models"]}
    except (KeyError, TypeError) as error:
        raise Damaged(f"{path}: not a list of brought models ({type(error).__name__}: {error})") from None


def write_brought(archive: Archive, workspace: str, brought: Mapping[str, Brought]) -> None:
    """Replaces the document."""
    models = [asdict(each) for _, each in sorted(brought.items())]
    archive.write_document(_path(workspace), {"models": models})


def _path(workspace: str) -> str:
    return f"{FOLDER}/{workspace}.json"
