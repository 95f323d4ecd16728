"""Control: the clock and faults on request, through a real application."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from infra.workspace.control.clock import Clock
from infra.workspace.control.faults import FaultInjector, Faults
from infra.workspace.control.routes import routes
from infra.workspace.control.service import ControlService
from infra.workspace.gateway.app import build_app
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store


class Control:
    def __init__(self, path: Path) -> None:
        self.clock, faults = Clock(), Faults()
        self.identity = IdentityService(Store(path / "db"), self.clock)
        app = build_app([routes(ControlService(self.clock, faults))], self.identity.authenticate)
        app.add_middleware(FaultInjector, faults=faults)
        token = self.identity.bootstrap("admin@example.com")
        self.admin = TestClient(app, "http://127.0.0.1", headers={"Authorization": f"Bearer {token}"})
        principal = self.identity.authenticate(token)
        made = self.identity.scim.create(principal, ResourceType.USERS, {"userName": "user@example.com"})
        user = self.identity.by_id(int(made["id"]))
        other = self.identity.create_token(user, {})["token_value"]
        self.user = TestClient(app, "http://127.0.0.1", headers={"Authorization": f"Bearer {other}"})


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)


def test_the_clock_moves_forward_only_and_by_admins(control: Control) -> None:
    before = control.clock.now_ms()
    answer = control.admin.put("/api/2.0/local/clock", json={"advance_seconds": 86400})
    assert answer.json()["now_ms"] - before >= 86_400_000
    assert control.admin.put("/api/2.0/local/clock", json={"advance_seconds": -1}).status_code == 400
    assert control.admin.put("/api/2.0/local/clock", json={}).status_code == 400
    assert control.user.put("/api/2.0/local/clock", json={"advance_seconds": 1}).status_code == 403
    assert control.user.get("/api/2.0/local/clock").json()["now_ms"] >= answer.json()["now_ms"]


def test_a_fault_fails_as_many_calls_as_asked_and_no_more(control: Control) -> None:
    fault = {"path": "/api/2.1/jobs/*", "status": 503, "times": 2}
    assert control.admin.post("/api/2.0/local/faults", json=fault).status_code == 200
    answers = [control.admin.get("/api/2.1/jobs/list") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 501]
    assert answers[0].json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert control.admin.get("/api/2.0/local/faults").json() == {"faults": []}


def test_faults_are_checked_cleared_and_for_admins(control: Control) -> None:
    assert control.user.post("/api/2.0/local/faults", json={"path": "*"}).status_code == 403
    for bad in ({}, {"path": "*", "status": 200}, {"path": "*", "color": 1}, {"path": "*", "times": 0}):
        assert control.admin.post("/api/2.0/local/faults", json=bad).status_code == 400
    control.admin.post("/api/2.0/local/faults", json={"path": "/x"})
    control.admin.delete("/api/2.0/local/faults")
    assert control.admin.get("/x").status_code == 404


def test_a_running_workspace_is_not_reset(control: Control) -> None:
    answer = control.admin.post("/api/2.0/local/reset")
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
