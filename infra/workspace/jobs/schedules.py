"""Fires schedules of jobs, monitors and alerts by the workspace's clock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.jobs import cron

_LOG = logging.getLogger(__name__)
_LONGEST_WAIT = 3600.0

Key = TypeVar("Key", bound=Hashable)


class ScheduleLoop(Generic[Key]):
    """Waits for the next moment of any schedule and has what it belongs to fired; `Key` is what that goes by.

    `schedules` gives the schedules that are not paused, as jobs have them (quartz_cron_expression, timezone_id).

    A moment that passed while the workspace was down does not fire, as on Databricks; a clock that is advanced over
    several moments of one schedule fires it once.
    """

    def __init__(
        self,
        clock: Clock,
        schedules: Callable[[], Mapping[Key, Mapping[str, Any]]],
        fire: Callable[[Key, datetime], None],
    ) -> None:
        self._clock = clock
        self._schedules = schedules
        self._fire = fire
        self._wake = threading.Condition()
        self._changed = True
        self._stopped = False
        self._next: dict[Key, tuple[tuple[str, str], datetime | None]] = {}
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)
        clock.on_advance(self.changed)

    def start(self) -> None:
        with self._wake:
            self._plan()
        self._thread.start()

    def changed(self) -> None:
        """To be called after a schedule or the clock has changed; returns once what is due has been fired."""
        with self._wake:
            if self._stopped or not self._thread.is_alive():
                return
            self._plan()
            self._fire_due()
            self._wake.notify_all()

    def next_fire(self, key: Key) -> datetime | None:
        with self._wake:
            planned = self._next.get(key)
            return None if planned is None else planned[1]

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        with self._wake:
            while not self._stopped:
                self._fire_due()
                moments = [moment for _, moment in self._next.values() if moment is not None]
                remaining = (min(moments) - self._clock.now()).total_seconds() if moments else _LONGEST_WAIT
                self._wake.wait(min(max(remaining, 0.0), _LONGEST_WAIT))

    def _plan(self) -> None:
        """Keeps the planned moment of each schedule that is as it was; plans others from now on."""
        now = self._clock.now()
        planned: dict[Key, tuple[tuple[str, str], datetime | None]] = {}
        for key, schedule in self._schedules().items():
            terms = (str(schedule["quartz_cron_expression"]), str(schedule["timezone_id"]))
            known = self._next.get(key)
            planned[key] = known if known is not None and known[0] == terms else (terms, _next(terms, now))
        self._next = planned

    def _fire_due(self) -> None:
        now = self._clock.now()
        for key, (terms, moment) in list(self._next.items()):
            if moment is None or moment > now:
                continue
            self._next[key] = (terms, _next(terms, now))
            try:
                self._fire(key, moment)
            except Exception:  # the trouble of one must not end the schedules of the others
                _LOG.exception("schedule of %s", key)


def check_terms(expression: object, zone: object, name: str = "schedule.quartz_cron_expression") -> None:
    """Raises BadRequest unless `expression` (the field `name`) is Quartz cron and `zone` a time zone."""
    if not isinstance(expression, str) or not isinstance(zone, str) or not expression or not zone:
        raise BadRequest(f"schedule needs {name.rpartition('.')[2]} and timezone_id.")
    try:
        parsed = cron.parse(expression)
    except cron.CronError as error:
        raise BadRequest(f"{name} is not valid: {error}") from error
    try:
        parsed.next_after(datetime.now(UTC), ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadRequest(f"schedule.timezone_id: there is no time zone {zone!r}") from error


def _next(terms: tuple[str, str], after: datetime) -> datetime | None:
    return cron.parse(terms[0]).next_after(after, ZoneInfo(terms[1]))
