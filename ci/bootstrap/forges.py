"""What a forge must be told so that its jobs log in: addresses and ids, no secret among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.settings import Settings

_HOW = {
    "github": (
        "github-oidc",
        "as variables of the GitHub environment (Settings, Environments), which takes deployments from its branch"
        " alone; for pull requests as variables of the repository",
    ),
    "azure_pipelines": (
        "azure-devops-oidc",
        "as a variable group (Pipelines, Library) that only the environment's pipeline may use",
    ),
    "jenkins": (
        "file-oidc",
        "as environment variables of the job; DATABRICKS_OIDC_TOKEN_FILEPATH is the file credential of the plugin",
    ),
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
                "branch": settings.values.branch,
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
            approval = ", with an approval by somebody else" if each["approval"] == "required" else ""
            yield f"  {environment} (branch {each['branch']} alone{approval}; subject {each['subject']})"
            yield from (f"    {name}={value}" for name, value in each["variables"].items())
        if "pull_requests" in told:
            yield f"  pull requests (subject {told['pull_requests']['subject']})"
            yield from (f"    {name}={value}" for name, value in told["pull_requests"]["variables"].items())
