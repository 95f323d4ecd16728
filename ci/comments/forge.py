"""A pull request's comments at its forge, with the credentials that a CI run has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from ci.errors import Trouble

_TIMEOUT = 30.0
_RETRIES = 3


@dataclass(frozen=True)
class Comment:
    """A comment as the forge has it; `key` names it there."""

    key: str
    text: str


class Forge(Protocol):
    """What both forges offer."""

    def comments(self) -> Iterator[Comment]:
        """The pull request's comments, oldest first."""

    def add(self, text: str) -> None:
        """One comment more."""

    def replace(self, comment: Comment, text: str) -> None:
        """Another text for a comment."""


class GitHub:
    """GitHub's REST interface; a pull request's conversation is that of an issue."""

    def __init__(self, api: str, repository: str, number: int, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        self._client = _client(headers)
        self._issue = f"{api.rstrip('/')}/repos/{repository}/issues/{number}/comments"
        self._comment = f"{api.rstrip('/')}/repos/{repository}/issues/comments"

    def comments(self) -> Iterator[Comment]:
        """Page after page."""
        address: str | None = f"{self._issue}?per_page=100"
        while address:
            answer = _call(self._client, "GET", address)
            yield from (Comment(str(each["id"]), each.get("body") or "") for each in answer.json())
            address = answer.links.get("next", {}).get("url")

    def add(self, text: str) -> None:
        """POST of a comment."""
        _call(self._client, "POST", self._issue, {"body": text})

    def replace(self, comment: Comment, text: str) -> None:
        """PATCH of its body."""
        _call(self._client, "PATCH", f"{self._comment}/{comment.key}", {"body": text})


class AzureRepos:
    """Azure Repos: comments live in threads; ours is the first of a thread of its own."""

    def __init__(self, collection: str, project: str, repository: str, number: int, token: str) -> None:
        self._client = _client({"Authorization": f"Bearer {token}"})
        base = f"{collection.rstrip('/')}/{quote(project)}/_apis/git/repositories/{quote(repository)}"
        self._threads = f"{base}/pullRequests/{number}/threads"
        self._version = "api-version=7.1"

    def comments(self) -> Iterator[Comment]:
        """The first comment of each thread that nobody has deleted."""
        for thread in _call(self._client, "GET", f"{self._threads}?{self._version}").json()["value"]:
            first = next(iter(thread.get("comments", [])), None)
            if first and not first.get("isDeleted") and not thread.get("isDeleted"):
                yield Comment(f"{thread['id']}/comments/{first['id']}", first.get("content") or "")

    def add(self, text: str) -> None:
        """A thread with one comment, closed: a plan is nothing to be resolved."""
        body = {"comments": [{"parentCommentId": 0, "content": text, "commentType": "text"}], "status": "closed"}
        _call(self._client, "POST", f"{self._threads}?{self._version}", body)

    def replace(self, comment: Comment, text: str) -> None:
        """PATCH of its content."""
        _call(self._client, "PATCH", f"{self._threads}/{comment.key}?{self._version}", {"content": text})


def find_forge(variables: Mapping[str, str]) -> Forge:
    """The forge of the pull request that a CI run is for; raises Trouble naming what is missing."""
    if variables.get("SYSTEM_PULLREQUEST_PULLREQUESTID"):
        wanted = ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_REPOSITORY_ID", "SYSTEM_ACCESSTOKEN")
        collection, project, repository, token = _required(variables, wanted)
        return AzureRepos(collection, project, repository, int(variables["SYSTEM_PULLREQUEST_PULLREQUESTID"]), token)
    if variables.get("GITHUB_REPOSITORY"):
        repository, token = _required(variables, ("GITHUB_REPOSITORY", "GITHUB_TOKEN"))
        api = variables.get("GITHUB_API_URL") or "https://api.github.com"
        return GitHub(api, repository, _github_number(variables), token)
    raise Trouble(
        "no pull request: set GITHUB_REPOSITORY, GITHUB_TOKEN and PULL_REQUEST (GitHub, also from Jenkins), or run it"
        " in an Azure pipeline of a pull request with SYSTEM_ACCESSTOKEN"
    )


def _github_number(variables: Mapping[str, str]) -> int:
    """From PULL_REQUEST or Jenkins' CHANGE_ID, else from what Actions tells of the event."""
    given = variables.get("PULL_REQUEST") or variables.get("CHANGE_ID")
    if given and given.isdigit():
        return int(given)
    if found := re.match(r"refs/pull/(\d+)/", variables.get("GITHUB_REF", "")):
        return int(found[1])
    event = Path(variables.get("GITHUB_EVENT_PATH") or "/nonexistent")
    number = json.loads(event.read_text()).get("pull_request", {}).get("number") if event.is_file() else None
    if number is None:
        raise Trouble("this run is not for a pull request: set PULL_REQUEST to its number")
    return int(number)


def _required(variables: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    missing = [name for name in names if not variables.get(name)]
    if missing:
        raise Trouble(f"to comment on the pull request, set {', '.join(missing)}")
    return [variables[name] for name in names]


def _client(headers: Mapping[str, str]) -> httpx.Client:
    return httpx.Client(headers=headers, timeout=_TIMEOUT, transport=httpx.HTTPTransport(retries=_RETRIES))


def _call(client: httpx.Client, method: str, address: str, body: Any = None) -> httpx.Response:
    """One call; raises Trouble with the forge's own words, never with the token."""
    try:
        answer = client.request(method, address, json=body)
    except httpx.HTTPError as error:
        raise Trouble(f"{method} {address}: {error}") from error
    if answer.is_error:
        hint = "; the token may not comment here" if answer.status_code in (401, 403, 404) else ""
        raise Trouble(f"{method} {address}: {answer.status_code} {answer.text[:300]}{hint}")
    return answer
