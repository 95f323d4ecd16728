"""The Files API: files in Unity Catalog volumes, by paths such as /Volumes/catalog/schema/volume/folder/file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from infra.workspace.files.local import Entry, LocalRoot, Upload
from infra.workspace.files.paths import segments
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.identity.principal import Principal

_MAX_PAGE = 1000


class Volumes(Protocol):
    """What the Files API needs of the catalog."""

    def require(self, principal: Principal, securable_type: str, full_name: str, privilege: str) -> None: ...

    def get_volume(self, principal: Principal, full_name: str) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Place:
    """A path split into its volume and what is below it."""

    root: LocalRoot
    relative: str


class VolumeFiles:
    """Reads need READ VOLUME and writes WRITE VOLUME, with USE CATALOG and USE SCHEMA on the way."""

    def __init__(self, catalog: Volumes, drafts: Path) -> None:
        self._catalog = catalog
        self._drafts = drafts

    def download(self, principal: Principal, path: str) -> Path:
        """The local file behind a path."""
        place = self._place(principal, path, "READ_VOLUME")
        return place.root.file(place.relative)

    def upload(self, principal: Principal, path: str, overwrite: bool) -> Upload:
        place = self._place(principal, path, "WRITE_VOLUME")
        return place.root.upload(place.relative, overwrite)

    def require_writable(self, principal: Principal, path: str) -> None:
        """Raises unless the principal may write in the volume of a path."""
        self._place(principal, path, "WRITE_VOLUME")

    def delete(self, principal: Principal, path: str) -> None:
        place = self._place(principal, path, "WRITE_VOLUME")
        place.root.delete_file(place.relative)

    def create_directory(self, principal: Principal, path: str) -> None:
        place = self._place(principal, path, "WRITE_VOLUME")
        place.root.make_directory(place.relative)

    def delete_directory(self, principal: Principal, path: str, recursive: bool = False) -> None:
        place = self._place(principal, path, "WRITE_VOLUME")
        place.root.delete_directory(place.relative, recursive)

    def entry(self, principal: Principal, path: str) -> Entry:
        place = self._place(principal, path, "READ_VOLUME")
        return place.root.entry(place.relative)

    def entries(self, principal: Principal, path: str) -> list[Entry]:
        place = self._place(principal, path, "READ_VOLUME")
        return place.root.list(place.relative)

    def list_directory_contents(
        self, principal: Principal, path: str, page_size: int | None, page_token: str | None
    ) -> dict[str, Any]:
        """One page of a directory, by name; a page goes on after the last name of the one before."""
        base = "/" + "/".join(segments(path))
        entries = self.entries(principal, path)
        if page_token:
            after = _name_of(page_token)
            entries = [entry for entry in entries if entry.name > after]
        size = min(page_size or _MAX_PAGE, _MAX_PAGE)
        answer: dict[str, Any] = {"contents": [_content(base, entry) for entry in entries[:size]]}
        if len(entries) > size:
            answer["next_page_token"] = _token_of(entries[size - 1].name)
        return answer

    def move(self, principal: Principal, source: str, destination: str) -> None:
        """Renames within one volume; raises NotSupported between two."""
        from_place = self._place(principal, source, "WRITE_VOLUME")
        to_place = self._place(principal, destination, "WRITE_VOLUME")
        if from_place.root.root != to_place.root.root:
            raise NotSupported("moving files between two volumes: copy, then delete")
        move(from_place.root, from_place.relative, to_place.root, to_place.relative)

    def _place(self, principal: Principal, path: str, privilege: str) -> Place:
        names = segments(path)
        if len(names) < 4 or names[0] != "Volumes":
            raise BadRequest(f"Invalid path {path!r}: expected /Volumes/<catalog>/<schema>/<volume>/…")
        full_name = ".".join(names[1:4])
        self._catalog.require(principal, "volume", full_name, privilege)
        location = self._catalog.get_volume(principal, full_name)["storage_location"]
        root = LocalRoot(_folder(location, full_name), "/" + "/".join(names[:4]), self._drafts)
        return Place(root, "/".join(names[4:]))


def move(source: LocalRoot, source_path: str, destination: LocalRoot, destination_path: str) -> None:
    """Moves a file or directory on one file system; raises AlreadyExists where something is in the way."""
    source.entry(source_path)
    target = destination.path(destination_path)
    if target.exists():
        raise BadRequest(f"A file or directory already exists at the destination {destination_path}")
    destination.make_directory("/".join(segments(destination_path)[:-1]))
    source.path(source_path).rename(target)


def _folder(location: str, full_name: str) -> Path:
    parts = urlsplit(location)
    if parts.scheme not in ("", "file"):
        raise NotSupported(f"volume {full_name} is stored at {location}: only folders of this machine can be reached")
    return Path(unquote(parts.path))


def _content(base: str, entry: Entry) -> dict[str, Any]:
    content: dict[str, Any] = {
        "path": f"{base}/{entry.name}" + ("/" if entry.directory else ""),
        "name": entry.name,
        "is_directory": entry.directory,
    }
    if not entry.directory:
        content |= {"file_size": entry.size, "last_modified": entry.modified_at}
    return content


def _token_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode(errors="surrogateescape")).decode()


def _name_of(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode(errors="surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise BadRequest("page_token is not one that this call gave") from error
