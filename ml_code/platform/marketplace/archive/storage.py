"""Small objects at an fsspec URL: whole or absent, never half; retried where the storage is busy; errors for people."""

from __future__ import annotations

import errno
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ml_code.platform.errors import StepError

ATTEMPTS = 7
FIRST_PAUSE = 0.2
"""Seconds; doubled with every attempt, half of it by chance."""

KINDS = {"file": "a folder", "s3": "S3", "s3a": "S3", "abfs": "Azure", "abfss": "Azure", "gs": "GCS", "gcs": "GCS"}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_BUSY = (errno.EBUSY, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.EPIPE, errno.EAGAIN)
_PASSING = ("408", "429", "500", "502", "503", "504")
_BROKEN = ("Connection", "Timeout", "Payload", "Disconnected", "HTTPClient", "IncompleteRead", "ResponseParser")
"""Parts of the names that the clouds' clients give to errors of a broken connection."""
_PARTS = ".parts"
_DAY = 86400.0
_Result = TypeVar("_Result")


class StorageError(StepError):
    """The storage does not do what was asked: full, read-only, without access, or not reachable."""


class Storage:
    """Objects below one URL, by paths relative to it. Threads may use it at once."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, pause: float = FIRST_PAUSE) -> None:
        kind = url.split("://", 1)[0] if "://" in url else "file"
        if kind not in KINDS:
            raise StorageError(
                f"{url}: an archive lies in s3://, abfss://, gs:// or a folder; {kind}:// is not supported"
            )
        self.url = url.rstrip("/")
        self.kind = KINDS[kind]
        # Listings of s3fs and adlfs are cached for ever otherwise, and others write here too.
        ours: dict[str, Any] = {"use_listings_cache": False}
        if self.kind == "S3":
            ours["config_kwargs"] = {"retries": {"total_max_attempts": 1}}
        try:
            self._fs, root = fsspec.core.url_to_fs(self.url, **(ours | dict(options or {})))
        except (ImportError, ValueError, TypeError, OSError) as error:
            raise StorageError(
                f"{self.url}: cannot be opened ({error}); see the archive's URL and its secret"
            ) from error
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)
        self._pause = pause
        if self.kind == "S3":
            self._fs.retries = 1  # `_try` is the one place that tries again, or attempts would multiply

    @property
    def folder(self) -> Path | None:
        """Where it lies when it is a folder of this machine or a mounted volume."""
        return Path(self._root) if self._local else None

    def read(self, path: str) -> bytes | None:
        """The object's bytes; None: there is none."""
        try:
            return self._try(f"reading {path}", lambda: bytes(self._fs.cat_file(self._full(path))))
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Replaces the object as a whole: a reader sees the former or the new one."""
        self._put(path, content, self._replace if self._local else self._fs.pipe_file)

    def add(self, path: str, content: bytes) -> bool:
        """Writes an object that is the same whoever writes it, if there is none; False: there was one."""
        if not self._local:
            return self.create(path, content)
        if self.exists(path):
            return False
        self.write(path, content)
        return True

    def create(self, path: str, content: bytes) -> bool:
        """Writes the object if there is none; False: there is one, it stays as it is. One of several at once wins."""
        try:
            self._put(path, content, self._link if self._local else self._create_remote)
        except FileExistsError:
            return False
        return True

    def exists(self, path: str) -> bool:
        """Whether the object is there."""
        return self._try(f"looking for {path}", lambda: bool(self._fs.exists(self._full(path))))

    def modified(self, path: str) -> float:
        """When the object was written, seconds since the epoch by the storage's clock; 0: there is none."""
        try:
            when = self._try(f"looking at {path}", lambda: self._fs.modified(self._full(path)))
        except FileNotFoundError:
            return 0.0
        return float(when.timestamp())

    def remove(self, path: str) -> None:
        """Removes the object; without one, nothing."""
        with suppress(FileNotFoundError):
            self._try(f"removing {path}", lambda: self._fs.rm_file(self._full(path)))

    def find(self, folder: str) -> list[str]:
        """Paths of all objects below a folder, sorted."""
        return sorted(self._relative(found) for found in self._list(folder, self._fs.find))

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted."""
        entries = self._list(folder, lambda path: self._fs.ls(path, detail=True))
        return sorted(str(e["name"]).rstrip("/").rsplit("/", 1)[-1] for e in entries if e["type"] == "directory")

    def sweep(self) -> None:
        """Removes what writers that were killed more than a day ago left behind in a folder."""
        if self.folder is None:
            return
        with suppress(OSError):
            for part in (self.folder / _PARTS).iterdir():
                if time.time() - part.stat().st_mtime > _DAY:
                    part.unlink()

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _relative(self, full: str) -> str:
        return full[len(self._root) + 1 :]

    def _list(self, folder: str, how: Callable[[str], Any]) -> list[Any]:
        try:
            return list(self._try(f"listing {folder}", lambda: how(self._full(folder))))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _put(self, path: str, content: bytes, how: Callable[[str, bytes], Any]) -> None:
        try:
            self._try(f"writing {path}", lambda: how(self._full(path), content))
        except FileNotFoundError as error:
            raise StorageError(
                f"{self.url}: gone or never made ({error}); create the bucket, container or folder"
            ) from error

    def _replace(self, full: str, content: bytes) -> None:
        with self._part(full, content) as part:
            part.replace(full)

    def _link(self, full: str, content: bytes) -> None:
        with self._part(full, content) as part:
            try:
                os.link(part, full)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP):
                    raise
                # Mounted volumes know no hard links; there the name is taken first and the content follows.
                with Path(full).open("xb") as file:
                    file.write(content)

    @contextmanager
    def _part(self, full: str, content: bytes) -> Iterator[Path]:
        part = Path(self._root, _PARTS, uuid.uuid4().hex)
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            Path(full).parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            yield part
        finally:
            with suppress(OSError):  # a full or read-only folder has said so already
                part.unlink(missing_ok=True)

    def _create_remote(self, full: str, content: bytes) -> None:
        try:
            self._fs.pipe_file(full, content, mode="create")
        except Exception as error:
            if _code(error) in ("PreconditionFailed", "412"):
                raise FileExistsError(full) from error
            raise

    def _try(self, doing: str, operation: Callable[[], _Result]) -> _Result:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return operation()
            except (FileNotFoundError, FileExistsError, NotADirectoryError):
                raise
            except Exception as error:
                if attempt == ATTEMPTS or not self._passes(error):
                    raise StorageError(self._told(doing, error)) from error
                backoff = self._pause * 2 ** (attempt - 1) * (0.5 + random.random() / 2)  # noqa: S311  # no secret
                time.sleep(max(backoff, _asked_pause(error)))
        raise AssertionError("the last attempt returns or raises")

    def _passes(self, error: Exception) -> bool:
        if self._local or _is_refused(error) or _is_full(error):
            return False
        if isinstance(error, ConnectionError | TimeoutError) or _code(error) in (
            "408",
            "429",
            "500",
            "502",
            "503",
            "504",
        ):
            return True
        if isinstance(error, OSError) and error.errno in _BUSY:
            return True
        # Broken connections as the clouds' clients name them.
        return any(
            word in type(error).__name__ for word in ("Connection", "Timeout", "Payload", "Disconnected", "HTTPClient")
        )

    def _told(self, doing: str, error: Exception) -> str:
        where = f"{self.url}: {doing}"
        if _is_full(error):
            return f"{where}: the storage is full ({error}); make room and run again: what was written is kept"
        if _is_refused(error):
            return f"{where}: refused or read-only ({error}); give the job's identity the right, or renew its secret"
        return f"{where}: {type(error).__name__}: {error}"


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(word in _code(error) for word in ("StorageFull", "InsufficientStorage", "QuotaExceeded", "507"))


def _is_refused(error: Exception) -> bool:
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno in _REFUSED):
        return True
    return _code(error) in ("401", "403")


def _asked_pause(error: Exception) -> float:
    """Seconds that the storage asks to wait for, at most a minute."""
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)
        if isinstance(answer, dict):
            asked = str(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
            return min(float(asked), 60.0) if asked.isdigit() else 0.0
    return 0.0


def _code(error: BaseException) -> str:
    """The storage's own error code: botocore's, Azure's and Google's clients each keep it elsewhere."""
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code", ""))
        for name in ("status_code", "code"):
            if (found := getattr(one, name, None)) is not None:
                return str(found)
    return ""
