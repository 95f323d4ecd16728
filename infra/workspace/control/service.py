"""What only a local workspace has: a clock that can be advanced, and faults on request. Admins only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.control.faults import Faults
from infra.workspace.gateway.errors import BadRequest, PermissionDenied
from infra.workspace.identity.principal import Principal


class ControlService:
    """Control of one workspace, for tests and rehearsals."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults

    def get_clock(self, principal: Principal) -> dict[str, Any]:
        return {"now": self._clock.now().isoformat(), "now_ms": self._clock.now_ms()}

    def advance_clock(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Moves the clock forward, by `advance_seconds` or to `now`; schedules that come due fire before the answer."""
        _admin_only(principal)
        if len(body.keys() & {"advance_seconds", "now"}) != 1:
            raise BadRequest("the clock needs either advance_seconds or now (ISO 8601)")
        try:
            if "now" in body:
                moment = datetime.fromisoformat(str(body["now"]))
                by = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - self._clock.now()
            else:
                by = timedelta(seconds=float(body["advance_seconds"]))
            self._clock.advance(by)
        except (ValueError, OverflowError) as error:
            raise BadRequest(f"the clock cannot be set so: {error}") from error
        return self.get_clock(principal)

    def list_faults(self, principal: Principal) -> dict[str, Any]:
        _admin_only(principal)
        return {"faults": self._faults.armed()}

    def arm_fault(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        _admin_only(principal)
        return self._faults.arm(body)

    def clear_faults(self, principal: Principal) -> dict[str, Any]:
        _admin_only(principal)
        self._faults.clear()
        return {}


def _admin_only(principal: Principal) -> None:
    if not principal.admin:
        raise PermissionDenied("Only workspace admins may control the local workspace.")
