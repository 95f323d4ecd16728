"""Files under one root folder of this machine: nothing outside is reached, and a file is whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.workspace.files.paths import segments
from infra.workspace.gateway.errors import AlreadyExists, ApiError, BadRequest, NotFound

# Unfinished uploads to another file system than the workspace's own; never listed, and Spark skips such names too.
_DRAFT = ".branchline-upload-"


class NotADirectory(ApiError):
    error_code, status = "NOT_A_DIRECTORY", 400


class DirectoryNotEmpty(ApiError):
    error_code, status = "DIRECTORY_NOT_EMPTY", 400


@dataclass(frozen=True)
class Entry:
    """A file or directory as its folder lists it; size in bytes, time in milliseconds since the epoch."""

    name: str
    directory: bool
    size: int
    modified_at: int


class LocalRoot:
    """One folder and what is below it. `shown` is how clients name the folder, for messages."""

    def __init__(self, root: Path, shown: str, drafts: Path) -> None:
        self.root = root
        self._shown = shown.rstrip("/")
        self._drafts = drafts

    def path(self, relative: str) -> Path:
        """The local path of something below the root, which need not exist.

        Raises BadRequest for a name that leads out of the root, also through a symbolic link on the way.
        """
        path = self.root
        for name in segments(relative):
            path = path / name
            if path.is_symlink():
                raise BadRequest(f"{self._shown}/{relative}: symbolic links are not followed")
        return path

    def entry(self, relative: str) -> Entry:
        """Raises NotFound where there is nothing; the root itself always exists."""
        path = self.path(relative)
        try:
            return _entry(path.name, path.lstat())
        except (FileNotFoundError, NotADirectoryError):
            if path == self.root:
                return Entry(path.name, True, 0, 0)
            raise NotFound(f"No file or directory exists on path {self._name(relative)}.", "NOT_FOUND") from None

    def file(self, relative: str) -> Path:
        if self.entry(relative).directory:
            raise BadRequest(f"{self._name(relative)} is a directory, not a file")
        return self.path(relative)

    def list(self, relative: str) -> list[Entry]:
        """What a directory holds, by name."""
        if not self.entry(relative).directory:
            raise NotADirectory(f"{self._name(relative)} is not a directory")
        path = self.path(relative)
        if not path.exists():
            return []
        return sorted(_visible(path), key=lambda entry: entry.name)

    def make_directory(self, relative: str) -> None:
        """Makes a directory and those above it; one that exists is left as it is."""
        try:
            self.path(relative).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise AlreadyExists(f"{self._name(relative)}: a file of that name exists on the way") from error

    def delete_file(self, relative: str) -> None:
        self.file(relative).unlink()

    def delete_directory(self, relative: str, recursive: bool = False) -> None:
        """Raises DirectoryNotEmpty unless `recursive`; the root itself stays."""
        path = self.path(relative)
        if path == self.root:
            raise BadRequest(f"{self._name(relative)} is a root and cannot be deleted")
        if not self.entry(relative).directory:
            raise NotADirectory(f"{self._name(relative)} is not a directory")
        if recursive:
            shutil.rmtree(path)
            return
        try:
            path.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise DirectoryNotEmpty(f"The directory {self._name(relative)} is not empty.") from error

    def upload(self, relative: str, overwrite: bool) -> Upload:
        """An upload to a path; raises AlreadyExists at once where a file is there that must not be overwritten."""
        target = self.path(relative)
        if target == self.root or target.is_dir():
            raise BadRequest(f"{self._name(relative)} is a directory")
        if target.exists() and not overwrite:
            raise _exists(self._name(relative))
        self.make_directory("/".join(segments(relative)[:-1]))
        return Upload(target, self._draft(target), overwrite, self._name(relative))

    def _draft(self, target: Path) -> Path:
        """Beside the target unless the workspace's own folder is on the same file system: a rename must be atomic."""
        name = _DRAFT + uuid.uuid4().hex
        same = self._drafts.stat().st_dev == target.parent.stat().st_dev
        return (self._drafts if same else target.parent) / name

    def _name(self, relative: str) -> str:
        return "/".join((self._shown, *segments(relative)))


class Upload:
    """A file on its way in: seen under its name only once `commit` returns."""

    def __init__(self, target: Path, draft: Path, overwrite: bool, shown: str) -> None:
        self._target = target
        self._draft = draft
        self._overwrite = overwrite
        self._shown = shown
        # Unbuffered: closing after a failed write must have nothing left to write.
        self._file = draft.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def commit(self) -> None:
        """Puts the file in place, durably; raises AlreadyExists where another upload was first."""
        os.fsync(self._file.fileno())
        self._file.close()
        if self._overwrite:
            self._draft.replace(self._target)
            return
        try:
            self._target.hardlink_to(self._draft)
        except FileExistsError as error:
            raise _exists(self._shown) from error
        finally:
            self._draft.unlink()

    def abort(self) -> None:
        self._file.close()
        self._draft.unlink(missing_ok=True)


def _exists(shown: str) -> AlreadyExists:
    return AlreadyExists(f"The file {shown} being created already exists.", "ALREADY_EXISTS")


def _visible(path: Path) -> Iterator[Entry]:
    for found in os.scandir(path):
        if not found.name.startswith(_DRAFT) and not found.is_symlink():
            yield _entry(found.name, found.stat(follow_symlinks=False))


def _entry(name: str, status: os.stat_result) -> Entry:
    directory = stat.S_ISDIR(status.st_mode)
    return Entry(name, directory, 0 if directory else status.st_size, status.st_mtime_ns // 1_000_000)
