"""The registry that versions come into: the hub's, or a consumer's."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.manifest import StoredFile
from ml_code.platform.marketplace.registry.files import put_file
from ml_code.platform.marketplace.registry.http import Missing
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.registering import Models
from ml_code.platform.marketplace.registry.writing import Tracking


@dataclass(frozen=True)
class Target:
    """A registry, the tracking server behind it, and how both are written."""

    registry: Registry
    tracking: Tracking
    models: Models
    mlflow: str
    """Version of the server's MLflow."""

    @classmethod
    def of(cls, registry: Registry) -> Target:
        """Asks a server for its MLflow's version; Databricks does not tell, and keeps step with the newest."""
        return cls(registry, Tracking(registry.rest), Models(registry), _mlflow_of(registry))

    @property
    def in_catalog(self) -> bool:
        """Whether names are of Unity Catalog."""
        return self.registry.kind == "unity_catalog"

    @property
    def keeps_logged_models(self) -> bool:
        """MLflow 3 keeps a model apart from its run, under an id of its own."""
        found = re.match(r"\d+", self.mlflow)
        return not found or int(found.group()) >= 3

    @property
    def longest_tag(self) -> int:
        """Characters that a version's tag may have."""
        return 1000 if self.in_catalog else 100_000 if self.keeps_logged_models else 5000


@dataclass(frozen=True)
class Sending:
    """A file for the target: where it comes from, unless it is given as `content`."""

    path: str
    file: StoredFile
    content: bytes | None = None


class Uploads:
    """Files on their way from the archive to the target, so many at once; each is verified while it streams."""

    def __init__(self, archive: Archive, target: Target, pool: ThreadPoolExecutor) -> None:
        self._archive = archive
        self._target = target
        self._pool = pool

    def send(self, root: str, files: Sequence[Sending]) -> None:
        """All files below an artifact URI. Raises the first error, Damaged among them, once none is on its way."""
        if len(files) == 1:
            self._send(root, files[0], threading.Event())
            return
        failed = threading.Event()
        running = [self._pool.submit(self._send, root, file, failed) for file in files]
        try:
            _first_error(running)
        except BaseException:
            failed.set()
            wait([each for each in running if not each.cancel()])
            raise

    def _send(self, root: str, sending: Sending, failed: threading.Event) -> None:
        if failed.is_set():
            return
        known = sending.content
        if known is not None:
            put_file(self._target.registry, root, sending.path, lambda: (known,) if known else (), len(known))
            return
        file = sending.file
        put_file(self._target.registry, root, sending.path, lambda: self._archive.read(file), file.size)


def _first_error(running: Iterable[Future[None]]) -> None:
    done, _ = wait(running, return_when=FIRST_EXCEPTION)
    for each in done:
        each.result()


def _mlflow_of(registry: Registry) -> str:
    if registry.uri.startswith(("http://", "https://")):
        try:
            return b"".join(registry.rest.stream("/version")).decode().strip()
        except Missing:
            pass  # Databricks by its address
    return version("mlflow") if _installed("mlflow") else version("mlflow-skinny")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
