"""MLflow experiments and models of the workspace registry (MLflow REST API 2.0)."""

from typing import Any

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Resource, changed, pick, resource
from infra.workspace.terraform.session import Api, Json

MLFLOW = "/api/2.0/mlflow"


def tag_list(elements: list[Json] | None) -> list[Json]:
    """Tags without their empty members, as MLflow takes them."""
    return [{"key": each["key"], "value": each.get("value") or ""} for each in elements or []]


@resource("databricks_mlflow_experiment")
class Experiment(Resource):
    def create(self, api: Api, new: State) -> str:
        body: dict[str, Any] = pick(new, "name", "artifact_location")
        if new.get("tags"):
            body["tags"] = tag_list(new["tags"])
        return str(api.post(f"{MLFLOW}/experiments/create", body)["experiment_id"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = api.get(f"{MLFLOW}/experiments/get-by-name", {"experiment_name": new["name"]})["experiment"]
        return None if found.get("lifecycle_stage") == "deleted" else str(found["experiment_id"])

    def read(self, api: Api, known: State) -> State | None:
        found = api.get(f"{MLFLOW}/experiments/get", {"experiment_id": known["id"]})["experiment"]
        if found.get("lifecycle_stage") == "deleted":
            return None
        names = ("name", "artifact_location", "experiment_id", "creation_time", "last_update_time", "lifecycle_stage")
        state = {name: found.get(name) for name in names}
        if known.get("tags"):
            state["tags"] = _own_tags(known["tags"], found.get("tags") or [])
        return state

    def update(self, api: Api, old: State, new: State) -> str | None:
        if changed(old, new, "name"):
            api.post(f"{MLFLOW}/experiments/update", {"experiment_id": old["id"], "new_name": new["name"]})
        for tag in tag_list(new.get("tags")):
            if tag not in tag_list(old.get("tags")):
                api.post(f"{MLFLOW}/experiments/set-experiment-tag", {"experiment_id": old["id"], **tag})
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{MLFLOW}/experiments/delete", {"experiment_id": old["id"]})


def _own_tags(known: list[Json], found: list[Json]) -> list[Json]:
    """The tags that the configuration sets, with their values now; Databricks adds tags of its own."""
    values = {each["key"]: each.get("value") for each in found}
    return [{"key": each["key"], "value": values[each["key"]]} for each in known if each["key"] in values]


@resource("databricks_mlflow_model")
class Model(Resource):
    def create(self, api: Api, new: State) -> str:
        body: dict[str, Any] = pick(new, "name", "description")
        if new.get("tags"):
            body["tags"] = tag_list(new["tags"])
        answer = api.post(f"{MLFLOW}/registered-models/create", body)
        return str(answer["registered_model"]["name"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        answer = api.get(f"{MLFLOW}/databricks/registered-models/get", {"name": new["name"]})
        return str(answer["registered_model_databricks"]["name"])

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{MLFLOW}/databricks/registered-models/get", {"name": known["id"]})
        found = answer["registered_model_databricks"]
        return {
            "name": found["name"],
            "description": found.get("description"),
            "registered_model_id": found.get("id"),
            "tags": found.get("tags") or [],
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        body = {"name": new["name"], "description": new.get("description") or ""}
        api.patch(f"{MLFLOW}/registered-models/update", body)
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{MLFLOW}/registered-models/delete", {"name": old["id"]})
