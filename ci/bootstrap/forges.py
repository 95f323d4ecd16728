"""What a forge must be told so that its jobs log in: addresses and ids, no secret among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.settings import Settings

_HOW = {
    "github": ("github-oidc", "variables of the GitHub environment of that name, which takes its branch alone"),
    "azure_pipelines": ("azure-devops-oidc", "variable group branchline-<environment>, for its pipelines alone"),
    "jenkins": ("file-oidc", "properties of the folder; the client id as DATABRICKS_CLIENT_ID_<ENVIRONMENT>"),
}


@dataclass(frozen=True)
class LoggedIn:
    """An environment's service principal as its workspace knows it."""

    settings: Settings
    host: str
    client_id: str
    account_id: str


def forge_variables(environments: Sequence[LoggedIn]) -> dict[str, Any]:
    """By forge: where its variables go, and those of each environment and of pull requests."""
    if not environments:
        return {}
    found: dict[str, Any] = {}
    for trust in environments[0].settings.project.federation.trusts:
        login, where = _HOW[trust.type]
        forge: dict[str, Any] = {"where": where, "issuer": trust.issuer, "environments": {}}
        for each in environments:
            settings = each.settings
            variables = {
                "DATABRICKS_HOST": each.host,
                "DATABRICKS_ACCOUNT_ID": each.account_id,
                "DATABRICKS_CLIENT_ID": each.client_id,
                "DATABRICKS_AUTH_TYPE": login,
                "DATABRICKS_TOKEN_AUDIENCE": trust.audience or each.account_id,
            }
            forge["environments"][settings.environment] = {
                "branch": None if settings.values.copies.allowed else settings.values.branch,
                "approval": settings.values.approval,
                "subject": trust.subject(settings.environment, settings.values.branch),
                "variables": variables,
            }
            if settings.values.copies.allowed and trust.pull_request_subject:
                forge["pull_requests"] = {"subject": trust.pull_request_subject, "variables": variables}
        found[trust.type] = forge
    return found


def lines(forges: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    for forge, told in forges.items():
        yield f"{forge}: {told['where']}"
        for environment, each in told["environments"].items():
            approval = ", after somebody else's approval" if each["approval"] == "required" else ""
            branch = f"branch {each['branch']}" if each["branch"] else "any branch, for its copies"
            yield f"  {environment}: {branch}{approval}; subject {each['subject']}"
            yield from (f"    {name}={value}" for name, value in each["variables"].items())
        if "pull_requests" in told:
            yield f"  pull requests: subject {told['pull_requests']['subject']}"
            yield from (f"    {name}={value}" for name, value in told["pull_requests"]["variables"].items())
