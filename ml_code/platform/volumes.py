"""Files of a Unity Catalog volume through the Files API, which works the same with and without a mount."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from databricks.sdk.errors import NotFound

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# Requests under way at once: the calls wait for the network, not for the CPU.
_AT_ONCE = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class VolumeFile:
    """A file of a volume; size in bytes."""

    name: str
    path: str
    size: int


@dataclass(frozen=True)
class Volume:
    """A folder of a volume, e.g. /Volumes/dev/hrob/landing."""

    workspace: "WorkspaceClient"
    path: str

    def files(self) -> list[VolumeFile]:
        """The files directly in the folder, by name; none when the folder does not exist."""
        try:
            entries = list(self.workspace.files.list_directory_contents(self.path))
        except NotFound:
            return []
        found = [
            VolumeFile(str(entry.name), str(entry.path), int(entry.file_size or 0))
            for entry in entries
            if not entry.is_directory
        ]
        return sorted(found, key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        """The whole file."""
        answer = self.workspace.files.download(f"{self.path}/{name}")
        if answer.contents is None:
            return b""
        with answer.contents as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """Create or replace a file; the folder is made when it is missing."""
        self.workspace.files.upload(f"{self.path}/{name}", BytesIO(content), overwrite=True)

    def write_all(self, contents: dict[str, bytes]) -> None:
        """Several files, a few at once."""
        _each(contents, lambda name: self.write(name, contents[name]))

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Several files, a few at once."""
        listed = list(names)
        return dict(zip(listed, _each(listed, self.read), strict=True))

    def set_aside(self, name: str, folder: str) -> str:
        """Move a file into a folder below this one; returns its new path. Safe to repeat."""
        target = f"{self.path}/{folder}"
        content = self.read(name)
        self.workspace.files.create_directory(target)
        self.workspace.files.upload(f"{target}/{name}", BytesIO(content), overwrite=True)
        self.workspace.files.delete(f"{self.path}/{name}")
        return f"{target}/{name}"


def _each(items: Iterable[Item], work: Callable[[Item], Result]) -> list[Result]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))
