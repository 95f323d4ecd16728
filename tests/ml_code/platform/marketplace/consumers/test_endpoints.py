"""Endpoints of brought models, against a server that answers as Databricks' serving endpoints do.

The local workspace has no serving; what is asked of it is what Databricks documents.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.launch import Running
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.consumers.endpoints import (
    DatabricksEndpoints,
    endpoint_name,
    payload_table,
)

MODEL = "west.models.line"
API = "/api/2.0/serving-endpoints"


class Serving:
    """Endpoints by name, and the access lists by id."""

    def __init__(self) -> None:
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.access: dict[str, list[dict[str, Any]]] = {}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if permissions := re.fullmatch(r"/api/2.0/permissions/serving-endpoints/(.+)", path):
            return 200, self._access(permissions[1], method, body)
        name = path.removeprefix(API).strip("/").partition("/")[0]
        if method == "POST":
            self.endpoints[body["name"]] = {**body, "id": f"id-{body['name']}", "creator": "me"}
            self.access[f"id-{body['name']}"] = [{"user_name": "me@example.com", "permission_level": "CAN_MANAGE"}]
            return 200, self.endpoints[body["name"]]
        if name not in self.endpoints:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no endpoint {name}"}
        if method == "PUT":
            self.endpoints[name]["pending_config"] = {"served_entities": body["served_entities"]}
        if method == "DELETE":
            del self.endpoints[name]
            return 200, {}
        return 200, self.endpoints[name]

    def _access(self, id: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
        if method == "PUT":
            self.access[id] = body["access_control_list"]
        told = [
            {**entry, "all_permissions": [{"permission_level": entry["permission_level"], "inherited": False}]}
            for entry in self.access[id]
        ]
        return {"object_id": id, "access_control_list": told}


@pytest.fixture
def serving() -> Iterator[tuple[Serving, DatabricksEndpoints]]:
    service = Serving()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, answer = service.answer(self.command, self.path.partition("?")[0], body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = WorkspaceClient(host=f"http://127.0.0.1:{server.server_port}", token="t", auth_type="pat")
    yield service, DatabricksEndpoints(client)
    server.shutdown()
    server.server_close()
    thread.join()


def who(service: Serving) -> set[tuple[str, str]]:
    (entries,) = service.access.values()
    names = ("group_name", "user_name", "service_principal_name")
    return {(next(each[name] for name in names if each.get(name)), each["permission_level"]) for each in entries}


def test_an_endpoint_is_made_moved_opened_and_ended(serving: tuple[Serving, DatabricksEndpoints]) -> None:
    service, endpoints = serving
    robot = "0b2f7a5e-1111-2222-3333-444455556666"
    assert endpoints.serve(MODEL, 1, {"nurses", robot}) == "endpoint marketplace-line made"
    made = service.endpoints["marketplace-line"]
    (entity,) = made["config"]["served_entities"]
    assert (entity["entity_name"], entity["entity_version"], entity["scale_to_zero_enabled"]) == (MODEL, "1", True)
    kept = made["ai_gateway"]["inference_table_config"]
    assert f"{kept['catalog_name']}.{kept['schema_name']}.{kept['table_name_prefix']}_payload" == payload_table(MODEL)
    manager = ("me@example.com", "CAN_MANAGE")
    assert who(service) == {("nurses", "CAN_QUERY"), (robot, "CAN_QUERY"), manager}

    assert endpoints.serve(MODEL, 1, {"nurses"}) == "endpoint marketplace-line kept"
    assert who(service) == {("nurses", "CAN_QUERY"), manager}
    assert endpoints.serve(MODEL, 2, {"nurses"}) == "endpoint marketplace-line moved"
    assert endpoints.serve(MODEL, 2, {"nurses"}) == "endpoint marketplace-line kept"

    assert "removed" in endpoints.end(MODEL)
    assert service.endpoints == {}
    assert "gone already" in endpoints.end(MODEL)


def test_an_endpoint_of_somebody_else_is_left_alone(serving: tuple[Serving, DatabricksEndpoints]) -> None:
    service, endpoints = serving
    service.endpoints["marketplace-line"] = {"name": "marketplace-line", "id": "theirs"}
    assert "gone already" in endpoints.end(MODEL)
    with pytest.raises(StepError, match=r"marketplace-line is not of west\.models\.line: give the model another name"):
        endpoints.serve(MODEL, 1, {"nurses"})
    assert service.endpoints == {"marketplace-line": {"name": "marketplace-line", "id": "theirs"}}


def test_a_workspace_without_serving_is_told_by_name(workspace: Running) -> None:
    client = WorkspaceClient(host=workspace.url, token=workspace.token, auth_type="pat")
    with pytest.raises(StepError, match="serving endpoints of this workspace: "):
        DatabricksEndpoints(client).serve(MODEL, 1, {"nurses"})


@given(st.text(min_size=1, max_size=90))
def test_names_are_such_as_endpoints_may_have(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", endpoint_name(f"a.b.{name}"))
