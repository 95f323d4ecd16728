"""Files put below an artifact URI: streamed where the server keeps them itself, else by MLflow's own ways."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

from ml_code.platform.marketplace.registry.reading import Registry

_API = "/api/2.0/mlflow-artifacts/artifacts"


def put_file(registry: Registry, root: str, path: str, content: Callable[[], Iterable[bytes]], size: int) -> None:
    """Writes a file of `size` bytes to `path` below the artifact URI `root`; `content` begins anew at every call.

    Memory holds one block at a time. Raises what `content` raises, http.Refused and its kinds, http.Unreachable.
    """
    parts = urlsplit(root)
    if parts.scheme == "mlflow-artifacts" and parts.netloc in ("", urlsplit(registry.rest.url).netloc):
        place = f"{parts.path.strip('/')}/{path}"
        registry.rest.upload(f"{_API}/{quote(place)}", content, size)
        return
    _by_mlflow(registry, root, path, content)


def _by_mlflow(registry: Registry, root: str, path: str, content: Callable[[], Iterable[bytes]]) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="branchline-") as scratch:
        local = Path(scratch) / name
        with local.open("wb") as file:
            for block in content():
                file.write(block)
        repository = get_artifact_repository(root, registry.uri, registry.registry_uri)
        repository.log_artifact(str(local), folder or None)
