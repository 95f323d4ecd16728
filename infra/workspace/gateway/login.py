"""How a browser gets its session: by a one-time link, or by pasting a token."""

from __future__ import annotations

import hashlib
import secrets
import threading
from datetime import datetime, timedelta

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService

_CODE_LIFETIME = timedelta(minutes=5)
SESSION_LIFETIME = timedelta(hours=12)


class LoginService:
    """One-time codes, kept in memory only: those of a stopped workspace are worth nothing."""

    def __init__(self, identity: IdentityService, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._codes: dict[str, tuple[Principal, datetime]] = {}
        self._guard = threading.Lock()

    def create_code(self, principal: Principal) -> str:
        """A code that logs one browser in as `principal`, once, within five minutes."""
        code = secrets.token_urlsafe(24)
        with self._guard:
            self._codes[_digest(code)] = (principal, self._clock.now() + _CODE_LIFETIME)
        return code

    def session_by_code(self, code: str) -> str:
        """A session's token for a code; raises PermissionDenied for one that is spent, too old or unknown."""
        with self._guard:
            principal, expires = self._codes.pop(_digest(code), (None, None))
        if principal is None or expires is None or expires < self._clock.now():
            raise PermissionDenied("this login link was used or has expired; make another: branchline workspace open")
        return self._session(principal)

    def session_by_token(self, token: str) -> str:
        return self._session(self._identity.authenticate(token))

    def _session(self, principal: Principal) -> str:
        return self._identity.issue_token(principal, SESSION_LIFETIME, comment="browser session")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
