"""MLflow for the workspace's principals: the server, the experiments, and who may see what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.files.service import FilesService
from infra.workspace.files.volumes import Volumes
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store
from infra.workspace.tracking.access import Access
from infra.workspace.tracking.experiments import Experiments
from infra.workspace.tracking.lineage import Lineage
from infra.workspace.tracking.process import MlflowServer


class TrackingService:
    """Experiments by Databricks' rules; all other calls go to MLflow's server, through `access`.

    `start` begins importing MLflow in a process of its own and returns; calls that come before it is up wait.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        permissions: Permissions,
        files: FilesService,
        catalog: Volumes,
        config: WorkspaceConfig,
    ) -> None:
        folder = config.folder("mlflow").resolve()
        self.mlflow = MlflowServer(folder)
        self.experiments = Experiments(store, permissions, files, self.mlflow)
        self.lineage = Lineage(folder / "mlflow.db", self._wait_for_mlflow)
        self.access = Access(permissions, self.experiments, self.lineage)
        self.permissions = permissions
        permissions.register_type("experiments", self.experiments.known)

    def start(self) -> None:
        self.mlflow.start()

    def stop(self) -> None:
        self.mlflow.stop()

    def create_experiment(
        self, principal: Principal, name: str, tags: Sequence[Mapping[str, Any]], artifact_location: str
    ) -> dict[str, Any]:
        return {"experiment_id": self.experiments.create(principal, name, tags, artifact_location)}

    def get_experiment(self, principal: Principal, experiment_id: str) -> dict[str, Any]:
        return {"experiment": self.experiments.get(principal, experiment_id)}

    def get_experiment_by_name(self, principal: Principal, experiment_name: str) -> dict[str, Any]:
        return {"experiment": self.experiments.get_by_name(principal, experiment_name)}

    def update_experiment(self, principal: Principal, experiment_id: str, new_name: str) -> dict[str, Any]:
        self.experiments.rename(principal, experiment_id, new_name)
        return {}

    def delete_experiment(self, principal: Principal, experiment_id: str) -> dict[str, Any]:
        self.experiments.delete(principal, experiment_id)
        return {}

    def restore_experiment(self, principal: Principal, experiment_id: str) -> dict[str, Any]:
        self.experiments.restore(principal, experiment_id)
        return {}

    def list_experiments(self, principal: Principal, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Databricks' older name for a search without a filter."""
        body = {
            "max_results": 1000,
            **{key: fields[key] for key in ("max_results", "page_token", "view_type") if key in fields},
        }
        answer = self.mlflow.call("POST", "/api/2.0/mlflow/experiments/search", body)
        seen = [item for item in answer.get("experiments", []) if self.access.sees(principal, item["experiment_id"])]
        return {**answer, "experiments": seen}

    def _wait_for_mlflow(self) -> None:
        self.mlflow.call("GET", "/version")
