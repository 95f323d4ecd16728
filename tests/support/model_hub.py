"""A server that answers as the Hugging Face Hub does, and serves plain files; what it serves can be spoilt."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "clinic/notes"


@dataclass
class ModelHub:
    """What the server has: the files of one repository, and others by their paths."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    licence: str | None = "apache-2.0"
    answered_revision: str = COMMIT
    spoilt: dict[str, bytes] = field(default_factory=dict)
    """Content that is sent in place of what the listing says."""
    plain: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def listing(self) -> dict[str, Any]:
        """As /api/models/{repository}/revision/{revision}?blobs=true answers."""
        return {
            "id": REPOSITORY,
            "sha": self.answered_revision,
            "tags": [f"license:{self.licence}"] if self.licence else [],
            "cardData": {"license": self.licence} if self.licence else None,
            "siblings": [_sibling(name, content) for name, content in self.files.items()],
        }


def is_large(name: str) -> bool:
    """Whether the Hub keeps it in large file storage."""
    return name.endswith((".safetensors", ".bin", ".pkl", ".skops"))


def blob(content: bytes) -> str:
    """The SHA-1 that git gives to a file."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


@contextmanager
def serving(**content: Any) -> Iterator[ModelHub]:
    """The hub on a free port of this machine."""
    hub = ModelHub(**content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(f"{self.command} {path}")
            if path in hub.redirects:
                self._send(302, b"", {"Location": hub.redirects[path]}, with_body)
            elif path.startswith(f"/api/models/{REPOSITORY}/revision/"):
                self._send(200, json.dumps(hub.listing()).encode(), {"Content-Type": "application/json"}, with_body)
            elif path.startswith(f"/{REPOSITORY}/resolve/"):
                self._resolve(path.split("/resolve/")[1].partition("/")[2], with_body)
            elif path in hub.plain:
                self._send(200, hub.plain[path], {}, with_body)
            else:
                self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, with_body)

        def _resolve(self, name: str, with_body: bool) -> None:
            content = hub.spoilt.get(name, hub.files[name])
            tag = hashlib.sha256(hub.files[name]).hexdigest() if is_large(name) else blob(hub.files[name])
            headers = {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            self._send(200, content, headers, with_body)

        def _send(self, status: int, content: bytes, headers: Mapping[str, str], with_body: bool) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob(content)}
    if is_large(name):
        found["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return found
