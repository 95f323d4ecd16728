"""All-purpose clusters: each one is an engine process of this machine while it runs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from infra.workspace.compute import catalogue
from infra.workspace.compute.engine import Engine
from infra.workspace.compute.messages import parse
from infra.workspace.compute.policies import PolicyBook
from infra.workspace.compute.ports import AccessControl
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import ApiError, BadRequest, InvalidState, NotFound, QuotaExceeded
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

_TYPE = "clusters"
_ACTIVE = ("PENDING", "RUNNING", "RESTARTING", "RESIZING")
_NOT_OF_THE_CLUSTER = ("apply_policy_default_values", "clone_from", "libraries")

Start = Callable[[str, Mapping[str, Any], Principal], Engine]


class ClusterBook:
    """All-purpose clusters and their life: PENDING, RUNNING, TERMINATING, TERMINATED, or ERROR with a reason."""

    def __init__(
        self, store: Store, clock: Clock, permissions: AccessControl, policies: PolicyBook, start: Start
    ) -> None:
        self._store = store
        self._clock = clock
        self._permissions = permissions
        self._policies = policies
        self._start_engine = start
        self._clusters = Documents(store, "cluster")
        self._events = Documents(store, "cluster-event")
        self._engines: dict[str, Engine] = {}
        self._lock = threading.RLock()
        permissions.register_type(_TYPE, lambda cluster_id: self._clusters.get(cluster_id) is not None)
        for cluster in self._clusters.all():
            if cluster["state"] not in ("TERMINATED", "ERROR"):
                self._ended(cluster, "TERMINATED", "CLOUD_PROVIDER_SHUTDOWN", "the workspace was stopped")

    def create_cluster(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        spec = self._checked(principal, body)
        self._check_limit(principal, spec)
        cluster_id = f"{self._clock.now():%m%d-%H%M%S}-{uuid.uuid4().hex[:8]}"
        cluster = {
            **spec,
            "cluster_id": cluster_id,
            "creator_user_name": principal.name,
            "cluster_source": "API",
            "start_time": self._clock.now_ms(),
            "state": "PENDING",
            "state_message": "Starting Spark",
            "pinned": False,
            "default_tags": {
                "Vendor": "Databricks",
                "Creator": principal.name,
                "ClusterName": spec.get("cluster_name", ""),
                "ClusterId": cluster_id,
            },
        }
        with self._store.write():
            self._clusters.put(cluster_id, cluster)
            self._permissions.grant_owner(_TYPE, cluster_id, principal)
            self._record(cluster_id, "CREATING", principal.name)
        self._launch(cluster, principal)
        return {"cluster_id": cluster_id}

    def get_cluster(self, principal: Principal, cluster_id: str) -> dict[str, Any]:
        return _shown(self._visible(principal, cluster_id, "CAN_ATTACH_TO"))

    def list_clusters(self, principal: Principal, pinned: bool | None = None) -> dict[str, Any]:
        visible = [
            cluster
            for cluster in self._clusters.all()
            if self._permissions.level(principal, _TYPE, cluster["cluster_id"]) is not None
        ]
        chosen = [cluster for cluster in visible if pinned is None or cluster["pinned"] == pinned]
        return {"clusters": [_shown(cluster) for cluster in chosen]}

    def edit_cluster(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replaces a cluster's whole specification; a running cluster restarts with it."""
        cluster = self._visible(principal, str(body.get("cluster_id", "")), "CAN_MANAGE")
        if cluster["state"] not in ("RUNNING", "TERMINATED", "ERROR"):
            raise InvalidState(f"Cluster {cluster['cluster_id']} is in state {cluster['state']}.")
        spec = self._checked(principal, body)
        life = ("creator_user_name", "cluster_source", "start_time", "state", "state_message", "pinned")
        edited = {**spec, **{key: cluster[key] for key in (*life, "default_tags", "cluster_id")}}
        edited["default_tags"] = {**cluster["default_tags"], "ClusterName": spec.get("cluster_name", "")}
        with self._store.write():
            self._clusters.put(cluster["cluster_id"], edited)
            self._record(cluster["cluster_id"], "EDITED", principal.name)
        if cluster["state"] == "RUNNING":
            self._stop_engine(cluster["cluster_id"])
            self._launch(edited, principal)
        return {}

    def resize_cluster(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the stated size; a local engine has one size, this machine's."""
        cluster = self._visible(principal, str(body.get("cluster_id", "")), "CAN_RESTART")
        if cluster["state"] != "RUNNING":
            raise InvalidState(f"Cluster {cluster['cluster_id']} is in unexpected state {cluster['state']}.")
        size = {key: body[key] for key in ("num_workers", "autoscale") if key in body}
        if len(size) != 1:
            raise BadRequest("a resize needs either num_workers or autoscale")
        rest = {key: value for key, value in cluster.items() if key not in ("num_workers", "autoscale")}
        self._clusters.put(cluster["cluster_id"], {**rest, **size})
        self._record(cluster["cluster_id"], "RESIZING", principal.name)
        return {}

    def start_cluster(self, principal: Principal, cluster_id: str) -> dict[str, Any]:
        cluster = self._visible(principal, cluster_id, "CAN_RESTART")
        if cluster["state"] not in ("TERMINATED", "ERROR"):
            raise InvalidState(f"Cluster {cluster_id} is in unexpected state {cluster['state']}.")
        self._record(cluster_id, "STARTING", principal.name)
        self._launch(cluster, principal)
        return {}

    def restart_cluster(self, principal: Principal, cluster_id: str) -> dict[str, Any]:
        cluster = self._visible(principal, cluster_id, "CAN_RESTART")
        if cluster["state"] != "RUNNING":
            raise InvalidState(f"Cluster {cluster_id} is in unexpected state {cluster['state']}.")
        self._record(cluster_id, "RESTARTING", principal.name)
        self._stop_engine(cluster_id)
        self._launch(cluster, principal)
        return {}

    def delete_cluster(self, principal: Principal, cluster_id: str) -> dict[str, Any]:
        """Terminates a cluster; its specification stays."""
        cluster = self._visible(principal, cluster_id, "CAN_RESTART")
        with self._lock:
            self._stop_engine(cluster_id)
            self._ended(cluster, "TERMINATED", "USER_REQUEST", f"terminated by {principal.name}")
        self._record(cluster_id, "TERMINATING", principal.name)
        return {}

    def permanent_delete_cluster(self, principal: Principal, cluster_id: str) -> dict[str, Any]:
        cluster = self._visible(principal, cluster_id, "CAN_MANAGE")
        if cluster["pinned"]:
            raise BadRequest(f"Cluster {cluster_id} is pinned: unpin the cluster first")
        with self._lock:
            self._stop_engine(cluster_id)
            with self._store.write():
                self._clusters.delete(cluster_id)
                self._permissions.forget(_TYPE, cluster_id)
                self._events.delete(cluster_id)
        return {}

    def pin_cluster(self, principal: Principal, cluster_id: str, pinned: bool = True) -> dict[str, Any]:
        cluster = self._visible(principal, cluster_id, "CAN_MANAGE")
        self._clusters.put(cluster_id, {**cluster, "pinned": pinned})
        self._record(cluster_id, "PINNED" if pinned else "UNPINNED", principal.name)
        return {}

    def cluster_events(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        cluster_id = str(body.get("cluster_id", ""))
        self._visible(principal, cluster_id, "CAN_ATTACH_TO")
        events = (self._events.get(cluster_id) or {"events": []})["events"]
        if body.get("order", "DESC") == "DESC":
            events = events[::-1]
        first, count = int(body.get("offset", 0)), int(body.get("limit", 50))
        page: dict[str, Any] = {"events": events[first : first + count], "total_count": len(events)}
        if first + count < len(events):
            page["next_page"] = {**body, "offset": first + count}
        return page

    def running_engine(self, principal: Principal, cluster_id: str) -> Engine:
        """The engine of a cluster for a task; starts a terminated cluster, as a job on Databricks does."""
        cluster = self._visible(principal, cluster_id, "CAN_ATTACH_TO")
        if cluster["state"] in ("TERMINATED", "ERROR"):
            self._launch(cluster, principal).join()
        with self._lock:
            engine = self._engines.get(cluster_id)
        if engine is None or not engine.alive:
            raise InvalidState(f"Cluster {cluster_id} is not running.")
        return engine

    def stop(self) -> None:
        for cluster_id in list(self._engines):
            self._stop_engine(cluster_id)

    def _checked(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        spec = parse("compute.ClusterSpec", {key: body[key] for key in body if key != "cluster_id"})
        if not spec.get("spark_version"):
            raise BadRequest("Missing required field: spark_version")
        enforced = self._policies.enforce(principal, spec, "all-purpose")
        shown = {key: value for key, value in enforced.items() if key not in _NOT_OF_THE_CLUSTER}
        return {**shown, "spark_version": catalogue.resolve_runtime(str(shown["spark_version"]))}

    def _check_limit(self, principal: Principal, spec: Mapping[str, Any]) -> None:
        if not spec.get("policy_id"):
            return
        limit = self._policies.max_clusters_per_user(str(spec["policy_id"]))
        mine = [
            cluster
            for cluster in self._clusters.all()
            if cluster.get("policy_id") == spec["policy_id"]
            and cluster["creator_user_name"] == principal.name
            and cluster["state"] in _ACTIVE
        ]
        if limit is not None and len(mine) >= limit:
            raise QuotaExceeded(f"The policy allows {principal.name} at most {limit} active clusters.")

    def _visible(self, principal: Principal, cluster_id: str, level: str) -> dict[str, Any]:
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            raise NotFound(f"Cluster {cluster_id} does not exist", "RESOURCE_DOES_NOT_EXIST")
        self._permissions.require(principal, _TYPE, cluster_id, level)
        return cluster

    def _launch(self, cluster: Mapping[str, Any], principal: Principal) -> threading.Thread:
        cluster_id = str(cluster["cluster_id"])
        pending = {key: value for key, value in cluster.items() if key != "termination_reason"}
        self._clusters.put(cluster_id, {**pending, "state": "PENDING", "state_message": "Starting Spark"})
        thread = threading.Thread(target=self._bring_up, args=(cluster_id, principal), daemon=True)
        thread.start()
        return thread

    def _bring_up(self, cluster_id: str, principal: Principal) -> None:
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            return
        try:
            engine = self._start_engine(cluster_id, cluster, principal)
        except (ApiError, OSError) as error:
            self._ended(cluster, "ERROR", "SPARK_STARTUP_FAILURE", str(error))
            return
        with self._lock:
            current = self._clusters.get(cluster_id)
            if current is None or current["state"] != "PENDING":
                engine.stop()
                return
            self._engines[cluster_id] = engine
            running = {**current, "state": "RUNNING", "state_message": "", "spark_context_id": engine.port}
            self._clusters.put(cluster_id, running)
        self._record(cluster_id, "RUNNING", principal.name)

    def _stop_engine(self, cluster_id: str) -> None:
        with self._lock:
            engine = self._engines.pop(cluster_id, None)
        if engine is not None:
            engine.stop()

    def _ended(self, cluster: Mapping[str, Any], state: str, code: str, message: str) -> None:
        kind = "SUCCESS" if code == "USER_REQUEST" else "SERVICE_FAULT"
        self._clusters.put(
            cluster["cluster_id"],
            {
                **cluster,
                "state": state,
                "state_message": message,
                "terminated_time": self._clock.now_ms(),
                "termination_reason": {"code": code, "type": kind, "parameters": {"databricks_error_message": message}},
            },
        )

    def _record(self, cluster_id: str, kind: str, user: str) -> None:
        with self._store.write():
            events = (self._events.get(cluster_id) or {"events": []})["events"]
            events.append(
                {
                    "cluster_id": cluster_id,
                    "timestamp": self._clock.now_ms(),
                    "type": kind,
                    "details": {"user": user},
                }
            )
            self._events.put(cluster_id, {"events": events[-500:]})


def _shown(cluster: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cluster.items() if key != "pinned"}
