"""Asking the CI system of this run who approved it for an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from ci.errors import Trouble

_TIMEOUT_SECONDS = 30.0
_RETRIES = 3
_AZURE_VERSION = "api-version=7.1"


def find_approver(environment: str, variables: Mapping[str, str]) -> str:
    """Who approved this run last: a login of GitHub's, `Name <mail>` of Azure's, or what Jenkins put in APPROVER.

    Raises Trouble where nobody did, or where this is no run of a CI system that knows.
    """
    if variables.get("GITHUB_ACTIONS"):
        found = list(_of_github(environment, variables))
    elif variables.get("TF_BUILD"):
        found = list(_of_azure(variables))
    else:
        found = [name] if (name := variables.get("APPROVER", "").strip()) else []
    if not found:
        raise Trouble(
            f"nobody has approved this run for {environment}: give the environment required reviewers (GitHub) or an"
            " approval check (Azure), or take APPROVER from an input step (Jenkins)"
        )
    return found[-1]


def _of_github(environment: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The reviews of the run's deployments."""
    repository, run, token = _required(variables, "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_TOKEN")
    api = variables.get("GITHUB_API_URL") or "https://api.github.com"
    for review in _get(f"{api}/repos/{repository}/actions/runs/{run}/approvals", token):
        names = [each.get("name") for each in review.get("environments", [])]
        if review.get("state") == "approved" and environment in names:
            yield str(review["user"]["login"])


def _of_azure(variables: Mapping[str, str]) -> Iterator[str]:
    """The approvals are records of the build's timeline; who gave them, only the approvals themselves say."""
    collection, project, build, token = _required(
        variables, "SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID", "SYSTEM_ACCESSTOKEN"
    )
    base = f"{collection.rstrip('/')}/{quote(project)}/_apis"
    timeline = _get(f"{base}/build/builds/{build}/timeline?{_AZURE_VERSION}", token)
    asked = [record["id"] for record in timeline.get("records", []) if record.get("type") == "Checkpoint.Approval"]
    if not asked:
        return
    approvals = _get(f"{base}/pipelines/approvals?approvalIds={','.join(asked)}&$expand=steps&{_AZURE_VERSION}", token)
    for approval in approvals.get("value", []):
        for step in approval.get("steps", []):
            if step.get("status") == "approved" and (person := step.get("actualApprover")):
                yield f"{person.get('displayName', '')} <{person.get('uniqueName', '')}>".strip()


def _required(variables: Mapping[str, str], *names: str) -> list[str]:
    missing = [name for name in names if not variables.get(name)]
    if missing:
        raise Trouble(f"to ask who approved, set {', '.join(missing)}")
    return [variables[name] for name in names]


def _get(address: str, token: str) -> Any:
    """One answer; raises Trouble with the system's own words, never with the token."""
    try:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, transport=httpx.HTTPTransport(retries=_RETRIES)) as client:
            answer = client.get(address, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    except httpx.HTTPError as error:
        raise Trouble(f"GET {address}: {error}") from error
    if answer.is_error:
        raise Trouble(f"GET {address}: {answer.status_code} {answer.text[:300]}")
    return answer.json()
