"""Alerts through databricks-sdk: evaluated by real SQL on the workspace's clock, told in its outbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service import iam, settings, sql
from databricks.sdk.service.sql import AlertEvaluationState, AlertV2

from infra.workspace import launch
from tests.support.watched import Watched, eventually

OK, TRIGGERED, ERROR = AlertEvaluationState.OK, AlertEvaluationState.TRIGGERED, AlertEvaluationState.ERROR
MAIL = "mlops@example.com"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    data_dir = tmp_path_factory.mktemp("alerts")
    yield Watched(launch.start(data_dir, port=0))
    launch.stop(data_dir)


@pytest.fixture(scope="module")
def warehouse(watched: Watched) -> str:
    made = watched.client.warehouses.create(name="alerts", cluster_size="2X-Small", max_num_clusters=1).result()
    return made.id or ""


def alert(warehouse: str, query: str = "SELECT 3 AS firing", name: str = "drift", **notification: Any) -> AlertV2:
    """Wakes at six every day; TRIGGERED where `firing` is above 2."""
    mail = [sql.AlertV2Subscription(user_email=MAIL)]
    return AlertV2(
        display_name=name,
        query_text=query,
        warehouse_id=warehouse,
        evaluation=sql.AlertV2Evaluation(
            source=sql.AlertV2OperandColumn("firing"),
            comparison_operator=sql.ComparisonOperator.GREATER_THAN,
            threshold=sql.AlertV2Operand(value=sql.AlertV2OperandValue(double_value=2)),
            notification=sql.AlertV2Notification(**{"subscriptions": mail, **notification}),
        ),
        schedule=sql.CronSchedule("0 0 6 * * ?", "Europe/Prague"),
    )


def after_a_day(watched: Watched, alert_id: str) -> AlertEvaluationState | None:
    """The state that the next evaluation gives."""
    before = watched.client.alerts_v2.get_alert(alert_id).evaluation.last_evaluated_at
    watched.advance(days=1)

    def look() -> AlertV2 | None:
        found = watched.client.alerts_v2.get_alert(alert_id)
        return found if found.evaluation.last_evaluated_at != before else None

    return eventually(look).evaluation.state


def ask(watched: Watched, alert_id: str, query: str) -> None:
    changed = watched.client.alerts_v2.get_alert(alert_id)
    changed.query_text = query
    watched.client.alerts_v2.update_alert(alert_id, changed, "query_text")


def told(watched: Watched, alert_id: str) -> list[str]:
    return [each["result"] for each in watched.outbox() if each.get("alert_id") == alert_id]


@pytest.fixture
def made(watched: Watched, warehouse: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An alert of the test's own, which hears of OK too."""
    found = watched.client.alerts_v2.create_alert(alert(warehouse, name=request.node.name, notify_on_ok=True))
    yield found.id or ""
    watched.client.alerts_v2.trash_alert(found.id or "", purge=True)


def test_subscribers_hear_of_changes_once(watched: Watched, made: str) -> None:
    assert after_a_day(watched, made) is TRIGGERED
    assert after_a_day(watched, made) is TRIGGERED
    ask(watched, made, "SELECT 1 AS firing")
    assert after_a_day(watched, made) is OK
    assert after_a_day(watched, made) is OK
    assert told(watched, made) == ["TRIGGERED", "OK"]


def test_a_query_that_fails_is_an_error_that_is_told_once(watched: Watched, made: str) -> None:
    ask(watched, made, "SELECT * FROM dev.hrob.nowhere")
    assert [after_a_day(watched, made) for _ in range(3)] == [ERROR] * 3
    ask(watched, made, "SELECT 3 AS other")
    assert after_a_day(watched, made) is ERROR
    assert told(watched, made) == ["ERROR"]
    [mail] = [each for each in watched.outbox() if each.get("alert_id") == made]
    assert "nowhere" in mail["message"]
    ask(watched, made, "SELECT 3 AS firing")
    assert after_a_day(watched, made) is TRIGGERED
    assert told(watched, made) == ["ERROR", "TRIGGERED"]


