"""Who is told of runs and alerts: recorded in an outbox, and really posted where the receiver is on this machine.

No mail leaves a laptop. The outbox is what a test or a person reads; a webhook to a loopback address is posted.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.workspace.control.clock import Clock
from infra.workspace.jobs.destinations import Destinations
from infra.workspace.store.database import Store

EVENTS = ("on_start", "on_success", "on_failure", "on_duration_warning_threshold_exceeded")
_POST_SECONDS = 5


@dataclass(frozen=True)
class Message:
    """What is told: `subject` is recorded in the outbox (`title`, `message`, `url`, …), `payload` is what is posted."""

    event: str
    subject: Mapping[str, Any]
    payload: Mapping[str, Any] = field(default_factory=dict)


class Notifications:
    """The one outbox of a workspace, and the notification destinations that messages go to."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.destinations = Destinations(store)
        store.schema(
            "notifications",
            "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, sent_ms INTEGER NOT NULL,"
            " job_id INTEGER NOT NULL, body TEXT NOT NULL);",
        )

    def notify(self, event: str, settings: Mapping[str, Any], subject: Mapping[str, Any]) -> None:
        """Tells all whom `settings` (a job's or a task's) name for the event of a run; `subject` says what happened.

        Keys of `subject`: `job_id`, `job_name`, `run_id`, `task_key` or None, `result`, `message`, `url`.
        """
        if _muted(event, settings, str(subject.get("result") or "")):
            return
        webhooks = settings.get("webhook_notifications", {}).get(event) or []
        self.send(
            Message(event, subject, _run_payload(event, subject)),
            settings.get("email_notifications", {}).get(event) or [],
            [str(webhook["id"]) for webhook in webhooks],
        )

    def send(self, message: Message, addresses: Iterable[str], destination_ids: Iterable[str] = ()) -> None:
        """Mails `message` to addresses, and posts it to notification destinations."""
        for address in addresses:
            self._record(message, {"channel": "EMAIL", "recipient": address, "delivery": "RECORDED"})
        for destination_id in destination_ids:
            self._call(message, destination_id)

    def outbox(self, job_id: int | None = None) -> list[dict[str, Any]]:
        """What was sent, the oldest first."""
        rows = self._store.rows(
            "SELECT id, sent_ms, body FROM outbox WHERE (?1 IS NULL OR job_id = ?1) ORDER BY id", (job_id,)
        )
        return [{"id": row["id"], "sent_time": row["sent_ms"], **json.loads(row["body"])} for row in rows]

    def require_known(self, settings: Mapping[str, Any]) -> None:
        """Raises BadRequest if webhooks of a job or one of its tasks name a destination that does not exist."""
        for holder in (settings, *settings.get("tasks", [])):
            for webhooks in holder.get("webhook_notifications", {}).values():
                self.destinations.require_known(webhook.get("id") for webhook in webhooks or [])

    def _record(self, message: Message, sending: Mapping[str, Any]) -> None:
        body = json.dumps({"event": message.event, **message.subject, **sending})
        with self._store.write() as tx:
            tx.execute(
                "INSERT INTO outbox (sent_ms, job_id, body) VALUES (?, ?, ?)",
                (self._clock.now_ms(), message.subject.get("job_id") or 0, body),
            )

    def _call(self, message: Message, destination_id: str) -> None:
        destination = self.destinations.find(destination_id)
        if destination is None:
            gone = "FAILED: no such notification destination"
            self._record(message, {"channel": "WEBHOOK", "recipient": destination_id, "delivery": gone})
            return
        config = next(iter(destination["config"].values()))
        url = str(config.get("url", ""))
        sending = {"channel": destination["destination_type"], "recipient": destination["display_name"]}
        if not _loopback(url):
            self._record(message, {**sending, "delivery": "RECORDED"})
            return
        threading.Thread(target=self._post, args=(url, message, sending), daemon=True).start()

    def _post(self, url: str, message: Message, sending: Mapping[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - _loopback has let http and https through only
            url, json.dumps(message.payload).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_POST_SECONDS) as answer:  # noqa: S310 - as above
                delivery = f"DELIVERED: {answer.status}"
        except (urllib.error.URLError, OSError) as error:
            delivery = f"FAILED: {error}"
        self._record(message, {**sending, "delivery": delivery})


def _run_payload(event: str, subject: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event_type": f"jobs.{event}",
        "workspace_url": str(subject.get("url", "")),
        "run": {"run_id": subject.get("run_id"), "task_key": subject.get("task_key")},
        "job": {"job_id": subject.get("job_id"), "name": subject.get("job_name")},
        "message": subject.get("message"),
    }


def _muted(event: str, settings: Mapping[str, Any], result: str) -> bool:
    muting = settings.get("notification_settings", {})
    skipped = result in ("EXCLUDED", "MAXIMUM_CONCURRENT_RUNS_REACHED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")
    no_skipped = muting.get("no_alert_for_skipped_runs") or settings.get("email_notifications", {}).get(
        "no_alert_for_skipped_runs"
    )
    return event == "on_failure" and bool(
        (skipped and no_skipped) or (result == "CANCELED" and muting.get("no_alert_for_canceled_runs"))
    )


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
