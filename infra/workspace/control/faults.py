"""Faults on request: the workspace fails a call on purpose, so that clients' recovery can be watched."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from infra.workspace.gateway.errors import BadRequest

_OWN = "/api/2.0/local/"


@dataclass
class Fault:
    """The next `times` calls that match fail with `status`, or, with status 0, are served `delay_seconds` late.

    `path` may hold `*`. `after` lets a call do its work first: only its answer is lost, or late. `served` and `held`
    count the calls that it has met, and those that have done their work and whose answers are late just now.
    """

    id: int
    method: str
    path: str
    status: int = 503
    times: int = 1
    delay_seconds: float = 0.0
    after: bool = False
    error_code: str = "TEMPORARILY_UNAVAILABLE"
    served: int = 0
    held: int = 0


class Faults:
    """The faults that are armed, in memory: a restart clears them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._last = 0

    def arm(self, body: Mapping[str, Any]) -> dict[str, Any]:
        known = set(Fault.__dataclass_fields__) - {"id", "served", "held"}
        if unknown := set(body) - known:
            raise BadRequest(f"a fault has no {sorted(unknown)[0]!r}; it has {', '.join(sorted(known))}")
        if not body.get("path"):
            raise BadRequest("a fault needs a path, such as /api/2.1/jobs/create")
        with self._lock:
            self._last += 1
            fault = Fault(**{"method": "*", **body, "id": self._last})
            if not (fault.status == 0 or 400 <= fault.status <= 599) or fault.times < 1 or fault.delay_seconds < 0:
                raise BadRequest("status is 0 or 400 to 599, times at least 1, delay_seconds not negative")
            self._armed.append(fault)
        return asdict(fault)

    def armed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._armed]

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that a call meets, used up by one."""
        with self._lock:
            for fault in self._armed:
                if fnmatchcase(path, fault.path) and fault.method in ("*", method):
                    fault.times -= 1
                    fault.served += 1
                    if not fault.times:
                        self._armed.remove(fault)
                    return fault
        return None


class FaultInjector:
    """ASGI middleware that serves faults; calls of the control room itself are never failed."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http" and not scope["path"].startswith(_OWN):
            fault = self._faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.status == 0 and fault.after:
            await self._app(scope, receive, _late(send, fault))
            return
        await asyncio.sleep(fault.delay_seconds)
        if fault.status == 0:
            await self._app(scope, receive, send)
            return
        if fault.after:
            await self._app(scope, receive, _drop)
        message = f"{scope['method']} {scope['path']} fails on request (fault {fault.id})"
        body = json.dumps({"error_code": fault.error_code, "message": message}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": fault.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _late(send: Send, fault: Fault) -> Send:
    """Passes an answer on after a delay."""

    async def send_late(message: Any) -> None:
        if message["type"] == "http.response.start":
            fault.held += 1
            await asyncio.sleep(fault.delay_seconds)
            fault.held -= 1
        await send(message)

    return send_late


async def _drop(message: Any) -> None:
    """Loses an answer."""