def test_one_that_stays_triggered_is_told_again_after_retrigger_seconds(watched: Watched, warehouse: str) -> None:
    alerts = watched.client.alerts_v2
    made = alerts.create_alert(alert(warehouse, retrigger_seconds=36 * 3600)).id or ""
    assert [after_a_day(watched, made) for _ in range(4)] == [TRIGGERED] * 4
    assert told(watched, made) == ["TRIGGERED"] * 2
    paused = alerts.get_alert(made)
    paused.schedule.pause_status = sql.SchedulePauseStatus.PAUSED
    evaluated = alerts.update_alert(made, paused, "schedule.pause_status").evaluation.last_evaluated_at
    watched.advance(days=5)
    assert alerts.get_alert(made).evaluation.last_evaluated_at == evaluated
    alerts.trash_alert(made, purge=True)


def test_days_that_pass_quickly_are_evaluated_to_the_last(watched: Watched, warehouse: str) -> None:
    alerts = watched.client.alerts_v2
    made = alerts.create_alert(alert(warehouse, retrigger_seconds=1)).id or ""
    for _ in range(5):
        watched.advance(days=1)
    today = watched.running.call("GET", "/api/2.0/local/clock")["now"][:10]
    eventually(lambda: (alerts.get_alert(made).evaluation.last_evaluated_at or "").startswith(today))
    assert 1 <= len(told(watched, made)) <= 5
    alerts.trash_alert(made, purge=True)


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()


def test_templates_and_a_webhook_on_this_machine(watched: Watched, warehouse: str) -> None:
    client = watched.client
    with receiver() as (url, received):
        config = settings.Config(generic_webhook=settings.GenericWebhookConfig(url=url, username="u", password="p"))
        hook = client.notification_destinations.create(display_name="hook", config=config)
        wanted = alert(warehouse, subscriptions=[sql.AlertV2Subscription(destination_id=hook.id)])
        wanted.custom_summary = "{{ALERT_NAME}} {{ALERT_STATUS}}"
        wanted.custom_description = "{{ALERT_COLUMN}} {{QUERY_RESULT_VALUE}} {{ALERT_CONDITION}} {{ALERT_THRESHOLD}}"
        made = client.alerts_v2.create_alert(wanted).id or ""
        assert after_a_day(watched, made) is TRIGGERED
        [posted] = eventually(lambda: received)
        [kept] = eventually(lambda: [each for each in watched.outbox() if each.get("alert_id") == made])
    assert posted["event"] == "alert_state_change"
    assert posted["alert"]["title"] == kept["title"] == "drift TRIGGERED"
    assert posted["alert"]["description"] == "firing 3 GREATER_THAN 2"
    assert posted["alert"]["alert"]["evaluations"][0]["state"] == "TRIGGERED"
    assert (kept["channel"], kept["recipient"], kept["delivery"]) == ("WEBHOOK", "hook", "DELIVERED: 204")
    client.alerts_v2.trash_alert(made, purge=True)
    client.notification_destinations.delete(hook.id or "")


