"""Experiments as Databricks has them: objects of the workspace tree, MLflow's store behind them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from infra.workspace.files import paths
from infra.workspace.files.service import FilesService
from infra.workspace.files.tree import Node
from infra.workspace.gateway.errors import AlreadyExists, InvalidState, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents
from infra.workspace.tracking.process import MlflowError, MlflowServer

_API = "/api/2.0/mlflow/experiments/"
_NODE = "MLFLOW_EXPERIMENT"


class ExperimentTaken(AlreadyExists):
    error_code, status = "RESOURCE_ALREADY_EXISTS", 400


class Experiments:
    """Creates, finds, renames, deletes and restores experiments.

    MLflow keeps them in a database of its own, so a kill can fall between its change and ours. Ours decides: an
    experiment exists if our store knows it, and what MLflow has besides is put aside when its name is needed.
    """

    def __init__(self, store: Store, permissions: Permissions, files: FilesService, mlflow: MlflowServer) -> None:
        self._store = store
        self._permissions = permissions
        self._files = files
        self._mlflow = mlflow
        self._documents = Documents(store, "experiment")
        self._changes = threading.RLock()
        files.before_removal(_NODE, lambda principal, node: self._retire(str(node.object_id), node.path))

    def known(self, experiment_id: str) -> bool:
        """Whether there is such an experiment, a deleted one included."""
        return self._documents.get(experiment_id) is not None

    def create(self, principal: Principal, name: str, tags: Sequence[Mapping[str, Any]], location: str) -> str:
        """Makes an experiment at a workspace path, in a directory that exists, and returns its id."""
        path = paths.workspace_path(name)
        if location:
            raise NotSupported(
                "experiments/create with artifact_location: artifacts are kept in the workspace's own store"
            )
        with self._changes:
            if self._files.tree.find(path) is not None:
                raise ExperimentTaken(f"Node named '{path}' already exists")
            self._files.require_parent(principal, path)
            self._put_aside(path)
            body = {"name": path, "tags": [dict(tag) for tag in tags]}
            experiment_id = str(self._mlflow.call("POST", _API + "create", body)["experiment_id"])
            with self._store.write():
                self._files.add(principal, path, _NODE, int(experiment_id))
                self._documents.put(experiment_id, {"tags": [str(tag.get("key")) for tag in tags]})
        return experiment_id

    def get(self, principal: Principal, experiment_id: str) -> dict[str, Any]:
        """The experiment as MLflow tells it, deleted ones under the name that they had."""
        document = self._required(principal, experiment_id, "CAN_READ")
        experiment: dict[str, Any] = self._mlflow.call("GET", _API + "get", params={"experiment_id": experiment_id})[
            "experiment"
        ]
        # MLflow gives tags in any order; Terraform compares them in the order in which they were written.
        order = {key: place for place, key in enumerate(document.get("tags", []))}
        if "tags" in experiment:
            experiment["tags"].sort(key=lambda tag: (order.get(tag["key"], len(order)), tag["key"]))
        if "deleted_from" in document:
            experiment |= {"name": document["deleted_from"], "lifecycle_stage": "deleted"}
        return experiment

    def get_by_name(self, principal: Principal, name: str) -> dict[str, Any]:
        path = paths.workspace_path(name)
        node = self._files.tree.find(path)
        if node is None or node.object_type != _NODE:
            raise NotFound(f"Node {path} does not exist.")
        return self.get(principal, str(node.object_id))

    def rename(self, principal: Principal, experiment_id: str, name: str) -> None:
        path = paths.workspace_path(name)
        with self._changes:
            node = self._active(principal, experiment_id)
            if node.path == path:
                return
            self._files.require_parent(principal, path)
            if self._files.tree.find(path) is not None:
                raise ExperimentTaken(f"Node named '{path}' already exists")
            self._put_aside(path)
            self._mlflow.call("POST", _API + "update", {"experiment_id": experiment_id, "new_name": path})
            try:
                self._files.tree.move(node, path)
            except sqlite3.IntegrityError as error:
                raise ExperimentTaken(f"Node named '{path}' already exists") from error

    def delete(self, principal: Principal, experiment_id: str) -> None:
        """Deletes an experiment, which can be restored; its name is free at once."""
        with self._changes:
            document = self._required(principal, experiment_id, "CAN_MANAGE")
            node = self._files.tree.find_id(_NODE, int(experiment_id))
            self._retire(experiment_id, node.path if node else document["deleted_from"])

    def restore(self, principal: Principal, experiment_id: str) -> None:
        """Puts a deleted experiment back at its path; raises ExperimentTaken if something else is there by now."""
        with self._changes:
            document = self._required(principal, experiment_id, "CAN_MANAGE")
            if "deleted_from" not in document:
                raise InvalidState(f"Experiment {experiment_id} is not deleted")
            path = document["deleted_from"]
            self._files.require_parent(principal, path)
            if self._files.tree.find(path) is not None:
                raise ExperimentTaken(f"Node named '{path}' already exists")
            if self._stage(experiment_id) == "deleted":
                self._mlflow.call("POST", _API + "restore", {"experiment_id": experiment_id})
            self._mlflow.call("POST", _API + "update", {"experiment_id": experiment_id, "new_name": path})
            with self._store.write():
                self._files.tree.add(path, _NODE, object_id=int(experiment_id))
                self._documents.put(experiment_id, {"tags": document.get("tags", [])})

    def _retire(self, experiment_id: str, path: str) -> None:
        """Ours first: from then on the experiment is deleted, and a repeated call finishes what a kill left."""
        with self._changes:
            with self._store.write():
                document = self._documents.get(experiment_id) or {}
                self._documents.put(experiment_id, {**document, "deleted_from": path})
                node = self._files.tree.find_id(_NODE, int(experiment_id))
                if node is not None:
                    self._files.tree.remove(node)
            self._retire_in_mlflow(experiment_id, path)

    def _retire_in_mlflow(self, experiment_id: str, path: str) -> None:
        if self._stage(experiment_id) == "deleted":
            return
        name = f"{path} (deleted {experiment_id})"
        self._mlflow.call("POST", _API + "update", {"experiment_id": experiment_id, "new_name": name})
        self._mlflow.call("POST", _API + "delete", {"experiment_id": experiment_id})

    def _put_aside(self, path: str) -> None:
        """Frees a name that MLflow still holds for an experiment which nobody was told of."""
        try:
            found = self._mlflow.call("GET", _API + "get-by-name", params={"experiment_name": path})["experiment"]
        except MlflowError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return
        self._retire_in_mlflow(str(found["experiment_id"]), path)

    def _stage(self, experiment_id: str) -> str:
        answer = self._mlflow.call("GET", _API + "get", params={"experiment_id": experiment_id})
        return str(answer["experiment"]["lifecycle_stage"])

    def _active(self, principal: Principal, experiment_id: str) -> Node:
        self._required(principal, experiment_id, "CAN_MANAGE")
        node = self._files.tree.find_id(_NODE, int(experiment_id))
        if node is None:
            raise InvalidState(f"Experiment {experiment_id} is deleted")
        return node

    def _required(self, principal: Principal, experiment_id: str, level: str) -> dict[str, Any]:
        document = self._documents.get(experiment_id)
        if document is None:
            raise NotFound(f"No Experiment with id={experiment_id} exists")
        if not self._permissions.allows(principal, "experiments", experiment_id, level):
            raise PermissionDenied(f"{principal.name} does not have {level} permission on experiment {experiment_id}")
        return document
