"""An import: many versions at once, those of one model in their order, each with a result of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, zip_longest

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.hub.again import is_passing
from ml_code.platform.marketplace.hub.bring import Bringer, Brought, ModelState
from ml_code.platform.marketplace.hub.choice import Chosen
from ml_code.platform.marketplace.hub.errors import Unfit
from ml_code.platform.marketplace.hub.files import read_model_file
from ml_code.platform.marketplace.hub.naming import hub_name
from ml_code.platform.marketplace.hub.target import Target
from ml_code.platform.marketplace.manifest import Damaged, Manifest, NewerFormat
from ml_code.platform.marketplace.registry.http import Denied, Refused
from ml_code.platform.marketplace.registry.reading import Registry

IMPORTED, SKIPPED, REFUSED, FAILED = "imported", "skipped", "refused", "failed"
_REFUSALS = (Damaged, NewerFormat, Unfit)
_WRONG = 400
"""The server's word for what it will never take: a model without a signature in Unity Catalog, say."""


@dataclass(frozen=True)
class Imported:
    """What became of one version."""

    chosen: Chosen
    status: str
    reason: str
    hub_model: str | None
    hub_version: int | None
    seconds: float
    at: datetime


@dataclass(frozen=True)
class Rules:
    """How the hub takes versions in. `place` is its catalog and schema, None for a registry without them."""

    naming: str
    place: str | None
    concurrency: int = 8
    dry_run: bool = False


@dataclass
class _Line:
    """The versions of one model of one workspace; whoever is next is let through when `turn` says so."""

    hub_model: str
    chosen: list[Chosen]
    turn: int = 0
    held_by: str = ""
    state: ModelState | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)


def import_versions(
    archive: Archive,
    registry: Registry,
    chosen: Sequence[Chosen],
    rules: Rules,
    told: Callable[[Imported], None] = lambda _: None,
) -> list[Imported]:
    """One result of each version, in the order of `chosen`; `told` hears them as they come, one at a time.

    A version that is refused stops nobody; one that failed holds back the later ones of its model, so that their order
    stays right when the import is run again. Whoever calls holds the hub's lease.
    """
    with ThreadPoolExecutor(rules.concurrency) as files, ThreadPoolExecutor(rules.concurrency) as versions:
        work = _Work(archive, registry, rules, files)
        results = work.run(list(chosen), versions, told)
        if not rules.dry_run:
            work.bringer.runs.drop_unused()
    return results


