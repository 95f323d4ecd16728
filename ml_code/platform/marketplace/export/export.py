"""The export of one workspace: choose, store, commit, record, mark; in this order, so that a kill loses nothing.

A version is marked in its registry when its row is in the export table, has its row when its manifest is in the
archive, and its manifest when all of its files are. Each of these may be done again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.choice import Choice, Versions, choose, is_marked, marked
from ml_code.platform.marketplace.export.contents import Contents
from ml_code.platform.marketplace.export.outcome import Outcome, Report, exported
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.export.progress import Progress
from ml_code.platform.marketplace.export.snapshot import Permissions, Snapshots, version_record
from ml_code.platform.marketplace.export.unrecorded import Unrecorded
from ml_code.platform.marketplace.manifest import Origin
from ml_code.platform.marketplace.registry.http import Missing
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.records import ModelVersion

_FLUSH_SECONDS = 5.0
_FLUSH_VERSIONS = 32
_FRESH_SECONDS = 30.0


@dataclass(frozen=True)
class Order:
    """What is to be exported, and as whose run."""

    origin: Origin
    day: date
    run_id: str = "0"
    patterns: Sequence[str] = ("*",)
    versions: Versions = "production"


def export(
    registry: Registry,
    archive: Archive,
    order: Order,
    pace: Pace,
    *,
    permissions: Permissions = lambda model: (),
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Exports what the order asks for and tells what became of each version.

    A version that cannot be exported is reported as failed and the rest goes on. Raises Leased where another export of
    the same workspace is at work, and StepError where registry or archive cannot be used at all.
    """
    with archive.lease(f"export-{order.origin.workspace}"), _threads(pace.concurrency) as (versions, files):
        started, requests, written = time.monotonic(), registry.rest.requests, archive.bytes_written
        choices = choose(registry, order.patterns, order.versions, versions.map)
        progress = Progress(len(choices), say)
        contents = Contents(registry, pace, _wanted(choices))
        snapshots = Snapshots(contents, archive, order.origin, pace, files, permissions, progress.read)
        run = _Run(registry, archive, order, pace, snapshots, progress)
        run.through(choices, versions, files)
        return Report(
            tuple(sorted(run.outcomes, key=lambda each: (each.model, each.version or 0))),
            tuple(run.unmarked),
            registry.rest.requests - requests,
            archive.bytes_written - written,
            time.monotonic() - started,
        )


def preview(registry: Registry, order: Order, pace: Pace) -> list[tuple[Choice, int, int]]:
    """What an export would do with each version, the number of its files and their bytes; nothing is written."""
    with _threads(pace.concurrency) as (versions, _):
        choices = choose(registry, order.patterns, order.versions, versions.map)
        contents = Contents(registry, pace, _wanted(choices))

        def look(choice: Choice) -> tuple[Choice, int, int]:
            if choice.skipped or choice.version is None:
                return choice, 0, 0
            try:
                listed = contents.look(choice.version)
            except StepError as error:
                return replace(choice, skipped=f"would fail: {error}"), 0, 0
            return choice, len(listed.files), listed.size

        return list(versions.map(look, choices))


