"""Exports and imports killed at random points, each time taken up again: nothing lost, nothing twice, no false mark.

Short here; BRANCHLINE_KILLS=200 makes the long form, and BRANCHLINE_SEED repeats one that failed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.choice import is_marked
from tests.support.marketplace_comparison import Found, compare, registry
from tests.support.marketplace_content import samples
from tests.support.marketplace_cycle import DAY, hub_name
from tests.support.marketplace_kills import Attempt, Killer, killer
from tests.support.marketplace_servers import Server, server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

_KILLS = int(os.environ.get("BRANCHLINE_KILLS", "20"))
_MODELS = "ordinary-*"
_IN_A_ROW = 8
_BY_CLOCK = 0.3  # of the kills: they also reach what Python's audit does not see, as Delta's commit
_LOST_BY_DESIGN = {"tags and description"}  # an exported version's description says so


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Source and hub at once: the hub's names are others."""
    with server(tmp_path_factory.mktemp("server")) as found:
        found.fill("ordinary", "2", "3")
        yield found


@pytest.fixture(scope="module")
def source(running: Server) -> dict[str, list[Found]]:
    return registry(running.uri, samples(), _MODELS)


@pytest.fixture(scope="module")
def forked() -> Iterator[Killer]:
    with killer() as found:
        yield found


def test_whatever_is_killed_is_ended_by_the_next_runs(
    running: Server, source: dict[str, list[Found]], forked: Killer, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BRANCHLINE_SEED", random.SystemRandom().randrange(10**6)))
    chance, kills, chain = random.Random(seed), Counter[str](), 0
    steps = {"export": 0, "import": 0}  # the first cycle is not killed: it tells how long one is
    while min(kills["export"], kills["import"]) * 2 < _KILLS:
        chain += 1
        where = f"seed {seed}, chain {chain}"
        cycle = _Cycle(running.uri, f"{tmp_path}/{chain}", f"w{chain}")
        for what, sound in (("export", cycle.check_export), ("import", cycle.check_import)):
            for _ in range(chance.randint(1, _IN_A_ROW) if steps[what] else 0):
                if not cycle.is_killed(forked, what, chance, steps[what]):
                    break
                kills[what] += 1
                sound(f"{where}, kill {kills[what]} of the {what}")
            steps[what] = max(steps[what], cycle.end(forked, what))
        cycle.check_whole(source, where)
        cycle.unmark(source)
    print(f"seed {seed}: {dict(kills)} kills in {chain} cycles, {steps} steps of whole runs")


class _Cycle:
    """One workspace's way into the hub, with an archive of its own."""

    def __init__(self, uri: str, archive: str, workspace: str) -> None:
        self._client = MlflowClient(uri, uri)
        self._uri, self._archive, self._workspace = uri, archive, workspace

    def is_killed(self, forked: Killer, what: str, chance: random.Random, steps: int) -> bool:
        """Makes one attempt that is to be killed; False: it came to its end before."""
        if chance.random() < _BY_CLOCK:
            ended = forked.attempt(self._attempt(what, seconds=chance.uniform(0.02, 2.0)))
        else:
            ended = forked.attempt(self._attempt(what, steps=chance.randint(1, steps)))
        assert ended.killed or not ended.error, ended.error
        return ended.killed

    def end(self, forked: Killer, what: str) -> int:
        """Makes an attempt that nobody kills; the steps that it had."""
        ended = forked.attempt(self._attempt(what))
        assert not ended.killed, "killed by somebody else"
        assert not ended.error, ended.error
        return ended.steps

    def check_export(self, where: str) -> None:
        """Marked is only what has its row, a row only what has its manifest, a manifest only what is there, whole."""
        marked = {
            (each.name, int(each.version)) for each in self._versions(_MODELS[:-1]) if is_marked(each.description)
        }
        if not (Path(self._archive) / "marketplace.json").exists():
            assert not marked, where
            return
        archive = Archive.open(self._archive)
        rows = self._rows(archive)
        assert marked <= set(rows), f"{where}: marked, and not in the table"
        for path in (*rows.values(), *archive.manifests(self._workspace)):
            manifest = archive.manifest(path)
            for file in (*manifest.model_files, *manifest.artifacts):
                for _ in archive.read(file):
                    pass

    def check_import(self, where: str) -> None:
        """No version twice, and each model's in the order of their origin."""
        found: dict[str, list[tuple[int, int]]] = {}
        for each in self._versions(f"{self._workspace}__"):
            found.setdefault(each.name, []).append((int(each.version), int(each.tags["marketplace.version"])))
        for model, numbers in found.items():
            origins = [origin for _, origin in sorted(numbers)]
            assert origins == sorted(set(origins)), f"{where}: {model} has {origins}"

    def check_whole(self, source: dict[str, list[Found]], where: str) -> None:
        """All arrived once, as the independent comparison sees it."""
        rows = self._rows(Archive.open(self._archive))
        assert set(rows) == {(name, each.number) for name, versions in source.items() for each in versions}, where
        hub = registry(self._uri, samples(), f"{self._workspace}__*")
        kept = compare(source, hub, lambda model: hub_name(model, self._workspace))
        lost = {aspect: text for aspect, text in kept.lost.items() if aspect not in _LOST_BY_DESIGN}
        assert not lost, f"{where}: {lost}"
        half = [run.info.run_id for run in self._runs() if run.info.status == "RUNNING"]
        assert not half, f"{where}: runs that nobody ended: {half}"

    def unmark(self, source: dict[str, list[Found]]) -> None:
        """The source as it was, for the next cycle."""
        for name, versions in source.items():
            for each in versions:
                self._client.update_model_version(name, str(each.number), each.description)

    def _attempt(self, what: str, *, steps: int = 0, seconds: float = 0.0) -> Attempt:
        return Attempt(what, self._uri, self._archive, self._workspace, _MODELS, steps, seconds)

    def _rows(self, archive: Archive) -> dict[tuple[str, int], str]:
        table = archive.exports([self._workspace], DAY, DAY).to_pylist()
        rows = [row for row in table if row["status"] == "exported"]
        doubled = [key for key, count in Counter((row["model"], row["version"]) for row in rows).items() if count > 1]
        assert not doubled, f"rows written twice: {doubled}"
        return {(row["model"], int(row["version"])): row["manifest"] for row in rows}

    def _versions(self, prefix: str) -> list[Any]:
        return list(self._client.search_model_versions(f"name LIKE '{prefix}%'", max_results=1000))

    def _runs(self) -> list[Any]:
        experiments = self._client.search_experiments(filter_string=f"name LIKE '%/{self._workspace}/%'")
        return list(self._client.search_runs([each.experiment_id for each in experiments], max_results=1000))
