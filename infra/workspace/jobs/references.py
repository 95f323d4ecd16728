"""Dynamic value references: what `{{job.run_id}}` and the like stand for when a task starts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_OLD_NAMES = {  # documented by Databricks as deprecated, still resolved
    "job_id": "job.id",
    "run_id": "task.run_id",
    "parent_run_id": "job.run_id",
    "start_date": "job.start_time.iso_date",
    "start_time": "job.start_time.timestamp_ms",
    "task_retry_count": "task.execution_count",
    "task_key": "task.name",
}


class UnknownReference(ValueError):
    """A reference that names nothing; the message holds it."""


@dataclass(frozen=True)
class Names:
    """What references of one task run may name. Times in milliseconds since 1970."""

    job_id: int
    job_name: str
    run_id: int
    start_ms: int
    trigger: str
    repaired: int
    parameters: Mapping[str, str]
    task_key: str
    task_run_id: int
    attempt: int
    workspace_id: int
    workspace_url: str
    git_commit: str = ""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    item: Any = None


def resolve(value: Any, names: Names) -> Any:
    """`value` with every reference in its strings replaced; raises UnknownReference for one that names nothing."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _text(_look_up(found[1], names)), value)
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, names) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _look_up(reference: str, names: Names) -> Any:
    path = _OLD_NAMES.get(reference, reference)
    simple: dict[str, Any] = {
        "job.id": names.job_id,
        "job.name": names.job_name,
        "job.run_id": names.run_id,
        "job.repair_count": names.repaired,
        "job.trigger.type": names.trigger,
        "task.name": names.task_key,
        "task.run_id": names.task_run_id,
        "task.execution_count": names.attempt + 1,
        "workspace.id": names.workspace_id,
        "workspace.url": names.workspace_url,
    }
    if path in simple:
        return simple[path]
    head, _, rest = path.partition(".")
    if path.startswith("job.parameters."):
        return _member(names.parameters, path.removeprefix("job.parameters."), reference)
    if path.startswith("job.start_time."):
        return _moment(names.start_ms, path.removeprefix("job.start_time."), reference)
    if path.startswith("job.git.") and path.endswith("commit"):
        return names.git_commit
    if head == "tasks" and "." in rest:
        key, _, what = rest.partition(".")
        if what.startswith("values."):
            return _member(names.values.get(key, {}), what.removeprefix("values."), reference)
        if what == "result_state":
            return _result(_member(names.results, key, reference))
    if head == "input":
        return _item(names.item, rest, reference)
    raise UnknownReference(f"the reference {{{{{reference}}}}} names nothing that the task could know")


def _member(members: Mapping[str, Any], key: str, reference: str) -> Any:
    if key not in members:
        raise UnknownReference(f"the reference {{{{{reference}}}}} has no value: {key!r} is not set")
    return members[key]


def _moment(milliseconds: int, part: str, reference: str) -> Any:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    parts: dict[str, Any] = {
        "timestamp_ms": milliseconds,
        "iso_date": moment.date().isoformat(),
        "iso_datetime": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        "iso_weekday": moment.isoweekday(),
        "is_weekday": str(moment.isoweekday() < 6).lower(),
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
    }
    return _member(parts, part, reference)


def _item(item: Any, path: str, reference: str) -> Any:
    for key in path.split(".") if path else []:
        item = _member(item if isinstance(item, Mapping) else {}, key, reference)
    return item


def _result(state: str) -> str:
    """References spell result states in lower case, and a timeout with the letters of its own."""
    return {"TIMEDOUT": "timedout", "UPSTREAM_FAILED": "upstream_failed"}.get(state, state.lower())
