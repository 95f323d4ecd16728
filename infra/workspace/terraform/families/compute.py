"""Cluster policies, clusters and SQL warehouses."""

import time
from typing import Any

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Mapper, Refused, Resource, pick, resource
from infra.workspace.terraform.session import Api, Json, segment

POLICIES = "/api/2.0/policies/clusters"
CLUSTERS = "/api/2.1/clusters"
WAREHOUSES = "/api/2.0/sql/warehouses"
_PATIENCE = 1200.0
_PAUSE = 0.2


@resource("databricks_cluster_policy")
class ClusterPolicy(Resource):
    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, {}, frozenset({"id", "policy_id", "libraries.provider_config"}))

    def create(self, api: Api, new: State) -> str:
        return str(api.post(f"{POLICIES}/create", self.mapper.body(new))["policy_id"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = api.get(f"{POLICIES}/list").get("policies") or []
        return next((str(each["policy_id"]) for each in found if each["name"] == new["name"]), None)

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{POLICIES}/get", {"policy_id": known["id"]})
        return {**self.mapper.state(answer), "policy_id": answer["policy_id"]}

    def update(self, api: Api, old: State, new: State) -> str | None:
        body = {**self.mapper.body(new), "policy_id": old["id"]}
        if body.get("policy_family_id"):
            body.pop("definition", None)
        api.post(f"{POLICIES}/edit", body)
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{POLICIES}/delete", {"policy_id": old["id"]})


def sized(cluster: Json) -> Json:
    """The cluster's request without the number of workers when it scales by itself."""
    return {name: value for name, value in cluster.items() if name != "num_workers" or not cluster.get("autoscale")}


def wait_for(api: Api, path: str, query: Json, ready: tuple[str, ...], failed: tuple[str, ...]) -> Json:
    """Asks until the object's state is one of `ready`; Refused when it failed or took too long."""
    end = time.monotonic() + _PATIENCE
    while True:
        answer = api.get(path, query)
        if answer.get("state") in ready:
            return answer
        if answer.get("state") in failed or time.monotonic() > end:
            raise Refused(f"is {answer.get('state')}: {answer.get('state_message') or 'it did not start'}")
        time.sleep(_PAUSE)


@resource("databricks_cluster")
class Cluster(Resource):
    _RUNNING = ("RUNNING", "RESIZING")
    _LOCAL = frozenset(
        {"id", "cluster_id", "state", "url", "default_tags", "is_pinned", "no_wait", "library", "provider_config"}
    )
    _FAILED = ("ERROR", "TERMINATED", "TERMINATING")

    @property
    def mapper(self) -> Mapper:
        local = {
            "id",
            "cluster_id",
            "state",
            "url",
            "default_tags",
            "is_pinned",
            "no_wait",
            "library",
            "provider_config",
        }
        return Mapper(self.schema.block, {}, frozenset(local))

    def create(self, api: Api, new: State) -> str:
        identifier = str(api.post(f"{CLUSTERS}/create", sized(self.mapper.body(new)))["cluster_id"])
        if new.get("is_pinned"):
            api.post(f"{CLUSTERS}/pin", {"cluster_id": identifier})
        if new.get("library"):
            body = {"cluster_id": identifier, "libraries": self._libraries(new)}
            api.post("/api/2.0/libraries/install", body)
        if not new.get("no_wait"):
            wait_for(api, f"{CLUSTERS}/get", {"cluster_id": identifier}, self._RUNNING, self._FAILED)
        return identifier

    def _libraries(self, state: State) -> list[Json]:
        nested = self.schema.block.blocks["library"].block
        return [Mapper(nested, {}, frozenset({"provider_config"})).body(each) for each in state.get("library") or []]

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{CLUSTERS}/get", {"cluster_id": known["id"]})
        pinned = api.get(f"{CLUSTERS}/list", {"filter_by.is_pinned": True, "page_size": 100}).get("clusters") or []
        return {
            **self.mapper.state(answer),
            "cluster_id": known["id"],
            "state": answer.get("state"),
            "default_tags": answer.get("default_tags"),
            "is_pinned": any(each["cluster_id"] == known["id"] for each in pinned),
            "url": f"{api.host}/#setting/clusters/{known['id']}/configuration",
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        body = {**sized(self.mapper.body(new)), "cluster_id": old["id"]}
        if body != {**sized(self.mapper.body(old)), "cluster_id": old["id"]}:
            api.post(f"{CLUSTERS}/edit", body)
        if bool(old.get("is_pinned")) != bool(new.get("is_pinned")):
            verb = "pin" if new.get("is_pinned") else "unpin"
            api.post(f"{CLUSTERS}/{verb}", {"cluster_id": old["id"]})
        before, after = self._libraries(old), self._libraries(new)
        for verb, wanted, other in (("install", after, before), ("uninstall", before, after)):
            rest = [each for each in wanted if each not in other]
            if rest:
                api.post(f"/api/2.0/libraries/{verb}", {"cluster_id": old["id"], "libraries": rest})
        return None

    def delete(self, api: Api, old: State) -> None:
        if old.get("is_pinned"):
            api.post(f"{CLUSTERS}/unpin", {"cluster_id": old["id"]})
        api.post(f"{CLUSTERS}/permanent-delete", {"cluster_id": old["id"]})


@resource("databricks_sql_endpoint")
class SqlEndpoint(Resource):
    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, {}, frozenset({"id", "data_source_id", "no_wait"}))

    def create(self, api: Api, new: State) -> str:
        identifier = str(api.post(WAREHOUSES, self._body(new))["id"])
        if not new.get("no_wait"):
            address = f"{WAREHOUSES}/{segment(identifier)}"
            wait_for(api, address, {}, ("RUNNING",), ("STOPPED", "DELETED", "STOPPING"))
        return identifier

    def _body(self, state: State) -> Json:
        computed = {name for name, each in self.schema.block.attributes.items() if each.computed and not each.optional}
        return {name: value for name, value in self.mapper.body(state).items() if name not in computed}

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = api.get(WAREHOUSES).get("warehouses") or []
        return next((str(each["id"]) for each in found if each["name"] == new["name"]), None)

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{WAREHOUSES}/{segment(known['id'])}")
        sources = data_sources(api)
        source = next((each["id"] for each in sources if each.get("warehouse_id") == known["id"]), None)
        return {**self.mapper.state(answer), "data_source_id": source}

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.post(f"{WAREHOUSES}/{segment(old['id'])}/edit", self._body(new))
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{WAREHOUSES}/{segment(old['id'])}")


def data_sources(api: Api) -> list[dict[str, Any]]:
    """The legacy ids that dashboards and queries know warehouses by."""
    answer = api.get("/api/2.0/preview/sql/data_sources")
    found = answer.get("value", answer.get("data_sources"))
    return list(found or [])


@resource("databricks_notification_destination")
class NotificationDestination(Resource):
    _PATH = "/api/2.0/notification-destinations"

    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, {}, frozenset({"id"}))

    def create(self, api: Api, new: State) -> str:
        return str(api.post(self._PATH, self._body(new))["id"])

    def _body(self, state: State) -> Json:
        body = pick(state, "display_name")
        if state.get("config"):
            body["config"] = self.mapper.body(state)["config"]
        return body

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = api.get(self._PATH).get("results") or []
        return next((str(each["id"]) for each in found if each["display_name"] == new["display_name"]), None)

    def read(self, api: Api, known: State) -> State | None:
        """What is secret is not answered, only whether it is set: it keeps its configured value."""
        state = self.mapper.state(api.get(f"{self._PATH}/{segment(known['id'])}"))
        for config in state["config"]:
            self._drop_plain_flags(config)
        for answered, kept in zip(state["config"], known.get("config") or [], strict=False):
            for kind, elements in answered.items():
                if elements and kept.get(kind):
                    hidden = {name: value for name, value in kept[kind][0].items() if elements[0].get(name) is None}
                    elements[0].update(hidden)
        return state

    def _drop_plain_flags(self, config: State) -> None:
        """Flags such as app_id_set that the schema does not call computed would show as drift."""
        blocks = self.schema.block.blocks["config"].block.blocks
        for kind, elements in config.items():
            for name, attribute in blocks[kind].block.attributes.items():
                if elements and name.endswith("_set") and not attribute.computed:
                    elements[0][name] = None

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.patch(f"{self._PATH}/{segment(old['id'])}", self._body(new))
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{self._PATH}/{segment(old['id'])}")
