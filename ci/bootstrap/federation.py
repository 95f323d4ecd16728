"""Federation policies: whose tokens stand for an environment's service principal, and for no other's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.bootstrap.report import Did, Way
from ci.errors import Trouble
from infra.settings import Settings
from infra.settings.federation import Trust

if TYPE_CHECKING:
    from databricks.sdk import AccountClient, WorkspaceClient
    from databricks.sdk.service.iam import ServicePrincipal
    from databricks.sdk.service.oauth2 import FederationPolicy

OWN = "branchline-"
"""Policies whose ids begin so are ours; others are left as they are."""

_CONSOLES = {
    ".azuredatabricks.net": "https://accounts.azuredatabricks.net",
    ".gcp.databricks.com": "https://accounts.gcp.databricks.com",
    ".cloud.databricks.com": "https://accounts.cloud.databricks.com",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Policies:
    """The policies of one environment's service principal, kept by an account admin."""

    def __init__(self, settings: Settings, workspace: WorkspaceClient, way: Way) -> None:
        self._settings = settings
        self._workspace = workspace
        self._way = way

    @property
    def account_id(self) -> str:
        """The Databricks account that the policies belong to; raises Trouble where nothing tells it."""
        return account_of(self._settings, self._workspace)

    def principal(self) -> ServicePrincipal | None:
        """The service principal as the workspace knows it; None before its admin stack is deployed."""
        name = self._settings.values.service_principal
        return next(iter(self._workspace.service_principals.list(filter=f'displayName eq "{name}"')), None)

    def wanted(self) -> dict[str, FederationPolicy]:
        """By id: one for each forge, and one for its pull requests where the environment is the one that has copies."""
        from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy

        def policy(what: str, trust: Trust, subject: str, claim: str | None = None) -> FederationPolicy:
            audiences = [trust.audience or self.account_id]
            oidc = OidcFederationPolicy(issuer=trust.issuer, audiences=audiences, subject=subject, subject_claim=claim)
            return FederationPolicy(description=f"{what} of {self._settings.project.project}", oidc_policy=oidc)

        environment, values = self._settings.environment, self._settings.values
        found = {}
        for trust in self._settings.project.federation.trusts:
            name = f"{OWN}{trust.type.replace('_', '-')}"
            found[name] = policy(f"jobs for {environment}", trust, trust.subject(environment, values.branch))
            if values.copies.allowed and trust.pull_request_subject:
                claim = trust.pull_request_claim if trust.type == "jenkins" else None
                wanted = policy("pull requests", trust, trust.pull_request_subject, claim)
                found[f"{name}-pull-request"] = wanted
        return found

    def ensure(self) -> None:
        """Makes, corrects and removes our own policies until they are those that the settings ask for.

        Where the settings trust no forge, the account is not asked at all: its admin may be somebody else.
        """
        principal, wanted = self.principal(), self.wanted()
        if not wanted:
            self._way.did(f"{self._settings.environment}: no login from CI, federation.trusts is empty", "unchanged")
            return
        if principal is None:  # a dry run has not deployed its admin stack
            for name in wanted:
                self._did(name, "made")
            return
        owner = int(principal.id or 0)
        present = {policy.policy_id or "": policy for policy in self._present(owner)}
        api = self._account().service_principal_federation_policy
        for name, policy in wanted.items():
            if name in present and _same(present[name], policy):
                self._did(name, "unchanged")
                continue
            if not self._way.dry_run and name in present:
                api.update(owner, name, policy, update_mask="description,oidc_policy")
            elif not self._way.dry_run:
                api.create(owner, policy, policy_id=name)
            self._did(name, "changed" if name in present else "made")
        self._remove(owner, [name for name in present if name not in wanted])

    def remove(self) -> None:
        """Removes all of our own policies; nobody logs in as the service principal from a forge any more."""
        principal = self.principal()
        if principal is not None and self._settings.project.federation.trusts:
            owner = int(principal.id or 0)
            self._remove(owner, [policy.policy_id or "" for policy in self._present(owner)])

    def _remove(self, owner: int, names: list[str]) -> None:
        for name in names:
            if name.startswith(OWN):
                if not self._way.dry_run:
                    self._account().service_principal_federation_policy.delete(owner, name)
                self._did(name, "removed")

    def _present(self, owner: int) -> list[FederationPolicy]:
        from databricks.sdk.errors.base import DatabricksError

        account = self._account()
        try:
            return list(account.service_principal_federation_policy.list(owner))
        except (DatabricksError, ValueError) as error:
            raise Trouble(
                f"federation policies are an account admin's, and {account.config.host} says: {error}\n"
                f"log in:  databricks auth login --host {account.config.host} --account-id {self.account_id}"
                " --profile branchline-account\nand name the profile in infra/settings/project.yaml:"
                " federation.account_profile; then run the same again"
            ) from error

    def _account(self) -> AccountClient:
        from databricks.sdk import AccountClient
        from databricks.sdk.config import Config

        known, host = self._workspace.config, console_of(self._settings, self._workspace.config.host or "")
        profile = self._settings.project.federation.account_profile
        if host == known.host and known.token:
            return AccountClient(
                config=Config(host=host, account_id=self.account_id, token=known.token, auth_type="pat")
            )
        return AccountClient(config=Config(host=host, account_id=self.account_id, profile=profile))

    def _did(self, name: str, did: Did) -> None:
        self._way.did(f"{self._settings.values.service_principal}: federation policy {name}", did)


def account_of(settings: Settings, workspace: WorkspaceClient) -> str:
    """The Databricks account's id: the settings', else the workspace's own word. Raises Trouble where neither is."""
    found: str | None = settings.project.federation.account_id or workspace.config.account_id
    if not found:
        raise Trouble(
            "the workspace does not tell which account it belongs to: set federation.account_id in"
            " infra/settings/project.yaml (the account console shows it), or DATABRICKS_ACCOUNT_ID"
        )
    return found


def console_of(settings: Settings, host: str) -> str:
    """Where the account's API is: the settings' address, else the cloud's; a local workspace answers for its own."""
    name = urlsplit(host).hostname or ""
    known = next((console for ending, console in _CONSOLES.items() if name.endswith(ending)), None)
    found = settings.project.federation.account_host or (host if name in _LOOPBACK else known)
    if not found:
        raise Trouble(f"no account console is known for {host}: set federation.account_host in project.yaml")
    return found


def _same(present: FederationPolicy, wanted: FederationPolicy) -> bool:
    return (present.description, _meaning(present)) == (wanted.description, _meaning(wanted))


def _meaning(policy: FederationPolicy) -> tuple[object, ...]:
    """What counts of a policy, whether or not an answer spells out its defaults."""
    oidc = policy.oidc_policy
    if oidc is None:
        return ()
    keys = (oidc.jwks_uri or None, oidc.jwks_json or None)
    return (oidc.issuer, frozenset(oidc.audiences or ()), oidc.subject, oidc.subject_claim or "sub", *keys)
