"""An S3 server as a process of its own, spoken to over HTTP: conditional writes, ranges and listings as S3 has them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

BUCKET = "market"
_ADDRESS = re.compile(r"Running on (http://[0-9.]+:\d+)")


@dataclass(frozen=True)
class S3:
    """A running server with one bucket."""

    endpoint: str

    def url(self, prefix: str) -> str:
        """As fsspec and Delta write it."""
        return f"s3://{BUCKET}/{prefix}"

    @property
    def options(self) -> dict[str, Any]:
        """The storage options of fsspec."""
        client = {"endpoint_url": self.endpoint, "region_name": "us-east-1"}
        return {"key": "test", "secret": "test-secret", "client_kwargs": client}

    def behind(self, endpoint: str) -> S3:
        """The same, reached by another address: that of a proxy."""
        return S3(endpoint)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """Starts the server on a free port of loopback; its log lies in `folder`, its objects go when it stops."""
    log = folder / "s3.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=output, stderr=output
        )
    try:
        server = S3(_address(process, log))
        httpx.put(f"{server.endpoint}/{BUCKET}", timeout=60).raise_for_status()
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _address(process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while not (found := _ADDRESS.search(log.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the S3 server did not start:\n{log.read_text()}")
        time.sleep(0.05)
    return found[1]