class _Run:
    """The writing half. Threads store versions; rows are written, and descriptions marked, a batch at a time."""

    def __init__(
        self,
        registry: Registry,
        archive: Archive,
        order: Order,
        pace: Pace,
        snapshots: Snapshots,
        progress: Progress,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self.unmarked: list[str] = []
        self._registry = registry
        self._archive = archive
        self._order = order
        self._pace = pace
        self._snapshots = snapshots
        self._progress = progress
        self._read_at = time.monotonic()

    def through(self, choices: Sequence[Choice], versions: Executor, files: Executor) -> None:
        """All choices; `files` also takes the calls that mark, so that they need not wait for every version."""
        batch = [(_skipped(choice), choice.version) for choice in choices if choice.skipped]
        wanted = [choice for choice in choices if not choice.skipped]
        unrecorded = Unrecorded.find(self._archive, self._order.origin.workspace) if wanted else None
        waiting = {versions.submit(self._one, choice, unrecorded): choice.version for choice in wanted}
        for outcome, _ in batch:
            self._progress.outcome(outcome)
        flushed = time.monotonic()
        try:
            while waiting:
                ready, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in ready:
                    outcome, version = future.result(), waiting.pop(future)
                    self._progress.outcome(outcome)
                    batch.append((outcome, version))
                if len(batch) >= _FLUSH_VERSIONS or time.monotonic() - flushed > _FLUSH_SECONDS:
                    self._flush(batch, files)
                    batch, flushed = [], time.monotonic()
                self._progress.tick(self._archive.bytes_written)
        finally:
            for future in waiting:
                future.cancel()
            # Also where the loop is left by an error: what is stored is worth its rows.
            self._flush(batch, files)

    def _one(self, choice: Choice, unrecorded: Unrecorded | None) -> Outcome:
        """Stores a version and commits its manifest, unless an export that was killed had come as far."""
        model, version = choice.model, choice.version
        if version is None:
            raise ValueError(f"{model.name}: a choice to export names a version")
        started, written = time.monotonic(), _Sum()
        try:
            found = unrecorded.of(version_record(model, version)) if unrecorded else None
            if found:
                return exported(*found, 0, time.monotonic() - started)
            manifest = self._snapshots.take(model, version, written.add)
            committed = self._archive.commit(manifest)
        except Missing as error:
            if self._is_gone(version):
                return Outcome(version.model, version.version, "skipped", "deleted during its export")
            return Outcome(version.model, version.version, "failed", str(error))
        except Exception as error:  # one version's trouble is not the others'
            reason = str(error) if isinstance(error, StepError) else f"{type(error).__name__}: {error}"
            return Outcome(version.model, version.version, "failed", " ".join(reason.split())[:1000])
        return exported(manifest, committed, written.total, time.monotonic() - started)

    def _is_gone(self, version: ModelVersion) -> bool:
        try:
            self._registry.version(version.model, version.version)
        except Missing:
            return True
        except StepError:
            return False
        return False

    def _flush(self, batch: Sequence[tuple[Outcome, ModelVersion | None]], threads: Executor) -> None:
        """Writes the rows of a batch, then marks the exported versions."""
        if not batch:
            return
        order = self._order
        rows = [outcome.row(order.origin, order.day, order.run_id) for outcome, _ in batch]
        self._archive.append_exports(order.origin.workspace, rows)
        self.outcomes += [outcome for outcome, _ in batch]
        done = [version for outcome, version in batch if version and outcome.status == "exported"]
        self.unmarked += [problem for problem in threads.map(self._mark, done) if problem]

    def _mark(self, version: ModelVersion) -> str | None:
        """Sets the description; returns what went wrong. Somebody may have changed it while files were read."""
        try:
            with self._pace.turn():
                if time.monotonic() - self._read_at > _FRESH_SECONDS:
                    version = self._registry.version(version.model, version.version)
                if not is_marked(version.description):
                    description = marked(version.description, self._order.day)
                    self._registry.describe_version(version.model, version.version, description)
        except Missing:
            return None  # deleted meanwhile: there is nothing left to mark
        except Exception as error:
            return f"{version.model} v{version.version}: {error}"
        return None


class _Sum:
    """Adds up what threads tell."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self.total += size


def _wanted(choices: Sequence[Choice]) -> list[ModelVersion]:
    return [choice.version for choice in choices if choice.version and not choice.skipped]


def _skipped(choice: Choice) -> Outcome:
    return Outcome(choice.model.name, choice.version.version if choice.version else None, "skipped", choice.skipped)


@contextmanager
def _threads(concurrency: int) -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor]]:
    """Threads for versions and for files. An error does not wait for what has not begun."""
    versions = ThreadPoolExecutor(concurrency, "version")
    files = ThreadPoolExecutor(concurrency, "file")
    try:
        yield versions, files
    finally:
        versions.shutdown(cancel_futures=True)
        files.shutdown(cancel_futures=True)
