"""Archives from outside: nothing leaves the folder, nothing grows beyond what may be, nothing is a link."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.kinds import check_members, unsafe_path
from ml_code.platform.marketplace.intake.policy import Policy

_BLOCK = 1024 * 1024


def unpack(path: Path, folder: Path, policy: Policy, called: str) -> None:
    """Writes the files of a zip, tar or tar.gz archive below the folder. Raises Rejected, by what it is `called`.

    Sizes are counted while writing: what an archive says about itself is not believed.
    """
    most = min(policy.limits.total * _BLOCK, max(path.stat().st_size, 1024) * policy.limits.ratio)
    left, written = most, 0
    try:
        for name, content in _members(path, called, policy):
            unsafe_path(name, called)
            written += 1
            if written > policy.limits.files:
                raise Rejected("bomb", f"more than {policy.limits.files} files", called)
            left -= _write(content, folder / name, left, called, most)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise Rejected("archive", f"cannot be unpacked: {type(error).__name__}: {error}", called) from None


def _members(path: Path, called: str, policy: Policy) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in check_members(archive, called, policy):
                if (info.external_attr >> 16) & 0o170000 == 0o120000:
                    raise Rejected("traversal", f"{info.filename} is a link", called)
                with archive.open(info) as content:
                    yield info.filename, content
        return
    with tarfile.open(path, "r|*", tarinfo=_Member) as tar:
        for member in tar:
            if member.isdir():
                continue
            if not member.isreg():
                raise Rejected("traversal", f"{member.name} is a link or a device", called)
            opened = tar.extractfile(member)
            if opened is not None:
                with opened:
                    yield member.name, opened


class _Member(tarfile.TarInfo):
    """A header whose long names and attributes are no bombs: tarfile reads them into memory whole."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isfile() and not self.isdir() and self.size > _BLOCK:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        found: tarfile.TarInfo = super()._proc_member(tar)  # type: ignore[misc]  # tarfile's own hook, not in its stub
        return found


def _write(content: IO[bytes], target: Path, left: int, archive: str, most: int) -> int:
    if target.exists():
        raise Rejected("archive", f"{target.name} is there twice", archive)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("xb") as out:
        while block := content.read(_BLOCK):
            size += len(block)
            if size > left:
                raise Rejected("bomb", f"it becomes more than {most:,} bytes", archive)
            out.write(block)
    return size
