"""What is kept of alerts: settings, state and when subscribers were last told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

_TRASH_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Alert:
    """One alert. `run_as` is the principal whose rights its query has; times in milliseconds since 1970.

    `message`, `value` and `threshold` are those of the last evaluation; `trashed_ms` is set while it is in the trash.
    """

    id: str
    owner: str
    run_as: str
    settings: dict[str, Any]
    created_ms: int
    updated_ms: int
    state: str = "UNKNOWN"
    evaluated_ms: int = 0
    notified_ms: int = 0
    message: str = ""
    value: Any = None
    threshold: Any = None
    trashed_ms: int = 0

    @property
    def trashed(self) -> bool:
        return self.trashed_ms > 0


class AlertRecords:
    """Alerts by id, the oldest first, kept over a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents = Documents(store, "alert-v2")

    def get(self, alert_id: str) -> Alert | None:
        found = self._documents.get(alert_id)
        return None if found is None else Alert(**found)

    def all(self) -> Iterator[Alert]:
        """Those that are not in the trash."""
        for document in self._documents.all():
            alert = Alert(**document)
            if not alert.trashed:
                yield alert

    def put(self, alert: Alert) -> None:
        self._documents.put(alert.id, asdict(alert))

    def amend(self, alert_id: str, **changes: Any) -> Alert | None:
        """Changes fields of an alert; the alert as it is then, None where it is gone or in the trash."""
        with self._store.write():
            alert = self.get(alert_id)
            if alert is None or alert.trashed:
                return None
            changed = replace(alert, **changes)
            self.put(changed)
            return changed

    def remove(self, alert_id: str) -> None:
        self._documents.delete(alert_id)

    def outlived(self, now_ms: int) -> list[str]:
        """The ids of those whose thirty days in the trash are over."""
        found = (Alert(**document) for document in self._documents.all())
        return [alert.id for alert in found if alert.trashed and alert.trashed_ms + _TRASH_MS < now_ms]

    def close(self) -> None:
        """Closes this thread's connection."""
        self._store.close()


def moment(milliseconds: int) -> str:
    """A time as the API tells it (RFC 3339, UTC)."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
