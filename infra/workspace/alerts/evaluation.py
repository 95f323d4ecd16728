"""Evaluates alerts: runs their queries, keeps their states, and tells subscribers when Databricks would."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from typing import Any

from infra.workspace.alerts import templates
from infra.workspace.alerts.conditions import Finding, Result, Unanswerable, judge
from infra.workspace.alerts.records import Alert, AlertRecords, moment
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import ApiError
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.notifications import Message, Notifications
from infra.workspace.sql.statements import StatementBook

_LOG = logging.getLogger(__name__)
_WORKERS = 2


class Evaluator:
    """Works off requested evaluations, one at a time for an alert; one asked for twice while it waits is done once."""

    def __init__(
        self,
        records: AlertRecords,
        clock: Clock,
        identity: IdentityService,
        statements: StatementBook,
        notifications: Notifications,
        url: str,
    ) -> None:
        self._records = records
        self._clock = clock
        self._identity = identity
        self._statements = statements
        self._notifications = notifications
        self._url = url
        self._requests: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._running: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        for number in range(_WORKERS):
            threading.Thread(target=self._work, name=f"alerts-{number}", daemon=True).start()

    def stop(self) -> None:
        """An evaluation that is under way ends without a trace: the next one will tell."""
        self._stopping = True
        for _ in range(_WORKERS):
            self._requests.put(None)

    def request(self, alert_id: str) -> None:
        with self._lock:
            if alert_id in self._waiting:
                return
            self._waiting.add(alert_id)
            if alert_id not in self._running:  # else whoever evaluates it now puts it back
                self._requests.put(alert_id)

    def _work(self) -> None:
        while (alert_id := self._requests.get()) is not None and not self._stopping:
            with self._lock:
                self._waiting.discard(alert_id)
                self._running.add(alert_id)
            try:
                self._evaluate(alert_id)
            except Exception:  # one alert's trouble must not end the evaluation of the others
                _LOG.exception("alert %s", alert_id)
            finally:
                self._records.close()
            with self._lock:
                self._running.discard(alert_id)
                if alert_id in self._waiting:
                    self._requests.put(alert_id)

    def _evaluate(self, alert_id: str) -> None:
        alert = self._records.get(alert_id)
        if alert is None or alert.trashed:
            return
        result, message = Result((), ()), ""
        try:
            result = self._query(alert)
            finding = judge(alert.settings["evaluation"], result)
        except (ApiError, Unanswerable) as error:
            finding, message = Finding("ERROR"), str(error)
        except Exception as error:
            _LOG.exception("alert %s", alert_id)
            finding = Finding("ERROR")
            message = f"the evaluation failed inside the local workspace: {type(error).__name__}"
        if self._stopping:
            return
        now = self._clock.now_ms()
        before = alert.state
        changes: dict[str, Any] = {"state": finding.state, "evaluated_ms": now, "message": message}
        told = _tells(alert, finding.state, now)
        if told:
            changes["notified_ms"] = now
        kept = self._records.amend(alert_id, value=finding.value, threshold=finding.threshold, **changes)
        if kept is not None and told:
            self._tell(kept, before, finding, result, message)

    def _query(self, alert: Alert) -> Result:
        principal = self._identity.find(alert.run_as)
        settings = alert.settings
        parameters = settings.get("parameters", [])
        columns, rows = self._statements.query(principal, settings["warehouse_id"], settings["query_text"], parameters)
        return Result(columns, rows)

    def _tell(self, alert: Alert, before: str, finding: Finding, result: Result, message: str) -> None:
        settings = alert.settings
        address = f"{self._url}/#alert-{alert.id}"  # the home page lists alerts
        variables = _variables(alert, finding, result, address)
        summary = _rendered(alert, "custom_summary", variables) or templates.render(
            templates.DEFAULT_SUMMARY, variables
        )
        text = message or _rendered(alert, "custom_description", variables)
        subject = {
            "title": summary,
            "message": text,
            "url": address,
            "alert_id": alert.id,
            "alert_name": settings["display_name"],
            "result": finding.state,
            "previous": before,
        }
        subscriptions = settings["evaluation"].get("notification", {}).get("subscriptions", [])
        self._notifications.send(
            Message("alert_state_change", subject, self._payload(alert, summary, text, finding)),
            [each["user_email"] for each in subscriptions if each.get("user_email")],
            [each["destination_id"] for each in subscriptions if each.get("destination_id")],
        )

    def _payload(self, alert: Alert, title: str, description: str, finding: Finding) -> dict[str, Any]:
        """What a webhook gets, in the documented form (SQL alert webhook payload)."""
        settings, evaluation = alert.settings, alert.settings["evaluation"]
        told = {
            "id": alert.id,
            "name": settings["display_name"],
            "owner": {"name": alert.owner, "email": alert.owner},
            "created_at": alert.created_ms,
            "query_text": settings["query_text"],
            "warehouse_id": settings["warehouse_id"],
            "custom_summary": settings.get("custom_summary"),
            "custom_description": settings.get("custom_description"),
            "evaluations": [
                {
                    "source": evaluation["source"],
                    "comparison_operator": evaluation["comparison_operator"],
                    "threshold": evaluation.get("threshold"),
                    "state": finding.state,
                    "value": None if finding.value is None else str(finding.value),
                    "evaluated_at": moment(alert.evaluated_ms),
                }
            ],
        }
        shown = {name: value for name, value in told.items() if value is not None}
        content = {"title": title, "description": description, "alert": shown}
        return {"event": "alert_state_change", "url_base": f"{self._url}/sql", "alert": content}


def _tells(alert: Alert, state: str, now_ms: int) -> bool:
    """Whether subscribers hear of an evaluation with this outcome.

    Of the first TRIGGERED, then again after retrigger_seconds (0: never again); of the first ERROR; of OK after either,
    where the alert wants it.
    """
    notification: Mapping[str, Any] = alert.settings["evaluation"].get("notification", {})
    if state == "TRIGGERED" and alert.state == "TRIGGERED":
        seconds = notification.get("retrigger_seconds") or 0
        return seconds > 0 and now_ms - alert.notified_ms >= seconds * 1000
    if state == "OK":
        return alert.state in ("TRIGGERED", "ERROR") and bool(notification.get("notify_on_ok"))
    return state in ("TRIGGERED", "ERROR") and alert.state != state


def _rendered(alert: Alert, name: str, variables: Mapping[str, Any]) -> str:
    return templates.render(alert.settings.get(name) or "", variables, alert.settings.get("custom_template_format"))


def _variables(alert: Alert, finding: Finding, result: Result, address: str) -> dict[str, Any]:
    evaluation = alert.settings["evaluation"]
    names = [str(column["name"]) for column in result.columns]
    column = evaluation.get("threshold", {}).get("column")
    return {
        "ALERT_STATUS": finding.state,
        "ALERT_CONDITION": evaluation["comparison_operator"],
        "ALERT_THRESHOLD": column["name"] if column and finding.threshold is None else finding.threshold,
        "ALERT_COLUMN": evaluation["source"]["name"],
        "ALERT_NAME": alert.settings["display_name"],
        "ALERT_URL": address,
        "QUERY_RESULT_VALUE": finding.value,
        "QUERY_RESULT_TABLE": templates.table(result.columns, result.rows),
        "QUERY_RESULT_ROWS": [dict(zip(names, row, strict=True)) for row in result.rows],
        "QUERY_RESULT_COLS": names,
    }
