"""One comment a pull request, at forges that speak as GitHub's and Azure Repos' REST interfaces do.

The forges themselves cannot run here: a small server stands for each, with the answers that their documentation gives.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ci.comments.forge import find_forge
from ci.comments.update import body, mark, update
from ci.errors import Trouble
from ci.markdown import LONGEST_COMMENT

TOKEN = "t0ken"


class Fake:
    """What both servers share: the comments as texts by id, and the calls that changed them."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.writes: list[str] = []
        self.status = 200
        self.page_size = 2

    def answer(self, method: str, path: str, sent: Any) -> tuple[Any, dict[str, str]]:
        raise NotImplementedError

    def keep(self, verb: str, number: int, text: str) -> None:
        self.writes.append(verb)
        self.texts[number] = text


class FakeGitHub(Fake):
    def answer(self, method: str, path: str, sent: Any) -> tuple[Any, dict[str, str]]:
        if method == "GET":
            page = int((re.search(r"[?&]page=(\d+)", path) or [0, 1])[1])
            listed = [{"id": key, "body": text} for key, text in sorted(self.texts.items())]
            start = (page - 1) * self.page_size
            more = start + self.page_size < len(listed)
            link = f'<{self.url}/repos/o/r/issues/12/comments?per_page=100&page={page + 1}>; rel="next"'
            return listed[start : start + self.page_size], {"Link": link} if more else {}
        if method == "POST":
            assert path == "/repos/o/r/issues/12/comments"
            self.keep(method, max(self.texts, default=0) + 1, sent["body"])
        else:
            self.keep(method, int(path.removeprefix("/repos/o/r/issues/comments/")), sent["body"])
        return {}, {}

    url = ""

    def variables(self) -> dict[str, str]:
        return {
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": self.url,
            "GITHUB_REF": "refs/pull/12/merge",
        }


class FakeAzure(Fake):
    def answer(self, method: str, path: str, sent: Any) -> tuple[Any, dict[str, str]]:
        base = "/org/A%20project/_apis/git/repositories/r1/pullRequests/12/threads"
        assert path.startswith(base)
        assert path.endswith("?api-version=7.1")
        if method == "GET":
            threads = [{"id": key, "comments": [{"id": 1, "content": text}]} for key, text in self.texts.items()]
            return {"value": [{"id": 99, "isDeleted": True, "comments": []}, *threads]}, {}
        if method == "POST":
            self.keep(method, max(self.texts, default=0) + 1, sent["comments"][0]["content"])
        else:
            found = re.fullmatch(rf"{base}/(\d+)/comments/1\?api-version=7\.1", path)
            assert found
            self.keep(method, int(found[1]), sent["content"])
        return {}, {}

    url = ""

    def variables(self) -> dict[str, str]:
        return {
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "12",
            "SYSTEM_COLLECTIONURI": f"{self.url}/org/",
            "SYSTEM_TEAMPROJECT": "A project",
            "BUILD_REPOSITORY_ID": "r1",
            "SYSTEM_ACCESSTOKEN": TOKEN,
        }


@pytest.fixture(params=[FakeGitHub, FakeAzure])
def forge(request: pytest.FixtureRequest) -> Iterator[Any]:
    fake = request.param()
    yield from serve(fake)


def serve(fake: Any) -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        def handle_all(self) -> None:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            content, headers = fake.answer(self.command, self.path, sent) if fake.status == 200 else ({}, {})
            self.send_response(fake.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = do_PATCH = handle_all  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield fake
    server.shutdown()


def test_a_second_run_updates_the_comment_of_the_first(forge: Any) -> None:
    forge.texts = {1: "first!", 2: "Looks good", 3: "a third, on another page"}
    assert not update(find_forge(forge.variables()), "release-line", ["## Plan", "## Gate"])
    assert update(find_forge(forge.variables()), "release-line", ["## Plan, again"])
    assert forge.writes == ["POST", "PATCH"]
    assert forge.texts[1] == "first!"
    assert forge.texts[4] == f"{mark('release-line')}\n\n## Plan, again\n"


def test_the_same_text_is_not_sent_again(forge: Any) -> None:
    for _ in range(2):
        update(find_forge(forge.variables()), "release-line", ["## Plan"])
    assert forge.writes == ["POST"]


def test_names_keep_comments_apart(forge: Any) -> None:
    update(find_forge(forge.variables()), "release-line", ["a"])
    update(find_forge(forge.variables()), "candidate", ["b"])
    assert forge.writes == ["POST", "POST"]


def test_a_refusal_is_told_without_the_token(forge: Any) -> None:
    forge.status = 403
    with pytest.raises(Trouble, match="403") as caught:
        update(find_forge(forge.variables()), "release-line", ["a"])
    assert TOKEN not in str(caught.value)


def test_a_long_part_does_not_push_the_others_out() -> None:
    text = body("release-line", ["a plan\n" * 20_000, "## Gate: refused", "b line\n" * 20_000])
    assert len(text) <= LONGEST_COMMENT
    assert "## Gate: refused" in text
    assert "b line" in text


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REF"])
def test_what_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    fake = FakeGitHub()
    fake.url = "http://127.0.0.1:9"
    variables = {name: value for name, value in fake.variables().items() if name != missing}
    with pytest.raises(Trouble, match="PULL_REQUEST" if missing == "GITHUB_REF" else missing):
        find_forge(variables)


@pytest.mark.parametrize(
    "given",
    [
        lambda folder: {"PULL_REQUEST": "12"},
        lambda folder: {"CHANGE_ID": "12"},
        lambda folder: {"GITHUB_EVENT_PATH": str(_event(folder))},
    ],
)
def test_the_number_comes_from_where_the_forge_puts_it(given: Callable[[Path], dict[str, str]], tmp_path: Path) -> None:
    fake = FakeGitHub()
    for server in serve(fake):
        variables = {**fake.variables(), "GITHUB_REF": "refs/heads/main", **given(tmp_path)}
        update(find_forge(variables), "release-line", ["a"])
        assert fake.writes == ["POST"], server


def _event(folder: Path) -> Path:
    path = folder / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 12}}))
    return path
