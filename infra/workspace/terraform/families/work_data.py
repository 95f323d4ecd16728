"""Data sources of jobs, MLflow, compute and the workspace itself."""

import re

from infra.workspace.terraform.families.compute import CLUSTERS, POLICIES, WAREHOUSES, data_sources
from infra.workspace.terraform.families.jobs import JOBS, NAMES, get_job, sort_settings
from infra.workspace.terraform.families.mlflow import MLFLOW
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import DataSource, Mapper, Refused, data_source, is_uuid
from infra.workspace.terraform.session import Api, Json, segment


def _find_jobs(api: Api, name: str | None = None) -> list[Json]:
    return api.pages(f"{JOBS}/list", "jobs", {"limit": 100, "name": name})


@data_source("databricks_job")
class JobData(DataSource):
    def read(self, api: Api, config: State) -> State:
        name = config.get("name") or config.get("job_name")
        identifier = config.get("job_id") or config.get("id")
        if name:
            found = [each["job_id"] for each in _find_jobs(api, name) if each["settings"].get("name") == name]
            if not found:
                raise Refused("no job found with specified name")
            identifier = str(found[0])
        if not identifier:
            raise Refused("please specify either job_name or job_id")
        job = get_job(api, str(identifier))
        names = {f"settings.{path}" if not path.startswith("**.") else path: to for path, to in NAMES.items()}
        job["settings"] = sort_settings(job["settings"])
        runs_as = job.get("run_as_user_name")
        if runs_as:
            job["settings"]["run_as"] = {"service_principal_name" if is_uuid(runs_as) else "user_name": runs_as}
        block = self.schema.block.blocks["job_settings"].block
        title = job["settings"].get("name")
        return {
            "id": str(identifier),
            "job_id": str(identifier),
            "name": title,
            "job_name": config.get("job_name"),
            "job_settings": [Mapper(block, names).state(job)],
        }


@data_source("databricks_jobs")
class JobsData(DataSource):
    def read(self, api: Api, config: State) -> State:
        part = (config.get("job_name_contains") or "").lower()
        key = (config.get("key") or "name").lower()
        if key not in ("name", "id"):
            raise Refused(f"unsupported key {key}, must be one of name or id")
        ids: dict[str, str] = {}
        for job in _find_jobs(api):
            name, identifier = job["settings"].get("name", ""), str(job["job_id"])
            if part not in name.lower():
                continue
            chosen = name if key == "name" else identifier
            if chosen in ids:
                raise Refused(f"duplicate job {key} detected: {chosen}")
            ids[chosen] = identifier
        return {"id": "_", "ids": ids, "key": key}


@data_source("databricks_mlflow_experiment")
class ExperimentData(DataSource):
    def read(self, api: Api, config: State) -> State:
        if config.get("name"):
            answer = api.get(f"{MLFLOW}/experiments/get-by-name", {"experiment_name": config["name"]})
        elif config.get("experiment_id"):
            answer = api.get(f"{MLFLOW}/experiments/get", {"experiment_id": config["experiment_id"]})
        else:
            raise Refused("either 'experiment_id' or 'name' should be provided")
        found = answer["experiment"]
        return {**Mapper(self.schema.block, {}).state(found), "id": found["experiment_id"]}


@data_source("databricks_mlflow_model")
class ModelData(DataSource):
    def read(self, api: Api, config: State) -> State:
        answer = api.get(f"{MLFLOW}/databricks/registered-models/get", {"name": config["name"]})
        return Mapper(self.schema.block, {}).state(answer["registered_model_databricks"])


@data_source("databricks_cluster_policy")
class ClusterPolicyData(DataSource):
    def read(self, api: Api, config: State) -> State:
        policies = api.get(f"{POLICIES}/list").get("policies") or []
        found = [each for each in policies if each["name"] == config.get("name")]
        if len(found) != 1:
            raise Refused(f"there are {len(found)} cluster policies with the name {config.get('name')}")
        return {**Mapper(self.schema.block, {}).state(found[0]), "id": found[0]["policy_id"]}


