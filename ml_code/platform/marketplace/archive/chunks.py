"""Files as chunks that are named by their content: stored once, and a stopped upload goes on where it was."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import zstandard

from ml_code.platform.marketplace.archive.storage import Storage
from ml_code.platform.marketplace.manifest import Damaged, StoredFile

CHUNK = 8 * 2**20
"""Bytes of a file in one chunk."""
AHEAD = 4
"""Chunks, of all files together, that threads of this module hold; whoever finds none free does the work itself."""
LEVEL = 3
_SMALL = 2**20
_NAME = re.compile(r"[0-9a-f]{64}")
_REPAIR = (
    "take the mark out of the version's description at its origin, and the next export writes it anew; then import the "
    "day of its first export again"
)


class Chunks:
    """Writes and reads files below `chunks/`. Memory: two chunks for each file that is on its way, and AHEAD."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="chunks")
        self._free = threading.BoundedSemaphore(AHEAD)
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self.bytes_written = 0

    def put(self, path: str, content: Iterable[bytes], wrote: Callable[[int], None] | None = None) -> StoredFile:
        """Stores what the archive does not have yet; `wrote` hears the compressed bytes of each new chunk."""
        whole, size = hashlib.sha256(), 0
        stored: list[Future[str] | str] = []
        try:
            for chunk, last in _pieces(content):
                size += len(chunk)
                if last and not stored:
                    name = self._store(chunk, wrote)
                    return StoredFile(path, size, name, (name,))
                whole.update(chunk)
                if self._free.acquire(blocking=False):
                    future = self._pool.submit(self._store, chunk, wrote)
                    future.add_done_callback(lambda _: self._free.release())
                    stored.append(future)
                else:
                    stored.append(self._store(chunk, wrote))
                _raise_first(stored)
            names = tuple(one if isinstance(one, str) else one.result() for one in stored)
        finally:
            # What has been read is stored also where the source or another chunk failed: the next run need not.
            wait([one for one in stored if isinstance(one, Future)])
        return StoredFile(path, size, whole.hexdigest(), names)

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, each chunk verified before it is handed out, and all of them at the end. Raises Damaged."""
        whole, size = hashlib.sha256(), 0
        for chunk in self._fetched(file):
            size += len(chunk)
            if len(file.chunks) > 1:
                whole.update(chunk)
            yield chunk
        sha256 = file.chunks[0] if len(file.chunks) == 1 else whole.hexdigest()
        if size != file.size or sha256 != file.sha256:
            raise Damaged(
                f"{file.path}: its chunks give {size} bytes with SHA-256 {sha256}, its manifest says {file.size} bytes "
                f"with {file.sha256}; {_REPAIR}"
            )

    def _store(self, chunk: bytes | bytearray, wrote: Callable[[int], None] | None) -> str:
        name = hashlib.sha256(chunk).hexdigest()
        with self._lock:
            if name in self._known:
                return name
        written = self._write(place(name), chunk)
        with self._lock:
            self._known.add(name)
            self.bytes_written += written
        if written and wrote:
            wrote(written)
        return name

    def _write(self, path: str, chunk: bytes | bytearray) -> int:
        # Asking costs object storage a request or two of its own, so a small chunk is simply offered.
        if (self._storage.folder or len(chunk) > _SMALL) and self._storage.exists(path):
            return 0
        packed = zstandard.compress(chunk, LEVEL)
        return len(packed) if self._storage.add(path, packed) else 0

    def _fetched(self, file: StoredFile) -> Iterator[bytes]:
        names = deque(file.chunks)
        coming: deque[Future[bytes]] = deque()
        try:
            while names or coming:
                while len(file.chunks) > 1 and names and self._free.acquire(blocking=False):
                    coming.append(self._pool.submit(self._fetch, names.popleft(), file.path))
                if not coming:
                    yield self._fetch(names.popleft(), file.path)
                    continue
                try:
                    chunk = coming[0].result()
                finally:
                    coming.popleft()
                    self._free.release()
                yield chunk
        finally:
            for future in coming:
                future.cancel()
                self._free.release()

    def _fetch(self, name: str, of: str) -> bytes:
        path = place(name)
        fault = ""
        for _ in (1, 2):  # a transfer that was cut off is whole the second time
            packed = self._storage.read(path)
            if packed is None:
                raise Damaged(f"{path}: part of {of}, and not in the archive; {_REPAIR}")
            try:
                chunk = _unpacked(packed)
            except (zstandard.ZstdError, ValueError) as error:
                fault = f"truncated or not a chunk ({error})"
                continue
            found = hashlib.sha256(chunk).hexdigest()
            if found == name:
                return chunk
            fault = f"its SHA-256 is {found}"
        raise Damaged(f"{path}: part of {of}, {fault}; remove that object and {_REPAIR}")


def place(name: str) -> str:
    """Path of a chunk. Raises Damaged for a name that is none: it comes from a document."""
    if not _NAME.fullmatch(name):
        raise Damaged(f"{name!r}: not the name of a chunk")
    return f"chunks/{name[:2]}/{name}.zst"


def _pieces(content: Iterable[bytes]) -> Iterator[tuple[bytes | bytearray, bool]]:
    """Chunks of CHUNK bytes, the last may be shorter, and whether it is that; an empty file has none."""
    kept = bytearray()
    for given in content:
        view = memoryview(given)
        while len(kept) + len(view) > CHUNK:
            rest = CHUNK - len(kept)
            kept += view[:rest]
            yield kept, False
            view, kept = view[rest:], bytearray()
        kept += view
    if kept:
        yield kept, True


def _unpacked(packed: bytes) -> bytes:
    size = zstandard.frame_content_size(packed)
    if not 0 <= size <= CHUNK:
        raise ValueError(f"says that it holds {size} bytes, and a chunk has at most {CHUNK}")
    return zstandard.decompress(packed)


def _raise_first(stored: list[Future[str] | str]) -> None:
    """A storage that is full ends the upload now, not after the rest has been read."""
    for one in stored[-2 * AHEAD :]:
        if isinstance(one, Future) and one.done():
            one.result()
