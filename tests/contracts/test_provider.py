"""The requests that the real Terraform provider sends, sent again: the workspace still answers as it relied on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.contracts.callers import Callers
from tests.contracts.comparison import differences
from tests.contracts.correspondence import Correspondence
from tests.contracts.recording import Exchange, exchanges, scenarios


class Replay:
    """Sends a recording to a workspace, each request as the principal who sent it."""

    def __init__(self, workspace: Running) -> None:
        self._callers = Callers(workspace)
        self._workspace = workspace
        self._client = httpx.Client(base_url=workspace.url, timeout=60)
        self._ids = Correspondence()

    def differences(self, exchange: Exchange) -> Iterator[str]:
        answer = self._send(exchange)
        if answer.status_code != exchange.status:
            yield f"{exchange.status} in the recording, {answer.status_code} here: {answer.text}"
        if exchange.response is not None and answer.is_error == (exchange.status >= 400):
            yield from differences(exchange.response, self._neutral(answer.text), self._ids)

    def _send(self, exchange: Exchange) -> httpx.Response:
        body = self._ids.in_body(exchange.body)
        return self._client.request(
            exchange.method,
            self._ids.in_path(exchange.path),
            content=body if body is None or isinstance(body, str) else json.dumps(body),
            headers={"Content-Type": exchange.content_type, **self._callers.headers(exchange.caller)},
        )

    def _neutral(self, answer: str) -> Any:
        """The answer with this run's address and folder as the recording writes them."""
        folder, host = str(self._workspace.data_dir), self._workspace.url
        return json.loads(answer.replace(folder, "{data}").replace(host, "{host}"))


@pytest.fixture(scope="module")
def fresh_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that no other tests use: what a listing shows is part of the contract."""
    data_dir = tmp_path_factory.mktemp("contracts")
    yield launch.start(data_dir, port=0)
    launch.stop(data_dir)


@pytest.mark.parametrize("scenario", scenarios())
def test_the_provider_meets_what_it_relied_on(scenario: str, fresh_workspace: Running) -> None:
    replay = Replay(fresh_workspace)
    broken = [
        f"{each.where} {each.method} {each.path}: {difference}"
        for each in exchanges(scenario)
        for difference in replay.differences(each)
    ]
    assert not broken, f"{len(broken)} differences:\n" + "\n".join(broken[:20])
