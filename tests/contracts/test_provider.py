"""The requests that the real Terraform provider sends, sent again: the workspace still answers as it relied on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.contracts.comparison import differences
from tests.contracts.correspondence import Correspondence
from tests.contracts.recording import Exchange, exchanges, scenarios


class Replay:
    """Sends a recording to a workspace, each request as the principal who sent it."""

    def __init__(self, workspace: Running) -> None:
        self._workspace = workspace
        self._client = httpx.Client(base_url=workspace.url, timeout=60)
        self._tokens = {"admin": workspace.token}
        self._ids = Correspondence()

    def differences(self, exchange: Exchange) -> Iterator[str]:
        answer = self._send(exchange)
        if answer.status_code != exchange.status:
            yield f"{exchange.status} in the recording, {answer.status_code} here: {answer.text}"
        elif exchange.response is not None:
            yield from differences(exchange.response, self._neutral(answer.text), self._ids)

    def _send(self, exchange: Exchange) -> httpx.Response:
        body = self._ids.in_body(exchange.body)
        body = body if body is None or isinstance(body, str) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._token(exchange.caller)}", "Content-Type": exchange.content_type}
        return self._client.request(
            exchange.method, self._ids.in_path(exchange.path), content=body, headers=headers
        )

    def _token(self, caller: str) -> str:
        if caller not in self._tokens:
            self._tokens[caller] = launch.service_principal_token(self._workspace, caller, lifetime_seconds=600)
        return self._tokens[caller]

    def _neutral(self, answer: str) -> Any:
        """The answer with this run's address and folder as the recording writes them."""
        folder, host = str(self._workspace.data_dir), self._workspace.url
        return json.loads(answer.replace(folder, "{data}").replace(host, "{host}"))


@pytest.mark.parametrize("scenario", scenarios())
def test_the_provider_meets_what_it_relied_on(scenario: str, start_workspace: Callable[..., Running]) -> None:
    replay = Replay(start_workspace())
    broken = [
        f"{each.where} {each.method} {each.path}: {difference}"
        for each in exchanges(scenario)
        for difference in replay.differences(each)
    ]
    assert not broken, f"{len(broken)} differences:\n" + "\n".join(broken[:20])
