"""What an alert's settings must be, and what an update with a field mask makes of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from infra.workspace.compute.messages import parse
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.jobs.schedules import check_terms

Settings = dict[str, Any]
Body = Mapping[str, Any]

_ANSWERED_ONLY = ("id", "create_time", "update_time", "effective_run_as", "lifecycle_state", "owner_user_name")
_NEEDED = ("display_name", "query_text", "warehouse_id", "evaluation", "schedule")
_WITHOUT_THRESHOLD = ("IS_NULL", "IS_NOT_NULL")
_VALUES = ("double_value", "string_value", "bool_value")


def new_settings(body: object) -> Settings:
    """The settings of a new alert; raises BadRequest or MalformedRequest."""
    settings = _known(body)
    check(settings)
    return settings


def changed_settings(current: Settings, body: object, update_mask: str) -> Settings:
    """The settings with the masked fields as the body has them; a masked field that it lacks is taken away.

    The folder of an alert is fixed: the mask may name it, but not with another value.
    """
    sent = _known(body)
    fields = [field.strip() for field in update_mask.split(",") if field.strip()]
    if not fields:
        raise BadRequest("update_mask is required: the fields to change, separated by commas")
    if sent.get("parent_path", current.get("parent_path")) != current.get("parent_path"):
        raise BadRequest("parent_path of an alert can only be set when it is created")
    changed = copy.deepcopy(current)
    if fields == ["*"]:
        fields = sorted({*current, *sent})
    for field in fields:
        if field not in ("parent_path", *_ANSWERED_ONLY):
            _put(changed, sent, field)
    check(changed)
    return changed


def check(settings: Body) -> None:
    """Raises BadRequest for settings that no alert can have."""
    if missing := [name for name in _NEEDED if not settings.get(name)]:
        raise BadRequest(f"{missing[0]} of an alert is required")
    schedule = settings["schedule"]
    check_terms(schedule.get("quartz_cron_schedule"), schedule.get("timezone_id"), "schedule.quartz_cron_schedule")
    if settings.get("run_as") and len(settings["run_as"]) != 1:
        raise BadRequest("run_as needs either user_name or service_principal_name")
    names = [parameter.get("name") for parameter in settings.get("parameters", [])]
    if len(set(names)) < len(names) or not all(names):
        raise BadRequest("parameters: each needs a name of its own")
    _check_evaluation(settings["evaluation"])


def _check_evaluation(evaluation: Body) -> None:
    if not evaluation.get("source", {}).get("name"):
        raise BadRequest("evaluation.source.name is required: the result's column that is looked at")
    operator = evaluation.get("comparison_operator")
    if not operator:
        raise BadRequest("evaluation.comparison_operator is required")
    threshold = evaluation.get("threshold", {})
    if operator in _WITHOUT_THRESHOLD:
        if threshold:
            raise BadRequest(f"evaluation.threshold: {operator} takes none")
    else:
        _check_threshold(threshold)
    notification = evaluation.get("notification", {})
    if notification.get("retrigger_seconds", 0) < 0:
        raise BadRequest("evaluation.notification.retrigger_seconds must not be negative")
    for subscription in notification.get("subscriptions", []):
        if len([name for name in ("user_email", "destination_id") if subscription.get(name)]) != 1:
            raise BadRequest("evaluation.notification.subscriptions: each needs either user_email or destination_id")


def _check_threshold(threshold: Body) -> None:
    value, column = threshold.get("value"), threshold.get("column")
    if (value is None) == (column is None):
        raise BadRequest("evaluation.threshold needs either value or column")
    if value is not None and len([name for name in _VALUES if name in value]) != 1:
        raise BadRequest(f"evaluation.threshold.value needs exactly one of {', '.join(_VALUES)}")
    if column is not None and not column.get("name"):
        raise BadRequest("evaluation.threshold.column needs a name")


def _known(body: object) -> Settings:
    """The fields that callers set; what is answered only may come along, from a client that sends back what it got."""
    settings = {key: value for key, value in parse("sql.AlertV2", body).items() if key not in _ANSWERED_ONLY}
    if "evaluation" in settings:
        told = ("state", "last_evaluated_at")
        settings["evaluation"] = {key: each for key, each in settings["evaluation"].items() if key not in told}
    return settings


def _put(settings: Settings, sent: Body, path: str) -> None:
    """Copies one dotted field."""
    *above, name = path.split(".")
    target, source = settings, sent
    for part in above:
        target = target.setdefault(part, {})
        source = source.get(part) or {}
        if not isinstance(target, dict) or not isinstance(source, Mapping):
            raise BadRequest(f"update_mask: '{path}' is no field of an alert")
    if name in source:
        target[name] = copy.deepcopy(source[name])
    else:
        target.pop(name, None)
