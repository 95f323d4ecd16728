"""Who is told of a run: recorded in an outbox, and really posted where the receiver is on this machine.

No mail leaves a laptop. The outbox is what a test or a person reads; a webhook to a loopback address is posted.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

EVENTS = ("on_start", "on_success", "on_failure", "on_duration_warning_threshold_exceeded")
_POST_SECONDS = 5
_TYPES = {
    "generic_webhook": "WEBHOOK",
    "slack": "SLACK",
    "microsoft_teams": "MICROSOFT_TEAMS",
    "pagerduty": "PAGERDUTY",
    "email": "EMAIL",
}
_SECRET_FIELDS = ("url", "password", "integration_key", "oauth_token", "auth_secret")


class Notifications:
    """The outbox and the notification destinations that webhooks name."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._destinations = Documents(store, "notification-destination")
        store.schema(
            "notifications",
            "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, sent_ms INTEGER NOT NULL,"
            " job_id INTEGER NOT NULL, body TEXT NOT NULL);",
        )

    def notify(self, event: str, settings: Mapping[str, Any], subject: Mapping[str, Any]) -> None:
        """Tells all whom `settings` (a job's or a task's) name for the event; `subject` says what happened.

        Keys of `subject`: `job_id`, `job_name`, `run_id`, `task_key` or None, `result`, `message`, `url`.
        """
        if _muted(event, settings, str(subject.get("result") or "")):
            return
        for address in settings.get("email_notifications", {}).get(event) or []:
            self._record(event, subject, {"channel": "EMAIL", "recipient": address, "delivery": "RECORDED"})
        for webhook in settings.get("webhook_notifications", {}).get(event) or []:
            self._call(event, subject, str(webhook["id"]))

    def outbox(self, job_id: int | None = None) -> list[dict[str, Any]]:
        """What was sent, the oldest first."""
        rows = self._store.rows(
            "SELECT id, sent_ms, body FROM outbox WHERE (?1 IS NULL OR job_id = ?1) ORDER BY id", (job_id,)
        )
        return [{"id": row["id"], "sent_time": row["sent_ms"], **json.loads(row["body"])} for row in rows]

    def create_destination(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        _admin_only(principal)
        destination = {**_destination(body), "id": str(uuid.uuid4())}
        self._destinations.put(destination["id"], destination)
        return _masked(destination)

    def get_destination(self, principal: Principal, destination_id: str) -> dict[str, Any]:
        return _masked(self._destination(destination_id))

    def list_destinations(self, principal: Principal) -> dict[str, Any]:
        shown = [
            {"id": item["id"], "display_name": item["display_name"], "destination_type": item["destination_type"]}
            for item in self._destinations.all()
        ]
        return {"results": shown}

    def update_destination(self, principal: Principal, destination_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        _admin_only(principal)
        current = self._destination(destination_id)
        changed = {**current, **_destination({**current, **body}), "id": destination_id}
        self._destinations.put(destination_id, changed)
        return _masked(changed)

    def delete_destination(self, principal: Principal, destination_id: str) -> dict[str, Any]:
        _admin_only(principal)
        self._destination(destination_id)
        self._destinations.delete(destination_id)
        return {}

    def require_known(self, settings: Mapping[str, Any]) -> None:
        """Raises BadRequest if webhooks of a job or one of its tasks name a destination that does not exist."""
        for holder in (settings, *settings.get("tasks", [])):
            for webhooks in holder.get("webhook_notifications", {}).values():
                for webhook in webhooks or []:
                    if self._destinations.get(webhook.get("id")) is None:
                        raise BadRequest(f"There is no notification destination {webhook.get('id')!r}.")

    def _destination(self, destination_id: str) -> dict[str, Any]:
        found = self._destinations.get(destination_id)
        if found is None:
            raise NotFound(f"Notification destination {destination_id} does not exist.")
        return found

    def _record(self, event: str, subject: Mapping[str, Any], sending: Mapping[str, Any]) -> None:
        body = json.dumps({"event": event, **subject, **sending})
        with self._store.write() as tx:
            tx.execute(
                "INSERT INTO outbox (sent_ms, job_id, body) VALUES (?, ?, ?)",
                (self._clock.now_ms(), subject.get("job_id") or 0, body),
            )

    def _call(self, event: str, subject: Mapping[str, Any], destination_id: str) -> None:
        destination = self._destinations.get(destination_id)
        sending = {"channel": "WEBHOOK", "recipient": destination_id}
        if destination is None:
            self._record(event, subject, {**sending, "delivery": "FAILED: no such notification destination"})
            return
        config = next(iter(destination["config"].values()))
        url = str(config.get("url", ""))
        sending = {"channel": destination["destination_type"], "recipient": destination["display_name"]}
        if not _loopback(url):
            self._record(event, subject, {**sending, "delivery": "RECORDED"})
            return
        thread = threading.Thread(target=self._post, args=(url, event, subject, sending), daemon=True)
        thread.start()

    def _post(self, url: str, event: str, subject: Mapping[str, Any], sending: Mapping[str, Any]) -> None:
        payload = {
            "event_type": f"jobs.{event}",
            "workspace_url": str(subject.get("url", "")),
            "run": {"run_id": subject.get("run_id"), "task_key": subject.get("task_key")},
            "job": {"job_id": subject.get("job_id"), "name": subject.get("job_name")},
            "message": subject.get("message"),
        }
        request = urllib.request.Request(  # noqa: S310 - _loopback has let http and https through only
            url, json.dumps(payload).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_POST_SECONDS) as answer:  # noqa: S310 - as above
                delivery = f"DELIVERED: {answer.status}"
        except (urllib.error.URLError, OSError) as error:
            delivery = f"FAILED: {error}"
        self._record(event, subject, {**sending, "delivery": delivery})


def _muted(event: str, settings: Mapping[str, Any], result: str) -> bool:
    muting = settings.get("notification_settings", {})
    skipped = result in ("EXCLUDED", "MAXIMUM_CONCURRENT_RUNS_REACHED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")
    no_skipped = muting.get("no_alert_for_skipped_runs") or settings.get("email_notifications", {}).get(
        "no_alert_for_skipped_runs"
    )
    return event == "on_failure" and bool(
        (skipped and no_skipped) or (result == "CANCELED" and muting.get("no_alert_for_canceled_runs"))
    )


def _destination(body: Mapping[str, Any]) -> dict[str, Any]:
    name, config = body.get("display_name"), body.get("config")
    if not isinstance(name, str) or not name:
        raise BadRequest("a notification destination needs a display_name")
    if not isinstance(config, dict) or len(config) != 1 or next(iter(config)) not in _TYPES:
        raise BadRequest(f"a notification destination needs exactly one config of {', '.join(_TYPES)}")
    return {"display_name": name, "config": config, "destination_type": _TYPES[next(iter(config))]}


def _masked(destination: Mapping[str, Any]) -> dict[str, Any]:
    """As it is shown: that a secret is set, never the secret."""
    kind, config = next(iter(destination["config"].items()))
    shown = {key: value for key, value in config.items() if key not in _SECRET_FIELDS}
    shown.update({f"{key}_set": True for key in _SECRET_FIELDS if config.get(key)})
    return {**destination, "config": {kind: shown}}


def _loopback(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _admin_only(principal: Principal) -> None:
    if not principal.admin:
        raise PermissionDenied("Only workspace admins may change notification destinations.")
