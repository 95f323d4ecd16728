"""A version with one file of 4 GiB, exported and imported: how much memory each of the two processes has at most."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from mlflow import MlflowClient

from tests.benchmarks.harness import say
from tests.support.marketplace_servers import FILES, Server, server
from tests.support.marketplace_sides import our_half

_GIB = 4
_BLOCK = 16 * 2**20


def peak_with_a_large_file(folder: Path) -> float:
    """The higher of both peaks, in GB. Files go through the servers, which are MLflow 3."""
    place = folder / "large"
    with server(place / "source") as source, server(place / "hub") as hub:
        source.fill("ordinary", "1", "1")
        _add_file(source)
        say(f"  a file of {_GIB} GiB")
        exported = our_half("export", source, place / "between")
        imported = our_half("import", hub, place / "between")
    shutil.rmtree(place)
    return max(exported.peak_gb, imported.peak_gb)


def _add_file(source: Server) -> None:
    """Into the server's own folder, among the artifacts of the only run: half noise, half text, no block twice."""
    client = MlflowClient(source.uri, source.uri)
    [version] = client.search_model_versions()
    [place] = (source.folder / FILES).rglob(f"{version.run_id}/artifacts")
    random = np.random.default_rng(0)
    with (place / "large.bin").open("wb") as file:
        for number in range(_GIB * 2**30 // _BLOCK):
            noise = random.bytes(_BLOCK // 2)
            file.write(noise)
            file.write((f"{number:031}\n" * (_BLOCK // 64)).encode())
