"""No answer without a token of the workspace; none to other hosts or foreign pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from infra.workspace.gateway.app import build_app
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import Unauthenticated
from infra.workspace.identity.principal import Principal

_ADA = Principal(id=1, name="ada@example.com", display_name="Ada", kind="user")


def _authenticate(token: str) -> Principal:
    if token != "good":
        raise Unauthenticated("unknown token")
    return _ADA


@pytest.fixture
def client() -> Iterator[TestClient]:
    router = APIRouter()

    @router.get("/api/2.0/who")
    def who(principal: Caller) -> dict[str, str]:
        return {"name": principal.name}

    @router.post("/api/2.0/change")
    def change(principal: Caller) -> dict[str, str]:
        return {"by": principal.name}

    with TestClient(build_app([router], _authenticate), base_url="http://127.0.0.1:8765") as client:
        yield client


def _shape(answer: httpx.Response) -> tuple[int, str]:
    assert set(answer.json()) == {"error_code", "message"}
    return answer.status_code, answer.json()["error_code"]


def test_a_good_token_is_answered(client: TestClient) -> None:
    answer = client.get("/api/2.0/who", headers={"Authorization": "Bearer good"})
    assert answer.json() == {"name": "ada@example.com"}
    assert client.get("/api/2.0/who", auth=("token", "good")).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer bad"}, {"Authorization": "Basic !!"}])
def test_without_a_good_token_nothing_is_answered(client: TestClient, headers: dict[str, str]) -> None:
    assert _shape(client.get("/api/2.0/who", headers=headers)) == (401, "UNAUTHENTICATED")
    assert _shape(client.get("/api/2.0/no-such-call", headers=headers)) == (401, "UNAUTHENTICATED")


def test_another_host_name_is_refused(client: TestClient) -> None:
    headers = {"Authorization": "Bearer good", "Host": "evil.example.com:8765"}
    assert _shape(client.get("/api/2.0/who", headers=headers)) == (403, "PERMISSION_DENIED")


def test_a_cookie_changes_things_from_our_own_pages_only(client: TestClient) -> None:
    client.cookies.set("branchline_session_8765", "good")
    assert client.get("/api/2.0/who").status_code == 200
    assert _shape(client.post("/api/2.0/change")) == (403, "PERMISSION_DENIED")
    foreign = {"Origin": "http://127.0.0.1:9999"}
    assert _shape(client.post("/api/2.0/change", headers=foreign)) == (403, "PERMISSION_DENIED")
    assert client.post("/api/2.0/change", headers={"Origin": "http://127.0.0.1:8765"}).status_code == 200


def test_a_page_leads_to_the_login(client: TestClient) -> None:
    answer = client.get("/jobs?x=1", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/jobs%3Fx%3D1")


def test_a_call_that_is_not_there_is_named(client: TestClient) -> None:
    answer = client.get("/api/2.0/preview/quantum", headers={"Authorization": "Bearer good"})
    assert _shape(answer) == (501, "NOT_IMPLEMENTED")
    assert "GET /api/2.0/preview/quantum" in answer.json()["message"]
