"""Privileges in Unity Catalog: `databricks_grants` owns all of a securable's, `databricks_grant` one principal's."""

from infra.workspace.terraform.families.catalog import UNITY
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, resource
from infra.workspace.terraform.session import Api, Json, segment

SECURABLES = {
    "catalog": "catalog",
    "credential": "credential",
    "external_location": "external_location",
    "foreign_connection": "connection",
    "function": "function",
    "metastore": "metastore",
    "model": "function",  # Unity Catalog keeps registered models among its functions
    "pipeline": "pipeline",
    "recipient": "recipient",
    "schema": "schema",
    "storage_credential": "storage_credential",
    "table": "table",
    "volume": "volume",
}

Privileges = dict[str, set[str]]


def _target(state: State) -> tuple[str, str]:
    if state.get("share"):
        raise Refused("privileges on shares are not served by the local workspace")
    return next((field, state[field]) for field in SECURABLES if state.get(field))


def _path(field: str, name: str) -> str:
    return f"{UNITY}/permissions/{SECURABLES[field]}/{segment(name)}"


def _held(api: Api, field: str, name: str) -> Privileges:
    answer = api.get(_path(field, name))
    return {each["principal"]: _normal(each.get("privileges")) for each in answer.get("privilege_assignments") or []}


def _normal(privileges: list[str] | None) -> set[str]:
    return {each.upper().replace(" ", "_") for each in privileges or []}


def _change(api: Api, field: str, name: str, held: Privileges, wanted: Privileges) -> None:
    """Grants what is missing and revokes what is too much, for the principals of either side."""
    changes: list[Json] = []
    for principal in sorted(held.keys() | wanted.keys()):
        has, wants = held.get(principal, set()), wanted.get(principal, set())
        change = {"principal": principal, "add": sorted(wants - has), "remove": sorted(has - wants)}
        if change["add"] or change["remove"]:
            changes.append({key: value for key, value in change.items() if value})
    if changes:
        api.patch(_path(field, name), {"changes": changes})


def _as_written(privileges: set[str], known: list[str] | None) -> list[str]:
    """The privileges in the spelling of the configuration (`USE SCHEMA` for `USE_SCHEMA`) where it names them."""
    spelled = {each.upper().replace(" ", "_"): each for each in known or []}
    return sorted(spelled.get(each, each) for each in privileges)


@resource("databricks_grants")
class Grants(Resource):
    def create(self, api: Api, new: State) -> str:
        field, name = _target(new)
        self._replace(api, field, name, new)
        return f"{field}/{name}"

    def read(self, api: Api, known: State) -> State | None:
        field, _, name = known["id"].partition("/")
        held = _held(api, field, name)
        if not held:
            return None
        spelled = {each["principal"]: each["privileges"] for each in known.get("grant") or []}
        grants = [
            {"principal": principal, "privileges": _as_written(privileges, spelled.get(principal))}
            for principal, privileges in sorted(held.items())
        ]
        return {field: name, "grant": grants}

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._replace(api, *_target(new), new)
        return None

    def delete(self, api: Api, old: State) -> None:
        self._replace(api, *_target(old), {"grant": []})

    def _replace(self, api: Api, field: str, name: str, state: State) -> None:
        wanted = {each["principal"]: _normal(each["privileges"]) for each in state.get("grant") or []}
        _change(api, field, name, _held(api, field, name), wanted)


@resource("databricks_grant")
class Grant(Resource):
    def create(self, api: Api, new: State) -> str:
        field, name = _target(new)
        self._replace(api, field, name, new["principal"], _normal(new["privileges"]))
        return f"{field}/{name}/{new['principal']}"

    def read(self, api: Api, known: State) -> State | None:
        parts = known["id"].split("/", 2)
        if len(parts) != 3:
            raise Refused(f"the id {known['id']!r} is not of the form SECURABLE/NAME/PRINCIPAL")
        field, name, principal = parts
        privileges = _held(api, field, name).get(principal)
        if not privileges:
            return None
        return {field: name, "principal": principal, "privileges": _as_written(privileges, known.get("privileges"))}

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._replace(api, *_target(new), new["principal"], _normal(new["privileges"]))
        return None

    def delete(self, api: Api, old: State) -> None:
        self._replace(api, *_target(old), old["principal"], set())

    def _replace(self, api: Api, field: str, name: str, principal: str, wanted: set[str]) -> None:
        held = _held(api, field, name).get(principal, set())
        _change(api, field, name, {principal: held}, {principal: wanted})
