"""200 versions of 40 models exported and imported by what the marketplace's steps call: `export`, `import_versions`.

The peer is mlflow-export-import 1.2.0, bulk export and bulk import with threads, in an environment of its own. Both
move the same content from one MLflow 2.22 server into an empty one; these servers leave files to their clients, as the
peer's import needs it. Time is that of export and import together, without the start of a process; every round begins
with a new archive and an empty hub. Besides: the bytes between the halves, requests that the servers logged for a
version, ours on MLflow 3 with files through the server, a second export of the unchanged workspace, and the peak memory
with a file of 4 GiB. What each keeps is written to docs/marketplace-comparison.md, by one comparison that goes through
the source's versions. Later sources of the peer need MLflow 3 and are not on PyPI.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlflow import MlflowClient

from tests.benchmarks.harness import ROUNDS, Row, alternate, at_least, say
from tests.benchmarks.marketplace_document import Column, write
from tests.benchmarks.marketplace_large import peak_with_a_large_file
from tests.support.marketplace_comparison import Found, Kept, compare, registry
from tests.support.marketplace_content import samples
from tests.support.marketplace_cycle import hub_name
from tests.support.marketplace_servers import Server, server
from tests.support.marketplace_sides import Half, Moved, our_half, ours, peer

MODELS = int(os.environ.get("BRANCHLINE_MARKETPLACE_MODELS", "40"))
VERSIONS = 5
_GOAL = 8
_BYTES_GOAL = 0.55
_MEMORY_GOAL_GB = 0.5


def measure() -> Row:
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"  # the comparison reads every file of every version
    with tempfile.TemporaryDirectory() as name:
        bench = _Bench(Path(name))
        with bench.source(peers=True) as source:
            moved: dict[str, list[Moved]] = {"ours": [], "peer": []}

            def turn(side: str) -> float:
                moved[side].append(bench.turn(side, source))
                return MODELS * VERSIONS / moved[side][-1].seconds

            mine, theirs = alternate(lambda: turn("ours"), lambda: turn("peer"), _rounds())
        with bench.source(peers=False) as source:
            third = bench.turn("third", source)
            second = bench.second_export(source)
        write(bench.columns, MODELS, VERSIONS)
        peak = peak_with_a_large_file(Path(name))
    one, other = moved["ours"][0], moved["peer"][0]
    share, count = one.stored / other.stored, MODELS * VERSIONS
    row = at_least(
        "marketplace", _GOAL, "versions/s", mine, theirs,
        bytes_share=round(share, 3), requests_per_version=round(one.requests / count, 1),
        peer_requests_per_version=round(other.requests / count, 1), on_mlflow_3=round(count / third.seconds, 2),
        requests_per_version_on_mlflow_3=round(third.requests / count, 1),
        second_export_ms_per_model=round(1000 * second.seconds / MODELS, 1),
        second_export_requests_per_model=round(second.requests / MODELS, 2), peak_gb_with_4_gib=peak,
    )  # fmt: skip
    met = row.met and share <= _BYTES_GOAL and peak <= _MEMORY_GOAL_GB
    goal = f"{row.goal}, in at most {_BYTES_GOAL:g} of the bytes; 4 GiB within {_MEMORY_GOAL_GB:g} GB of memory"
    return replace(row, goal=goal, met=met)


@dataclass
class _Side:
    """How a side's models are named in its hub, and where it is measured."""

    title: str
    peers: bool
    renames: bool


_SIDES = {
    "ours": _Side("ours, MLflow 2.22", True, True),
    "peer": _Side("mlflow-export-import 1.2.0, MLflow 2.22", True, False),
    "third": _Side("ours, MLflow 3", False, True),
}


class _Bench:
    """Rounds in one folder. The first of each side is compared with its source, off the clock."""

    def __init__(self, folder: Path) -> None:
        self.columns: list[Column] = []
        self._folder = folder
        self._turns = 0
        self._read: dict[str, list[Found]] = {}

    @contextmanager
    def source(self, *, peers: bool) -> Iterator[Server]:
        with server(self._folder / f"source-{peers}", peer=peers, proxied=not peers) as found:
            say("  filling the source")
            found.fill("ordinary", str(MODELS), str(VERSIONS))
            found.fill("special")
            self._read = registry(found.uri, samples())
            yield found

    def turn(self, side: str, source: Server) -> Moved:
        """One export and one import into an empty hub."""
        self._turns += 1
        about, place = _SIDES[side], self._folder / str(self._turns)
        with server(place / "hub", peer=about.peers, proxied=not about.peers) as hub:
            move = peer if side == "peer" else ours
            moved = move(source, hub, place / "between")
            if about.title not in {column.title for column in self.columns}:
                self.columns.append(Column(about.title, moved, self._kept(hub, about)))
        if side == "third":
            return moved
        self._unmark(source)
        shutil.rmtree(place)
        return moved

    def second_export(self, source: Server) -> Half:
        """Of the workspace whose versions all bear their marks."""
        return our_half("export", source, self._folder / str(self._turns) / "between")

    def _kept(self, hub: Server, about: _Side) -> Kept:
        return compare(self._read, registry(hub.uri, samples()), hub_name if about.renames else str)

    def _unmark(self, source: Server) -> None:
        client = MlflowClient(source.uri, source.uri)
        for name, versions in self._read.items():
            for each in versions:
                client.update_model_version(name, str(each.number), each.description)


def _rounds() -> int:
    return int(os.environ.get("BRANCHLINE_MARKETPLACE_ROUNDS", str(ROUNDS)))
