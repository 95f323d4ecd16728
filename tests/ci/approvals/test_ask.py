"""Asking the CI system who approved: real HTTP, with answers as the systems document them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ci.approvals.ask import find_approver
from ci.errors import Trouble


@dataclass
class System:
    """Answers by path; what is asked beside them is not found."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)


@pytest.fixture
def system() -> Iterator[System]:
    found = System()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.tokens.append(self.headers["Authorization"])
            known = self.path in found.answers
            body = json.dumps(found.answers.get(self.path, {"message": "Not Found"})).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()


def github(system: System) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": system.url,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "5",
        "GITHUB_TOKEN": "the token",
        "APPROVER": "somebody that a variable names",
    }


def review(login: str, environment: str = "prod", state: str = "approved") -> dict[str, Any]:
    return {"state": state, "environments": [{"name": environment}], "user": {"login": login}}


def test_github_tells_who_approved_the_environment_last(system: System) -> None:
    system.answers["/repos/o/r/actions/runs/5/approvals"] = [
        review("first"),
        review("second"),
        review("other", "plan"),
        review("refuser", state="rejected"),
    ]
    assert find_approver("prod", github(system)) == "second"
    assert system.tokens == ["Bearer the token"]


def test_an_approval_of_another_environment_is_none(system: System) -> None:
    system.answers["/repos/o/r/actions/runs/5/approvals"] = [review("other", "plan")]
    with pytest.raises(Trouble, match="nobody has approved this run for prod"):
        find_approver("prod", github(system))


def test_a_refused_question_says_so_without_the_token(system: System) -> None:
    with pytest.raises(Trouble, match="404") as raised:
        find_approver("prod", github(system))
    assert "the token" not in str(raised.value)


def test_azure_tells_who_gave_the_approval_of_the_timeline(system: System) -> None:
    variables = {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": f"{system.url}/org/",
        "SYSTEM_TEAMPROJECT": "A Project",
        "BUILD_BUILDID": "9",
        "SYSTEM_ACCESSTOKEN": "the token",
    }
    base = "/org/A%20Project/_apis"
    system.answers[f"{base}/build/builds/9/timeline?api-version=7.1"] = {
        "records": [{"id": "a1", "type": "Checkpoint.Approval"}, {"id": "t1", "type": "Task"}]
    }
    person = {"displayName": "An Engineer", "uniqueName": "engineer@example.com"}
    system.answers[f"{base}/pipelines/approvals?approvalIds=a1&$expand=steps&api-version=7.1"] = {
        "value": [{"steps": [{"status": "approved", "actualApprover": person}]}]
    }
    assert find_approver("prod", variables) == "An Engineer <engineer@example.com>"
    system.answers[f"{base}/build/builds/9/timeline?api-version=7.1"] = {"records": []}
    with pytest.raises(Trouble, match="nobody has approved"):
        find_approver("prod", variables)


def test_elsewhere_the_variable_says() -> None:
    assert find_approver("prod", {"APPROVER": " An Engineer "}) == "An Engineer"
    with pytest.raises(Trouble, match="nobody has approved"):
        find_approver("prod", {"APPROVER": " "})


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(Trouble, match="GITHUB_RUN_ID, GITHUB_TOKEN"):
        find_approver("prod", {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/r"})
