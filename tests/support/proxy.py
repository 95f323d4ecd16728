"""Stands before a workspace and answers in its place while it is told to: with an error, or by hanging up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

HANG_UP = 0
_DROPPED = {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "keep-alive"}


class Proxy:
    """`fault(method, path)` gives the status to answer with, HANG_UP, or None: then the workspace answers."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Callable[[str, str], int | None] = lambda method, path: None
        self.seen: list[tuple[str, str, int]] = []
        self.url = ""

    def fail_next(self, count: int, status: int, *, path: str = "") -> None:
        """The next `count` calls whose path contains `path` fail."""
        left = [count]

        def fault(method: str, found: str) -> int | None:
            if path not in found or left[0] == 0:
                return None
            left[0] -= 1
            return status

        self.fault = fault


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """A proxy of a workspace's address, on a free port of loopback."""
    found = Proxy(target)
    client = httpx.Client(base_url=target, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = found.fault(self.command, self.path)
            found.seen.append((self.command, self.path, -1 if status is None else status))
            if status == HANG_UP:
                self.close_connection = True
                return
            if status is not None:
                self._answer(status, {"Retry-After": "0"}, b'{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "x"}')
                return
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _DROPPED}
            answer = client.request(self.command, self.path, content=content, headers=kept)
            self._answer(answer.status_code, dict(answer.headers), answer.content)

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _DROPPED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = pass_on  # noqa: N815 - http.server calls these

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        client.close()
