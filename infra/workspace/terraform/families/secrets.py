"""Secret scopes, secrets and who may read them (Secrets API 2.0)."""

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, resource
from infra.workspace.terraform.session import Api

_SECRETS = "/api/2.0/secrets"
_BETWEEN = "|||"
"""What the real provider puts between the parts of an id."""


@resource("databricks_secret_scope")
class SecretScope(Resource):
    def create(self, api: Api, new: State) -> str:
        body = {"scope": new["name"], "scope_backend_type": "DATABRICKS"}
        if new.get("initial_manage_principal"):
            body["initial_manage_principal"] = new["initial_manage_principal"]
        if new.get("keyvault_metadata"):
            body |= {"scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": new["keyvault_metadata"][0]}
        api.post(f"{_SECRETS}/scopes/create", body)
        return str(new["name"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        scopes = api.get(f"{_SECRETS}/scopes/list").get("scopes") or []
        return next((str(each["name"]) for each in scopes if each["name"] == new["name"]), None)

    def adopt(self, api: Api, old: State, new: State) -> str | None:
        return None  # a scope has nothing that could be updated

    def read(self, api: Api, known: State) -> State | None:
        scopes = api.get(f"{_SECRETS}/scopes/list").get("scopes") or []
        found = next((each for each in scopes if each["name"] == known["id"]), None)
        if found is None:
            return None
        vault = found.get("keyvault_metadata")
        return {
            "name": found["name"],
            "backend_type": found.get("backend_type"),
            "keyvault_metadata": [vault] if vault else [],
        }

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_SECRETS}/scopes/delete", {"scope": old["id"]})


def _parts(identifier: str) -> tuple[str, str]:
    scope, between, name = identifier.partition(_BETWEEN)
    if not between:
        raise Refused(f"the id {identifier!r} is not of the form SCOPE{_BETWEEN}NAME")
    return scope, name


@resource("databricks_secret")
class Secret(Resource):
    def create(self, api: Api, new: State) -> str:
        body = {"scope": new["scope"], "key": new["key"], "string_value": new["string_value"]}
        api.post(f"{_SECRETS}/put", body)
        return f"{new['scope']}{_BETWEEN}{new['key']}"

    def read(self, api: Api, known: State) -> State | None:
        scope, key = _parts(known["id"])
        secrets = api.get(f"{_SECRETS}/list", {"scope": scope}).get("secrets") or []
        found = next((each for each in secrets if each["key"] == key), None)
        if found is None:
            return None
        return {
            "scope": scope,
            "key": key,
            "config_reference": f"{{{{secrets/{scope}/{key}}}}}",
            "last_updated_timestamp": found.get("last_updated_timestamp"),
        }

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_SECRETS}/delete", {"scope": old["scope"], "key": old["key"]})


@resource("databricks_secret_acl")
class SecretAcl(Resource):
    def create(self, api: Api, new: State) -> str:
        body = {name: new[name] for name in ("scope", "principal", "permission")}
        api.post(f"{_SECRETS}/acls/put", body)
        return f"{new['scope']}{_BETWEEN}{new['principal']}"

    def read(self, api: Api, known: State) -> State | None:
        scope, principal = _parts(known["id"])
        found = api.get(f"{_SECRETS}/acls/get", {"scope": scope, "principal": principal})
        return {"scope": scope, "principal": principal, "permission": found["permission"]}

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_SECRETS}/acls/delete", {"scope": old["scope"], "principal": old["principal"]})
