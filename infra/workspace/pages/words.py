"""Values as people read them: moments, durations, states, cron expressions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.workspace.gateway.errors import NotFound
from infra.workspace.identity.service import IdentityService


def moment(milliseconds: int | None) -> str:
    """A time in UTC; a dash where there is none."""
    if not milliseconds:
        return "–"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def instant(text: str) -> str:
    """A time that an API tells as text (ISO 8601, UTC), to the second."""
    return text[:19].replace("T", " ")


def duration(milliseconds: int | None) -> str:
    if not milliseconds:
        return "–"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def state_of(run: Mapping[str, Any]) -> str:
    """The result of a run or task that ended, else where it is in its life."""
    state = run.get("state", {})
    return str(state.get("result_state") or state.get("life_cycle_state") or "")


def pinned_to(job_settings: Mapping[str, Any]) -> str:
    """The branch, tag or commit from which a job's code comes."""
    source = job_settings.get("git_source", {})
    for kind in ("git_branch", "git_tag", "git_commit"):
        if source.get(kind):
            return f"{kind.removeprefix('git_')} {source[kind]}"
    return "–"


def schedule_of(job_settings: Mapping[str, Any]) -> tuple[str, str]:
    """The cron expression with its time zone, and whether it is paused."""
    schedule = job_settings.get("schedule")
    if not schedule:
        return "by hand", ""
    return f"{schedule['quartz_cron_expression']} {schedule['timezone_id']}", schedule.get("pause_status", "UNPAUSED")


class Words:
    """The functions of this module for templates, and principals' names."""

    moment = staticmethod(moment)
    instant = staticmethod(instant)
    duration = staticmethod(duration)
    state_of = staticmethod(state_of)
    pinned_to = staticmethod(pinned_to)
    schedule_of = staticmethod(schedule_of)

    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    def who(self, name: str) -> str:
        """The display name of a user or service principal; the name itself where it is nobody's (any more)."""
        try:
            return self._identity.find(name).display_name or name
        except NotFound:
            return name
