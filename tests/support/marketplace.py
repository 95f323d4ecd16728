"""The marketplace on local workspaces: a hub and sources, deployed from one clone as the guide tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import Clone, run
from tests.support.deployment import QUIET, Run, eventually, git_url, wait_for_run

APP = ".venv/bin/python -O -m stacks.marketplace"
SETTINGS = "infra/settings/marketplace.yaml"
APPROVALS = "ml_code/marketplace/approvals.yaml"
READERS = "model-readers"


class Market:
    """A clone whose marketplace.yaml names these sources, and a running workspace for each of them and for the hub."""

    def __init__(self, folder: Path, sources: Sequence[dict[str, Any]], **hub: Any) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.clone = Clone(folder)
        self.configure(sources, **hub)
        names = ["hub", *(source["name"] for source in sources)]
        repos = {git_url(): str(self.clone.remote)}
        with ThreadPoolExecutor(len(names)) as pool:
            started = pool.map(lambda name: launch.start(folder / name, port=0, repos=repos), names)
            self.workspaces: dict[str, Running] = dict(zip(names, started, strict=True))

    def configure(self, sources: Sequence[dict[str, Any]], **hub: Any) -> None:
        """Writes and pushes the settings; every workspace's address comes from the environment of who deploys it."""
        settings = yaml.safe_load((self.clone.path / SETTINGS).read_text())
        settings["archive"] = {"url": self.archive.as_uri()}
        settings["hub"] = {**settings["hub"], "host": None, "branch": "main", **hub}
        settings["defaults"] = {**settings["defaults"], "branch": "main", "groups": [READERS]}
        settings["workspaces"] = list(sources)
        settings["jobs"] = {**settings["jobs"], "retries": 0}
        settings["destroy_data"] = True
        text = "# yaml-language-server: $schema=schema/marketplace.json\n" + yaml.safe_dump(settings, sort_keys=False)
        self.clone.commit("main", {SETTINGS: text}, "Workspaces of the marketplace")

    def stop(self) -> None:
        for name in self.workspaces:
            launch.stop(self.folder / name)

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a shell that deploys to a workspace as its admin."""
        return {**launch.environment(self.workspaces[name]), **QUIET}

    def deploy_hub(self) -> None:
        """By cdktf, as the guide tells it; every stack is synthesized on the way."""
        self.clone.cdktf("deploy", "marketplace-hub", "--app", APP, environment=self.environment("hub"))

    def apply(self, name: str) -> None:
        """The synthesized stack of a workspace, by terraform itself."""
        for command in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
            run(["terraform", *command, "-no-color"], self.stack_folder(name), self.environment(name))

    def destroy(self, name: str) -> None:
        run(["terraform", "destroy", "-auto-approve", "-no-color"], self.stack_folder(name), self.environment(name))

    def approve(self, *approvals: dict[str, Any]) -> None:
        """A merged change of the approvals."""
        self.clone.commit("main", {APPROVALS: yaml.safe_dump({"approvals": list(approvals)})}, "Approvals")

    def stack_folder(self, name: str) -> Path:
        return self.clone.path / "cdktf.out/stacks" / f"marketplace-{name}"

    def run_job(self, name: str, job: str, **parameters: str) -> Run:
        """Runs a job of a workspace to its end."""
        workspace = self.workspaces[name]
        body = {"job_id": self._job_id(name, job), "job_parameters": parameters}
        run_id = workspace.call("POST", "/api/2.2/jobs/run-now", json=body)["run_id"]
        return wait_for_run(workspace, int(run_id))

    def begin_at(self, moment: datetime, job: str, *names: str) -> list[Run]:
        """Moves the workspaces' clocks to a moment at which a job of theirs is due, and waits until it has run there.

        Nobody starts it. AssertionError where it does not begin by itself.
        """
        before = {name: len(self._runs(name, job)) for name in names}
        for name in names:
            self.workspaces[name].call("PUT", "/api/2.0/local/clock", json={"now": moment.isoformat()})
        return [self._next(name, job, before[name]) for name in names]

    def now(self) -> datetime:
        """The hub's clock."""
        return datetime.fromisoformat(self.workspaces["hub"].call("GET", "/api/2.0/local/clock")["now"])

    def _location(self, name: str, table: str) -> str:
        found = self.workspaces[name].call("GET", f"/api/2.1/unity-catalog/tables/{table}")
        return str(found["storage_location"]).removeprefix("file://")

    def _next(self, name: str, job: str, before: int) -> Run:
        """The run that began after so many others."""
        newest, *_ = eventually(lambda: self._runs(name, job)[: -before or None])
        assert newest["trigger"] == "PERIODIC"
        return wait_for_run(self.workspaces[name], newest["run_id"])

    def _job_id(self, name: str, job: str) -> int:
        listed = self.workspaces[name].call("GET", "/api/2.2/jobs/list", params={"name": f"marketplace-{job}"})
        return int(listed["jobs"][0]["job_id"])

    def _runs(self, name: str, job: str) -> list[dict[str, Any]]:
        asked = {"job_id": self._job_id(name, job)}
        runs: list[dict[str, Any]] = (
            self.workspaces[name].call("GET", "/api/2.2/jobs/runs/list", params=asked).get("runs", [])
        )
        return runs

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This process as the admin of a workspace, for mlflow and databricks-sdk."""
        with pytest.MonkeyPatch.context() as patch:
            for key, value in launch.environment(self.workspaces[name]).items():
                if not key.startswith("TF_"):
                    patch.setenv(key, value)
            yield

    def make_readers(self, name: str) -> None:
        """A group that may read experiments and use approved models; the marketplace's service principal joins it."""
        path = "/api/2.0/preview/scim/v2/Groups"
        self.workspaces[name].call("POST", path, json={"displayName": READERS})

    def make_catalog(self, name: str, catalog: str, schema: str) -> None:
        unity = "/api/2.1/unity-catalog"
        self.workspaces[name].call("POST", f"{unity}/catalogs", json={"name": catalog})
        body = {"name": schema, "catalog_name": catalog}
        self.workspaces[name].call("POST", f"{unity}/schemas", json=body)

    def make_table(self, name: str, table: str, x: Sequence[float]) -> None:
        """A table with one column of numbers."""
        import deltalake
        import pyarrow as pa

        catalog, schema, short = table.split(".")
        column = {"name": "x", "type_name": "DOUBLE", "type_text": "double", "type_json": '"double"', "position": 0}
        body = {
            "catalog_name": catalog,
            "schema_name": schema,
            "name": short,
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "columns": [column],
        }
        self.workspaces[name].call("POST", "/api/2.1/unity-catalog/tables", json=body)
        deltalake.write_deltalake(self._location(name, table), pa.table({"x": list(x)}), mode="append")

    def rows(self, name: str, table: str) -> list[dict[str, Any]]:
        """All rows of a table of a workspace."""
        import deltalake

        found: list[dict[str, Any]] = deltalake.DeltaTable(self._location(name, table)).to_pyarrow_table().to_pylist()
        return found

    def train(self, name: str, model: str, slope: float, alias: str = "champion") -> str:
        """Logs and registers a version whose prediction is `slope` times x; returns its number."""
        import mlflow
        import pandas as pd

        with self.inside(name):
            client = mlflow.MlflowClient()
            experiment = f"/{model.replace('.', '_')}"
            found = client.get_experiment_by_name(experiment)
            experiment_id = found.experiment_id if found else client.create_experiment(experiment)
            entry = {"group_name": READERS, "permission_level": "CAN_READ"}
            path = f"/api/2.0/permissions/experiments/{experiment_id}"
            self.workspaces[name].call("PATCH", path, json={"access_control_list": [entry]})
            rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
            with mlflow.start_run(experiment_id=experiment_id):
                mlflow.log_params({"slope": slope})
                for step in range(5):
                    mlflow.log_metric("loss", 1 / (1 + step), step=step)
                info = mlflow.sklearn.log_model(
                    _line(slope, rows), name="model", input_example=rows, pip_requirements=["scikit-learn"]
                )
            version = mlflow.register_model(info.model_uri, model).version
            client.set_registered_model_alias(model, alias, version)
        return str(version)

    def predictions(self, name: str, model: str) -> list[float]:
        """What a model of a workspace says, loaded as its users load it."""
        import mlflow
        import pandas as pd

        with self.inside(name):
            loaded = mlflow.pyfunc.load_model(f"models:/{model}")
            return [float(each) for each in loaded.predict(pd.DataFrame({"x": [1.0, 2.0]}))]


def _line(slope: float, rows: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(rows, rows["x"] * slope)