def test_an_alerts_life(watched: Watched, warehouse: str) -> None:
    alerts = watched.client.alerts_v2
    first, second = (alerts.create_alert(alert(warehouse, name=name)) for name in ("one", "two"))
    assert first.effective_run_as == sql.AlertV2RunAs(user_name="admin@localhost")
    assert (first.run_as, first.evaluation.state) == (None, AlertEvaluationState.UNKNOWN)
    assert alerts.get_alert(first.id or "") == first
    assert [each.id for each in alerts.list_alerts(page_size=1)] == [first.id, second.id]
    first.display_name, first.query_text = "renamed", "SELECT 0 AS firing"
    changed = alerts.update_alert(first.id or "", first, "display_name")
    assert (changed.display_name, changed.query_text) == ("renamed", "SELECT 3 AS firing")
    first.parent_path = "/Shared"
    with pytest.raises(BadRequest, match="parent_path of an alert can only be set when it is created"):
        alerts.update_alert(first.id or "", first, "parent_path")
    alerts.trash_alert(first.id or "")
    assert [each.id for each in alerts.list_alerts()] == [second.id]
    assert alerts.get_alert(first.id or "").lifecycle_state is sql.AlertLifecycleState.DELETED
    with pytest.raises(NotFound, match="is in the trash"):
        alerts.update_alert(first.id or "", second, "*")
    watched.advance(days=31)
    with pytest.raises(NotFound, match="does not exist"):
        alerts.get_alert(first.id or "")
    alerts.trash_alert(second.id or "", purge=True)
    with pytest.raises(NotFound, match="does not exist"):
        alerts.get_alert(second.id or "")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"query_text": ""}, "query_text of an alert is required"),
        ({"warehouse_id": "none"}, "SQL warehouse none does not exist"),
        ({"parent_path": "/Shared/nowhere"}, "/Shared/nowhere"),
        ({"schedule": {"quartz_cron_schedule": "daily", "timezone_id": "UTC"}}, "quartz_cron_schedule is not valid"),
        ({"run_as": {"user_name": "nobody@example.com"}}, "there is no principal 'nobody@example.com'"),
        ({"evaluation.threshold": {"value": {"double_value": 1, "bool_value": True}}}, "exactly one of double_value"),
        ({"evaluation.threshold": None}, "threshold needs either value or column"),
        ({"evaluation.source": {}}, "evaluation.source.name is required"),
        ({"evaluation.notification": {"subscriptions": [{}]}}, "either user_email or destination_id"),
        ({"evaluation.notification": {"subscriptions": [{"destination_id": "x"}]}}, "no notification destination 'x'"),
    ],
)
def test_what_no_alert_can_have_is_refused_by_name(
    watched: Watched, warehouse: str, change: dict[str, Any], complaint: str
) -> None:
    body = alert(warehouse).as_dict()
    for name, value in change.items():
        above, _, last = name.rpartition(".")
        (body[above] if above else body)[last] = value
    with pytest.raises(launch.LaunchError, match=complaint):
        watched.running.call("POST", "/api/2.0/alerts", json=body)


def test_who_may_do_what_and_as_whom_it_runs(watched: Watched, warehouse: str, made: str) -> None:
    """An alert of another principal runs with that one's rights, and is its own until permissions say otherwise."""
    name = watched.client.service_principals.create(display_name="analyst").application_id or ""
    analyst = watched.as_service_principal("analyst")
    with pytest.raises(PermissionDenied, match="CAN_VIEW"):
        analyst.alerts_v2.create_alert(alert(warehouse))
    with pytest.raises(PermissionDenied, match="CAN_READ"):
        analyst.alerts_v2.get_alert(made)
    assert list(analyst.alerts_v2.list_alerts()) == []
    for kind, of, level in (
        ("sql/warehouses", warehouse, iam.PermissionLevel.CAN_USE),
        ("alertsv2", made, iam.PermissionLevel.CAN_READ),
    ):
        entry = iam.AccessControlRequest(service_principal_name=name, permission_level=level)
        watched.client.permissions.update(kind, of, access_control_list=[entry])
    assert analyst.alerts_v2.get_alert(made).id == made
    with pytest.raises(PermissionDenied, match="CAN_EDIT"):
        ask_as = analyst.alerts_v2.get_alert(made)
        analyst.alerts_v2.update_alert(made, ask_as, "query_text")
    wanted = alert(warehouse)
    wanted.run_as = sql.AlertV2RunAs(user_name="admin@localhost")
    with pytest.raises(PermissionDenied, match="may not have alerts run as admin@localhost"):
        analyst.alerts_v2.create_alert(wanted)
    watched.client.catalogs.create("dev")
    watched.client.schemas.create("hrob", "dev")
    watched.table("dev.hrob.births", {"firing": "int"})
    wanted.query_text = "SELECT * FROM dev.hrob.births"
    wanted.run_as = sql.AlertV2RunAs(service_principal_name=name)
    own = watched.client.alerts_v2.create_alert(wanted)
    assert own.effective_run_as == own.run_as == sql.AlertV2RunAs(service_principal_name=name)
    assert after_a_day(watched, own.id or "") is ERROR
    [mail] = [each for each in watched.outbox() if each.get("alert_id") == own.id]
    assert "User does not have USE CATALOG on Catalog 'dev'" in mail["message"]
    watched.client.alerts_v2.trash_alert(own.id or "", purge=True)