class _Work:
    def __init__(self, archive: Archive, registry: Registry, rules: Rules, files: ThreadPoolExecutor) -> None:
        self._archive = archive
        self._rules = rules
        self.bringer = Bringer(archive, Target.of(registry), files)
        self._denied = ""

    def run(self, chosen: list[Chosen], pool: ThreadPoolExecutor, told: Callable[[Imported], None]) -> list[Imported]:
        results: dict[Chosen, Imported] = {}
        lock = threading.Lock()

        def one(line: _Line, place: int) -> None:
            result = self._in_turn(line, place)
            with lock:
                results[result.chosen] = result
                told(result)

        lines = list(self._lines(chosen, results, told))
        # The first of every model, then the second: nobody waits for a turn while others could work. A line's versions
        # are handed over in their order, so whoever waits waits for one that is at work already.
        order = [(line, place) for row in _rows(lines) for line, place in row]
        running = [pool.submit(one, line, place) for line, place in order]
        try:
            for each in running:
                each.result()
        except BaseException:
            _cancel(running)
            raise
        return [results[each] for each in chosen]

    def _lines(
        self, chosen: list[Chosen], results: dict[Chosen, Imported], told: Callable[[Imported], None]
    ) -> Iterator[_Line]:
        in_order = sorted(chosen, key=lambda each: (each.workspace, each.model, each.version))
        for (workspace, model), found in groupby(in_order, key=lambda each: (each.workspace, each.model)):
            versions = list(found)
            try:
                yield _Line(hub_name(self._rules.naming, workspace, model, self._rules.place), versions)
            except Unfit as error:
                for each in versions:
                    results[each] = _result(each, REFUSED, str(error), None, 0.0)
                    told(results[each])

    def _in_turn(self, line: _Line, place: int) -> Imported:
        chosen, began = line.chosen[place], time.monotonic()
        result = None
        try:
            result = self._one(line, place, chosen, began)
        finally:
            self._wait(line, place)
            with line.changed:
                line.turn = place + 1
                if result is None or result.status == FAILED:
                    line.held_by = line.held_by or chosen.label
                line.changed.notify_all()
        return result

    def _one(self, line: _Line, place: int, chosen: Chosen, began: float) -> Imported:
        manifest: Manifest | None = None
        try:
            if self._denied:
                raise StepError(self._denied)
            manifest = self._archive.manifest(chosen.manifest, chosen.manifest_sha256 or None)
            _check_row(chosen, manifest)
            brought = self._bring(line, place, chosen, manifest)
            reason = "; ".join(brought.notes)
            return _result(chosen, brought.status, reason, line.hub_model, _since(began), brought.version)
        except _REFUSALS as error:
            return _result(chosen, REFUSED, str(error), line.hub_model, _since(began))
        except StepError as error:
            if isinstance(error, Refused) and error.status == _WRONG and not is_passing(error):
                return _result(chosen, REFUSED, str(error), line.hub_model, _since(began))
            if isinstance(error, Denied) and error.status == 401:
                self._denied = str(error)  # nobody else will be let in either
            reason = str(error)
        except Exception as error:  # whatever it is, the other versions go on
            reason = f"{type(error).__name__}: {error}"
        if manifest:
            self.bringer.runs.keep(manifest)  # the next import goes on from there
        return _result(chosen, FAILED, reason, line.hub_model, _since(began))

    def _bring(self, line: _Line, place: int, chosen: Chosen, manifest: Manifest) -> Brought:
        state = self._state(line, manifest)
        known = state.versions.get(manifest.content)
        if known is not None:
            if not self._rules.dry_run:
                self._wait(line, place)
                self.bringer.point(state, manifest, known, chosen.exported)
            return Brought(SKIPPED, known, (f"the hub has it as version {known}",))
        if self._rules.dry_run:
            read_model_file(self._archive, manifest)
            return Brought(IMPORTED, 0, ("dry run: nothing was written",))
        prepared = self.bringer.prepare(manifest, chosen.exported)
        held_by = self._wait(line, place)
        if held_by:
            raise StepError(f"it waits for {held_by}, which failed; its files are in place already")
        brought = self.bringer.register(state, manifest, prepared)
        self.bringer.point(state, manifest, brought.version, chosen.exported)
        return brought

    def _state(self, line: _Line, manifest: Manifest) -> ModelState:
        with line.changed:
            if line.state is None:
                line.state = self.bringer.state(line.hub_model, manifest)
            return line.state

    def _wait(self, line: _Line, place: int) -> str:
        with line.changed:
            line.changed.wait_for(lambda: line.turn >= place)
            return line.held_by


def _check_row(chosen: Chosen, manifest: Manifest) -> None:
    found = (manifest.origin.workspace, manifest.version.model, manifest.version.version)
    if found != (chosen.workspace, chosen.model, chosen.version):
        raise Damaged(f"{chosen.manifest} is the manifest of {found[0]}'s {found[1]} {found[2]}, not of {chosen.label}")


def _rows(lines: list[_Line]) -> Iterator[list[tuple[_Line, int]]]:
    places = [[(line, place) for place in range(len(line.chosen))] for line in lines]
    for row in zip_longest(*places):
        yield [each for each in row if each is not None]


def _cancel(running: list[Future[None]]) -> None:
    for each in running:
        each.cancel()


def _result(
    chosen: Chosen,
    status: str,
    reason: str,
    hub_model: str | None,
    seconds: float,
    version: int | None = None,
) -> Imported:
    return Imported(chosen, status, reason, hub_model, version or None, seconds, datetime.now(UTC))


def _since(began: float) -> float:
    return time.monotonic() - began
