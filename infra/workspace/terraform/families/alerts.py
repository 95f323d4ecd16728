"""SQL alerts (Alerts API v2)."""

from typing import Any

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Resource, resource
from infra.workspace.terraform.session import Api, Json, segment

ALERTS = "/api/2.0/alerts"
_SETTABLE = (
    "custom_description", "custom_summary", "display_name", "evaluation", "parent_path", "query_text", "run_as",
    "run_as_user_name", "schedule", "warehouse_id",
)  # fmt: skip
_ANSWERED = ("create_time", "effective_run_as", "lifecycle_state", "owner_user_name", "update_time")
_ANSWERED_INSIDE = ("state", "last_evaluated_at", "effective_notify_on_ok", "effective_retrigger_seconds")


@resource("databricks_alert_v2")
class Alert(Resource):
    def create(self, api: Api, new: State) -> str:
        return str(api.post(ALERTS, _body(new))["id"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        """Alerts may share a name: one that differs in anything that was asked for is another's."""
        wanted = _body(new)
        for each in api.pages(ALERTS, "alerts"):
            if _body(each) == wanted:
                return str(each["id"])
        return None

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{ALERTS}/{segment(known['id'])}")
        state = {name: answer.get(name) for name in (*_SETTABLE, *_ANSWERED)}
        notification = answer["evaluation"].get("notification")
        if notification:
            notification["effective_notify_on_ok"] = notification.get("notify_on_ok")
            notification["effective_retrigger_seconds"] = notification.get("retrigger_seconds")
        return state

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.call("PATCH", f"{ALERTS}/{segment(old['id'])}", query={"update_mask": ",".join(_SETTABLE)}, body=_body(new))
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{ALERTS}/{segment(old['id'])}")


def _body(state: State) -> Json:
    """What was configured, without what the API alone says."""
    return {name: _written(state[name]) for name in _SETTABLE if state.get(name) is not None}


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _written(each) for name, each in value.items() if each is not None and name not in _ANSWERED_INSIDE
        }
    return [_written(each) for each in value] if isinstance(value, list) else value
