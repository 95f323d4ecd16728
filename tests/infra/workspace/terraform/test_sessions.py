"""Sessions: one per connection, each with its own credentials, none that leaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tf.types import Unknown

from infra.workspace.terraform.session import Api, ConfigurationError, Credentials, RestError
from infra.workspace.terraform.sessions import NotConfigured, Sessions


class Host(ThreadingHTTPServer):
    """Answers who calls, takes one secret for OAuth, fails on demand; keeps the Authorization headers it saw."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Host

    def log_message(self, *arguments: object) -> None:
        return

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self.server.seen.append((self.path, authorization))
        if self.path == "/.well-known/databricks-config":
            self._answer(200, {"oidc_endpoint": f"{self.server.url}/oidc"})
        elif authorization == "Bearer bad":
            self._answer(403, {"error_code": "PERMISSION_DENIED", "message": "Invalid access token."})
        elif self.path == "/missing":
            self._answer(404, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "no such user"})
        else:
            self._answer(200, {"userName": authorization})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        if self.headers.get("Authorization") == "Basic c3A6aHVzaA==":  # sp:hush
            self._answer(200, {"access_token": "minted", "expires_in": 3600})
        else:
            self._answer(401, {"error": "invalid_client", "error_description": "wrong secret"})


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_each_connection_keeps_its_own_credentials(host: Host) -> None:
    sessions = Sessions(host.url)
    sessions.configure("peer-a", {"token": "a"})
    sessions.configure("peer-b", {"token": "b"})
    assert sessions.get("peer-a").get("/me")["userName"] == "Bearer a"
    assert sessions.get("peer-b").get("/me")["userName"] == "Bearer b"
    sessions.end("peer-a")
    with pytest.raises(NotConfigured, match="again"):
        sessions.get("peer-a")
    assert sessions.get("peer-b").get("/me")["userName"] == "Bearer b"


def test_idle_sessions_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.workspace.terraform.sessions.IDLE_SECONDS", -1.0)
    sessions = Sessions(host.url)
    sessions.configure("peer-a", {"token": "a"})
    sessions.configure("peer-b", {"token": "b"})
    assert len(sessions) == 0


def test_a_provider_block_without_credentials_says_how_to_give_them(host: Host) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sessions(host.url).configure("peer", {"token": None})
    assert "TF_VAR_databricks_token" in caught.value.hint


def test_credentials_that_are_not_known_yet_wait_for_the_apply(host: Host) -> None:
    sessions = Sessions(host.url)
    sessions.configure("peer", {"token": Unknown})
    assert sessions.find("peer") is None


def test_a_refused_token_is_told_but_never_shown(host: Host) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sessions(host.url).configure("peer", {"token": "bad"})
    assert "does not accept these credentials" in str(caught.value)
    assert "Invalid access token." in caught.value.hint
    assert "hush" not in repr(Credentials("h", token="hush", client_secret="hush"))


def test_nobody_listening_is_told(host: Host) -> None:
    with pytest.raises(ConfigurationError, match="cannot reach the workspace"):
        Sessions("http://127.0.0.1:1").configure("peer", {"token": "a"})


def test_a_service_principal_signs_in_once(host: Host) -> None:
    sessions = Sessions(host.url)
    sessions.configure("peer", {"client_id": "sp", "client_secret": "hush"})
    assert sessions.get("peer").get("/me")["userName"] == "Bearer minted"
    assert [path for path, _ in host.seen].count("/oidc/v1/token") == 1
    with pytest.raises(ConfigurationError) as caught:
        sessions.configure("peer", {"client_id": "sp", "client_secret": "wrong"})
    assert "wrong secret" in caught.value.hint


def test_errors_of_both_shapes_carry_their_message(host: Host) -> None:
    api = Api(Credentials(host.url, token="a"))
    with pytest.raises(RestError, match="no such user") as caught:
        api.get("/missing")
    assert caught.value.is_missing


def test_a_profile_is_read_from_its_file(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "cfg"
    file.write_text(f"[work]\nhost = {host.url}\ntoken = p\n", encoding="utf-8")
    given = Credentials.of({"profile": "work", "config_file": str(file)}, "http://default")
    assert (given.host, given.token) == (host.url, "p")
    with pytest.raises(ConfigurationError, match="no profile 'none'"):
        Credentials.of({"profile": "none", "config_file": str(file)}, "http://default")
