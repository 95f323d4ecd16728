"""Archives in a folder and in S3: what holds for one must hold for the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.manifest import Manifest, Origin, StoredFile, Version
from tests.support.s3 import S3, s3_server

_numbers = itertools.count()


@dataclass(frozen=True)
class Address:
    """Where an archive is or will be."""

    url: str
    options: dict[str, Any]

    def open(self) -> Archive:
        return Archive.open(self.url, self.options, create=True)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "folder":
        return Address(str(tmp_path / "archive"), {})
    server: S3 = request.getfixturevalue("s3")
    return Address(server.url(f"archive-{next(_numbers)}"), server.options)


@pytest.fixture
def folder(tmp_path: Path) -> Address:
    return Address(str(tmp_path / "archive"), {})


@pytest.fixture
def make_manifest() -> Callable[..., Manifest]:
    def make(*files: StoredFile, workspace: str = "w", model: str = "m", version: int = 1) -> Manifest:
        return replace(
            _MANIFEST,
            origin=replace(_MANIFEST.origin, workspace=workspace),
            version=replace(_MANIFEST.version, model=model, version=version),
            model_files=files,
        )

    return make


_MANIFEST = Manifest(
    origin=Origin("w", "1", "https://w.example", "workspace", "3.17.0"),
    version=Version("m", 1, "", "", {}, {}, (), None, 1, None, None),
    run=None,
    logged_model=None,
    model_files=(),
    artifacts=(),
    signature=None,
    flavors=(),
    lineage={},
    permissions=(),
)
