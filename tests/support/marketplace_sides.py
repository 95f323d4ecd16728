"""The marketplace and its peer, each moving one server's models into another: what it took, and what it left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.marketplace_servers import PEER, Server, clean
from tests.support.peers import peer_python

_ROOT = Path(__file__).parents[2]
_RUN = _ROOT / "tests/peers/mlflow-export-import/run.py"
_WITHIN = 3600.0


@dataclass(frozen=True)
class Half:
    """An export, or an import. Seconds without the start of its process; requests are those that the server logged."""

    seconds: float
    cpu_seconds: float
    """Of its process; another load of the machine does not change it."""
    server_cpu_seconds: float
    peak_gb: float
    requests: int
    said: str
    """What it printed last."""


@dataclass(frozen=True)
class Moved:
    """Both halves, and the bytes of the files between them."""

    exported: Half
    imported: Half
    stored: int

    @property
    def seconds(self) -> float:
        return self.exported.seconds + self.imported.seconds

    @property
    def cpu_seconds(self) -> float:
        """Of the tool and the servers."""
        return sum(half.cpu_seconds + half.server_cpu_seconds for half in (self.exported, self.imported))

    @property
    def peak_gb(self) -> float:
        return max(self.exported.peak_gb, self.imported.peak_gb)

    @property
    def requests(self) -> int:
        return self.exported.requests + self.imported.requests


def ours(source: Server, target: Server, folder: Path) -> Moved:
    """All versions by `export` and `import_versions`, as the marketplace's steps call them."""
    exported = our_half("export", source, folder)
    return Moved(exported, our_half("import", target, folder), size_of(folder))


def our_half(what: str, server: Server, folder: Path) -> Half:
    command = [sys.executable, "-m", "tests.support.marketplace_cycle", what, server.uri, str(folder), "all"]
    return _half(command, server)


def peer(source: Server, target: Server, folder: Path) -> Moved:
    """All versions by the peer's bulk tools, with threads."""
    halves = []
    for what, server in (("export", source), ("import", target)):
        command = [str(peer_python(PEER)), str(_RUN), what, server.uri, str(folder)]
        halves.append(_half(command, server))
    return Moved(halves[0], halves[1], size_of(folder))


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _half(command: list[str], server: Server) -> Half:
    before, worked = server.requests(), server.cpu_seconds()
    done = subprocess.run(command, cwd=_ROOT, env=clean(), capture_output=True, text=True, timeout=_WITHIN, check=False)
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    told = json.loads(done.stdout.splitlines()[-1])
    said = (done.stderr.strip().splitlines() or [""])[-1]
    return Half(
        seconds=told["seconds"],
        cpu_seconds=told["cpu_seconds"],
        server_cpu_seconds=server.cpu_seconds() - worked,
        peak_gb=told["peak_gb"],
        requests=server.requests() - before,
        said=said,
    )
