"""Catalogs, schemas, volumes and registered models of Unity Catalog."""

from typing import ClassVar

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Mapper, Resource, changed, resource
from infra.workspace.terraform.session import Api, Json, RestError, segment

UNITY = "/api/2.1/unity-catalog"
_BOOKKEEPING = ("created_at", "created_by", "updated_at", "updated_by", "full_name", "metastore_id")


class Securable(Resource):
    """An object of Unity Catalog, read and changed by its full name; a second call sets its owner."""

    path: ClassVar[str]
    creates: ClassVar[tuple[str, ...]]
    """Arguments of the create request."""
    updates: ClassVar[tuple[str, ...]]
    """Arguments of the update request, the owner apart."""
    late: ClassVar[tuple[str, ...]] = ("owner",)
    """Arguments that creation does not take: when one is set, an update follows."""
    local: ClassVar[frozenset[str]] = frozenset({"id", "force_destroy"})
    forced: ClassVar[bool] = False
    """Whether deletion takes `force`."""

    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, {}, self.local)

    def create(self, api: Api, new: State) -> str:
        body = self.mapper.body(new)
        answer = api.post(f"{UNITY}/{self.path}", {name: body[name] for name in self.creates if name in body})
        identifier = self.identifier(answer)
        self.created(api, answer)
        if any(new.get(name) for name in self.late):
            late = {name: new[name] for name in (*self.late, *self.updates) if new.get(name) and name != "name"}
            api.patch(self.address(identifier), late)
        return identifier

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        name = ".".join(new[part] for part in ("catalog_name", "schema_name", "name") if new.get(part))
        return self.identifier(api.get(self.address(name)))

    def adopt(self, api: Api, old: State, new: State) -> str | None:
        self.created(api, new)
        return self.update(api, old, new)

    def identifier(self, answer: Json) -> str:
        return str(answer["full_name"])

    def created(self, api: Api, answer: Json) -> None:
        """What follows creation, before ownership is passed on."""

    def address(self, identifier: str) -> str:
        return f"{UNITY}/{self.path}/{segment(identifier)}"

    def read(self, api: Api, known: State) -> State | None:
        return self.mapper.state(api.get(self.address(known["id"])))

    def update(self, api: Api, old: State, new: State) -> str | None:
        address = self.address(old["id"])
        if changed(old, new, "owner") and new.get("owner"):
            api.patch(address, {"owner": new["owner"]})
        if not changed(old, new, *self.updates):
            return None
        body = {name: new.get(name) for name in self.updates if new.get(name) is not None}
        if changed(old, new, "comment"):
            body["comment"] = new.get("comment") or ""
        if changed(old, new, "name"):
            body["new_name"] = body["name"]
        body.pop("name", None)
        try:
            return self.identifier(api.patch(address, body))
        except RestError:
            if changed(old, new, "owner"):
                api.patch(address, {"owner": old["owner"]})
            raise

    def delete(self, api: Api, old: State) -> None:
        api.delete(self.address(old["id"]), {"force": bool(old.get("force_destroy"))} if self.forced else None)


@resource("databricks_catalog")
class Catalog(Securable):
    path = "catalogs"
    creates = (
        "name",
        "comment",
        "properties",
        "storage_root",
        "provider_name",
        "share_name",
        "connection_name",
        "options",
    )
    updates = ("name", "comment", "properties", "isolation_mode", "enable_predictive_optimization")
    late = ("owner", "isolation_mode", "enable_predictive_optimization")
    local = frozenset({"id", "force_destroy", "provisioning_info"})
    forced = True

    def identifier(self, answer: Json) -> str:
        return str(answer["name"])

    def created(self, api: Api, answer: Json) -> None:
        """Databricks gives a new catalog a schema `default`, which the provider takes away."""
        if answer.get("share_name") or answer.get("connection_name"):
            return
        try:
            api.delete(f"{UNITY}/schemas/{segment(answer['name'] + '.default')}")
        except RestError as error:
            if not error.is_missing:
                raise


@resource("databricks_schema")
class Schema(Securable):
    path = "schemas"
    creates = ("catalog_name", "name", "comment", "properties", "storage_root")
    updates = ("comment", "properties", "enable_predictive_optimization")
    late = ("owner", "enable_predictive_optimization")
    forced = True


@resource("databricks_volume")
class Volume(Securable):
    path = "volumes"
    creates = ("catalog_name", "schema_name", "name", "volume_type", "storage_location", "comment")
    updates = ("name", "comment")

    def read(self, api: Api, known: State) -> State | None:
        state = super().read(api, known) or {}
        name = f"{state['catalog_name']}/{state['schema_name']}/{state['name']}"
        return {**state, "volume_path": f"/Volumes/{name}"}


@resource("databricks_registered_model")
class RegisteredModel(Securable):
    path = "models"
    creates = ("catalog_name", "schema_name", "name", "storage_location", "comment")
    updates = ("comment",)
    local = frozenset({"id"})
