"""Secrets of service principals and personal access tokens: their values are known at creation only."""

import time
from datetime import datetime

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, pick, resource
from infra.workspace.terraform.session import Api, segment


@resource("databricks_service_principal_secret")
class ServicePrincipalSecret(Resource):
    def create(self, api: Api, new: State) -> str:
        answer = api.post(self._path(new), pick(new, "lifetime"))
        new.update({name: answer.get(name) for name in self._FIELDS})
        return str(answer["id"])

    _FIELDS = ("create_time", "expire_time", "update_time", "secret", "secret_hash", "status")

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(self._path(known))
        found = next((each for each in answer.get("secrets") or [] if each["id"] == known["id"]), None)
        if found is None or _is_past(found.get("expire_time")):
            return None
        return {name: found[name] for name in self._FIELDS if found.get(name) and name != "secret"}

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{self._path(old)}/{segment(old['id'])}")

    def imported(self, api: Api, identifier: str) -> State:
        principal, slash, secret = identifier.partition("/")
        if not slash:
            raise Refused("import a secret as SERVICE_PRINCIPAL_ID/SECRET_ID; its value cannot be read again")
        return {"id": secret, "service_principal_id": principal}

    def _path(self, state: State) -> str:
        return f"/api/2.0/accounts/servicePrincipals/{segment(state['service_principal_id'])}/credentials/secrets"


def _is_past(moment: str | None) -> bool:
    return bool(moment) and datetime.fromisoformat(str(moment)).timestamp() < time.time()


@resource("databricks_token")
class Token(Resource):
    def create(self, api: Api, new: State) -> str:
        answer = api.post("/api/2.0/token/create", pick(new, "comment", "lifetime_seconds"))
        new["token_value"] = answer["token_value"]
        return str(answer["token_info"]["token_id"])

    def read(self, api: Api, known: State) -> State | None:
        tokens = api.get("/api/2.0/token/list").get("token_infos") or []
        found = next((each for each in tokens if each["token_id"] == known["id"]), None)
        if found is None or 0 < found.get("expiry_time", -1) < time.time() * 1000:
            return None
        return {name: found.get(name) for name in ("token_id", "creation_time", "expiry_time", "comment")}

    def delete(self, api: Api, old: State) -> None:
        api.post("/api/2.0/token/delete", {"token_id": old["id"]})
