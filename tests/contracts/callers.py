"""The principals of a recording, with credentials of this run."""

from __future__ import annotations

import base64

import httpx

from infra.workspace import launch
from infra.workspace.launch import Running

_PRINCIPALS = "/api/2.0/preview/scim/v2/ServicePrincipals"
_LIFETIME_SECONDS = 600


class Callers:
    """Gives each caller the headers that it signs its requests with; credentials are made when first needed."""

    def __init__(self, workspace: Running) -> None:
        self._workspace = workspace
        self._known: dict[str, dict[str, str]] = {
            "admin": {"Authorization": f"Bearer {workspace.token}"},
            "nobody": {},
        }

    def headers(self, caller: str) -> dict[str, str]:
        """Of "admin", "nobody", or a service principal by its display name, which signs with a token of its own.

        Before the name, "client:" has it sign with its OAuth client id and secret, "oauth:" with the token that it
        gets for them.
        """
        if caller not in self._known:
            self._known[caller] = {"Authorization": self._authorization(*caller.rpartition(":")[::2])}
        return self._known[caller]

    def _authorization(self, way: str, name: str) -> str:
        if way == "client":
            return self._client_credentials(name)
        if way == "oauth":
            return f"Bearer {self._oauth_token(name)}"
        return f"Bearer {launch.service_principal_token(self._workspace, name, _LIFETIME_SECONDS)}"

    def _client_credentials(self, name: str) -> str:
        named = {"filter": f'displayName eq "{name}"'}
        principal = self._workspace.call("GET", _PRINCIPALS, params=named)["Resources"][0]
        secrets = f"/api/2.0/accounts/servicePrincipals/{principal['id']}/credentials/secrets"
        secret = self._workspace.call("POST", secrets, json={})["secret"]
        return "Basic " + base64.b64encode(f"{principal['applicationId']}:{secret}".encode()).decode()

    def _oauth_token(self, name: str) -> str:
        answer = httpx.post(
            f"{self._workspace.url}/oidc/v1/token",
            data={"grant_type": "client_credentials", "scope": "all-apis"},
            headers=self.headers(f"client:{name}"),
        )
        return str(answer.raise_for_status().json()["access_token"])