@data_source("databricks_spark_version")
class SparkVersion(DataSource):
    _MARKS = (("ml", "-ml"), ("genomics", "-hls"), ("gpu", "-gpu"), ("photon", "-photon"), ("graviton", "-aarch64"))

    def read(self, api: Api, config: State) -> State:
        scala = config.get("scala") or "2.12"
        latest = config.get("latest") is not False
        versions = api.get(f"{CLUSTERS}/spark-versions").get("versions") or []
        found = [each["key"] for each in versions if self._matches(config, each, scala)]
        if not found or (len(found) > 1 and not latest):
            raise Refused(f"spark versions query returned {'no' if not found else 'multiple'} results")
        newest = max(found, key=lambda key: [int(part) for part in re.findall(r"\d+", key)[:2]])
        return {"id": newest, "scala": scala, "latest": latest}

    def _matches(self, config: State, version: Json, scala: str) -> bool:
        key, name = version["key"], version["name"]
        if key.startswith("apache-spark-") or not key.endswith((f"-scala{scala}", f"-scala{scala}.x")):
            return False
        if any(bool(config.get(flag)) != (mark in key) for flag, mark in self._MARKS if flag != "photon"):
            return False
        if bool(config.get("long_term_support")) and "LTS" not in name and "-esr-" not in key:
            return False
        if not config.get("beta") and "Beta" in name:
            return False
        wanted = config.get("spark_version")
        return not wanted or f"Apache Spark {wanted}" in name


@data_source("databricks_node_type")
class NodeType(DataSource):
    def read(self, api: Api, config: State) -> State:
        types = api.get(f"{CLUSTERS}/list-node-types").get("node_types") or []
        found = [each for each in types if self._fits(config, each)]
        if not found:
            raise Refused("cannot find a node type that fits")
        found.sort(key=lambda each: (each.get("num_cores", 0), each.get("memory_mb", 0), each.get("num_gpus", 0)))
        return {"id": found[0]["node_type_id"]}

    def _fits(self, config: State, node: Json) -> bool:
        memory = node.get("memory_mb", 0) // 1024
        cores = node.get("num_cores", 0)
        wanted = {name: config.get(name) or 0 for name in ("min_memory_gb", "min_cores", "min_gpus", "gb_per_core")}
        return (
            memory >= wanted["min_memory_gb"]
            and cores >= wanted["min_cores"]
            and node.get("num_gpus", 0) >= wanted["min_gpus"]
            and (not wanted["gb_per_core"] or memory >= wanted["gb_per_core"] * cores)
            and (not config.get("category") or node.get("category", "").lower() == config["category"].lower())
            and not node.get("is_deprecated")
        )


@data_source("databricks_current_config")
class CurrentConfig(DataSource):
    def read(self, api: Api, config: State) -> State:
        return {
            "id": "_",
            "host": api.host,
            "is_account": False,
            "account_id": None,
            "auth_type": "pat" if api.uses_token else "oauth-m2m",
            "cloud_type": _cloud(api.host),
        }


def _cloud(host: str) -> str:
    for part, cloud in ((".azuredatabricks.", "azure"), (".gcp.databricks.", "gcp"), (".cloud.databricks.", "aws")):
        if part in host:
            return cloud
    return "aws"  # what the real provider takes where the host does not tell


@data_source("databricks_directory")
class DirectoryData(DataSource):
    def read(self, api: Api, config: State) -> State:
        answer = api.get("/api/2.0/workspace/get-status", {"path": config["path"]})
        if answer.get("object_type") != "DIRECTORY":
            raise Refused(f"'{config['path']}' isn't a directory")
        path = answer["path"]
        return {"id": path, "object_id": answer.get("object_id"), "workspace_path": f"/Workspace{path}"}


@data_source("databricks_sql_warehouse")
class SqlWarehouseData(DataSource):
    def read(self, api: Api, config: State) -> State:
        name, identifier = config.get("name"), config.get("id")
        found = [
            each
            for each in data_sources(api)
            if (name and each.get("name") == name) or (identifier and each.get("warehouse_id") == identifier)
        ]
        if len(found) != 1:
            raise Refused(f"there are {len(found)} SQL warehouses with {'name' if name else 'ID'} {name or identifier}")
        answer = api.get(f"{WAREHOUSES}/{segment(found[0]['warehouse_id'])}")
        return {**Mapper(self.schema.block, {}).state(answer), "data_source_id": found[0]["id"]}


@data_source("databricks_sql_warehouses")
class SqlWarehousesData(DataSource):
    def read(self, api: Api, config: State) -> State:
        part = (config.get("warehouse_name_contains") or "").lower()
        found = api.get(WAREHOUSES).get("warehouses") or []
        return {"id": "_", "ids": sorted(each["id"] for each in found if part in each.get("name", "").lower())}
