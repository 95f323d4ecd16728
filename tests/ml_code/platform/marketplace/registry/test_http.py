"""The REST client against a server that is busy, hangs up, cuts short and changes its mind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.marketplace.registry.http import (
    Denied,
    Missing,
    Refused,
    Rest,
    Unreachable,
    bearer_or_basic,
    patient,
)

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Server:
    """Answers with what `script` has for each request in turn, the last one for all further ones."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.seen: list[tuple[str, str, bytes]] = []
        self.url = ""

    def rest(self, attempts: int = 4) -> Rest:
        self.seen.clear()
        return Rest(self.url, lambda: {"Authorization": "Bearer t"}, retry=patient(attempts, backoff=0.001), block=3)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.seen.append((self.command, self.path, body))
            found.script[min(len(found.seen), len(found.script)) - 1](self, body)

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815  # http.server's names

        def log_message(self, *_: Any) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield found
    http.shutdown()
    http.server_close()
    thread.join()


def say(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang_up(handler: BaseHTTPRequestHandler, _: bytes) -> None:
    handler.close_connection = True


def broken(content: bytes, after: int) -> Answer:
    """Promises the whole and hangs up after some bytes."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.close_connection = True

    return answer


def test_a_busy_server_is_waited_for_as_long_as_it_says(server: Server) -> None:
    server.script = [say(429, Retry_After="1"), say(200, b'{"done": true}')]
    rest, started = server.rest(), time.monotonic()
    assert rest.call("GET", "/x") == {"done": True}
    assert time.monotonic() - started >= 1
    assert rest.requests == 2


@pytest.mark.parametrize("trouble", [say(500), say(502), say(503), say(504), hang_up])
def test_what_passes_is_tried_again(server: Server, trouble: Answer) -> None:
    server.script = [trouble, trouble, say(200)]
    assert server.rest().call("GET", "/x", {"q": "a b", "none": None}) == {}
    assert [path for _, path, _ in server.seen] == ["/x?q=a+b"] * 3


def test_trouble_that_stays_is_told(server: Server) -> None:
    server.script = [hang_up]
    with pytest.raises(Unreachable, match="no whole answer"):
        server.rest(3).call("GET", "/x")
    assert len(server.seen) == 3
    server.script = [say(503, b"<html>down</html>")]
    with pytest.raises(Refused, match=r"503.*down"):
        server.rest(3).call("GET", "/x")


def test_a_post_that_may_have_arrived_is_repeated_only_if_that_does_no_harm(server: Server) -> None:
    server.script = [hang_up, say(200)]
    with pytest.raises(Unreachable):
        server.rest().call("POST", "/create", {"name": "a"})
    assert len(server.seen) == 1
    server.script = [hang_up, say(200)]
    assert server.rest().call("POST", "/tag", {"name": "a"}, repeatable=True) == {}
    assert [body for _, _, body in server.seen] == [b'{"name": "a"}'] * 2


def test_a_post_that_was_put_off_is_sent_again(server: Server) -> None:
    server.script = [say(429, Retry_After="0"), say(200)]
    assert server.rest().call("POST", "/create") == {}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHENTICATED", Denied),
        (403, "PERMISSION_DENIED", Denied),
        (404, "RESOURCE_DOES_NOT_EXIST", Missing),
        (400, "INVALID_PARAMETER_VALUE", Refused),
    ],
)
def test_a_refusal_says_what_and_where(server: Server, status: int, code: str, kind: type[Refused]) -> None:
    server.script = [say(status, f'{{"error_code": "{code}", "message": "no such thing"}}'.encode())]
    with pytest.raises(kind, match=f"GET {server.url}/x: {status} {code}: no such thing") as caught:
        server.rest().call("GET", "/x", {"secret": "s"})
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(server.seen) == 1
    assert "secret" not in str(caught.value)


def test_an_answer_that_is_not_of_mlflow_is_told(server: Server) -> None:
    server.script = [say(200, b"<html>log in</html>")]
    with pytest.raises(Unreachable, match="not JSON"):
        server.rest().call("GET", "/x")


@settings(max_examples=30, deadline=None)
@given(content=st.binary(min_size=1, max_size=4000), cuts=st.lists(st.floats(0, 1), max_size=3))
def test_a_file_is_whole_however_often_the_connection_breaks(server: Server, content: bytes, cuts: list[float]) -> None:
    server.script = [broken(content, int(cut * len(content)) % len(content)) for cut in cuts] + [say(200, content)]
    assert b"".join(server.rest().stream("/f", len(content))) == content
    assert len(server.seen) == len(cuts) + 1


def test_a_file_that_ends_early_in_good_order_is_read_again(server: Server) -> None:
    server.script = [say(200, b"0123"), say(200, b"0123456789")]
    assert b"".join(server.rest().stream("/f", 10)) == b"0123456789"


def test_a_file_that_stays_short_is_never_taken_for_whole(server: Server) -> None:
    server.script = [say(200, b"0123")]
    with pytest.raises(Unreachable, match="after 4 bytes"):
        list(server.rest().stream("/f", 10))


def test_a_file_that_changes_while_it_is_read_is_refused(server: Server) -> None:
    server.script = [broken(b"0123456789", 4), say(200, b"abcdefghij")]
    with pytest.raises(Unreachable, match="changed"):
        list(server.rest().stream("/f", 10))
    server.script = [say(200, b"0123456789+")]
    with pytest.raises(Unreachable, match="changed"):
        list(server.rest().stream("/f", 10))


def test_a_file_that_is_not_there_or_not_allowed_is_told(server: Server) -> None:
    server.script = [say(404)]
    with pytest.raises(Missing):
        list(server.rest().stream("/f"))
    server.script = [broken(b"0123456789", 4), say(401)]
    with pytest.raises(Denied):
        list(server.rest().stream("/f", 10))


def test_an_upload_begins_anew_after_a_break(server: Server) -> None:
    begun = []

    def content() -> Iterator[bytes]:
        begun.append(1)
        yield b"01234"
        yield b"56789"

    server.script = [hang_up, say(503), say(200)]
    server.rest().upload("/f", content, 10)
    assert [body for _, _, body in server.seen] == [b"0123456789"] * 3
    assert len(begun) == 3
    server.script = [say(403)]
    with pytest.raises(Denied):
        server.rest().upload("/f", content, 10)


def test_credentials_are_those_of_mlflows_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    assert bearer_or_basic() == {}
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "u")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "p")
    assert bearer_or_basic() == {"Authorization": "Basic dTpw"}
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t")
    assert bearer_or_basic() == {"Authorization": "Bearer t"}
