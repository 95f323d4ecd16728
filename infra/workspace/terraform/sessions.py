"""Sessions by connection: made by configuring, ended by Terraform's goodbye or by being idle too long."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from tf.types import Unknown

from infra.workspace.terraform.session import Api, Credentials

IDLE_SECONDS = 6 * 3600.0
_DECIDES = ("host", "token", "client_id", "client_secret")


class NotConfigured(Exception):
    """The connection has no session: the provider block was not evaluated on it, or the workspace restarted since."""


class Sessions:
    """The REST client of every open connection. Safe to use from many threads."""

    def __init__(self, default_host: str) -> None:
        self._default_host = default_host
        self._lock = threading.Lock()
        self._apis: dict[str, Api] = {}
        self._used: dict[str, float] = {}

    def configure(self, peer: str, config: Mapping[str, Any]) -> None:
        """Gives the connection its credentials and checks them; ConfigurationError says what is wrong."""
        self.end(peer)
        if any(config.get(name) is Unknown for name in _DECIDES):
            return  # known only after apply: Terraform plans with what it has and configures again to apply
        api = Api(Credentials.of(config, self._default_host))
        api.check()
        with self._lock:
            self._apis[peer] = api
            self._used[peer] = time.monotonic()
        self._end_idle()

    def find(self, peer: str) -> Api | None:
        with self._lock:
            if peer in self._used:
                self._used[peer] = time.monotonic()
            return self._apis.get(peer)

    def get(self, peer: str) -> Api:
        """The connection's REST client; NotConfigured when it has none."""
        api = self.find(peer)
        if api is None:
            raise NotConfigured(
                "This connection has no credentials: the workspace was restarted during the run, or host and token "
                "of the provider block are not known yet. Run the same command again."
            )
        return api

    def stop(self, peer: str) -> None:
        """No further request for this connection; what is under way comes to its end."""
        api = self.find(peer)
        if api is not None:
            api.stop()

    def end(self, peer: str) -> None:
        with self._lock:
            api = self._apis.pop(peer, None)
            self._used.pop(peer, None)
        if api is not None:
            api.close()

    def end_all(self) -> None:
        for peer in list(self._apis):
            self.end(peer)

    def __len__(self) -> int:
        return len(self._apis)

    def _end_idle(self) -> None:
        too_old = time.monotonic() - IDLE_SECONDS
        for peer in [peer for peer, used in list(self._used.items()) if used < too_old]:
            self.end(peer)
