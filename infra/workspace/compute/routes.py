"""Cluster policies, policy families and clusters over REST."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from infra.workspace.compute import catalogue
from infra.workspace.compute.local_engines import LocalEngines
from infra.workspace.compute.service import ComputeService
from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import NotSupported

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def routes(service: ComputeService, engines: LocalEngines) -> APIRouter:
    router = APIRouter()
    _engine_routes(router, engines)
    _policy_routes(router, service)
    for version in ("2.0", "2.1"):
        _cluster_routes(router, service, f"/api/{version}/clusters")
    _unsupported(router)
    return router


def _engine_routes(router: APIRouter, engines: LocalEngines) -> None:
    @router.post("/api/2.0/local/engines")
    def start_engine(principal: Caller, working_directory: Annotated[str, Body(embed=True)]) -> Json:
        return engines.start_engine(principal, working_directory)

    @router.delete("/api/2.0/local/engines/{engine_id}")
    def stop_engine(principal: Caller, engine_id: str) -> Json:
        return engines.stop_engine(principal, engine_id)


def _policy_routes(router: APIRouter, service: ComputeService) -> None:
    policies = service.policies
    prefix = "/api/2.0/policies/clusters"

    @router.post(f"{prefix}/create")
    def create_policy(principal: Caller, body: JsonBody) -> Json:
        return policies.create_policy(principal, body)

    @router.get(f"{prefix}/get")
    def get_policy(principal: Caller, policy_id: str) -> Json:
        return policies.get_policy(principal, policy_id)

    @router.get(f"{prefix}/list")
    def list_policies(principal: Caller) -> Json:
        return policies.list_policies(principal)

    @router.post(f"{prefix}/edit")
    def edit_policy(principal: Caller, body: JsonBody) -> Json:
        return policies.edit_policy(principal, body)

    @router.post(f"{prefix}/delete")
    def delete_policy(principal: Caller, body: JsonBody) -> Json:
        return policies.delete_policy(principal, str(body.get("policy_id", "")))

    @router.get("/api/2.0/policy-families")
    def list_policy_families(principal: Caller) -> Json:
        return policies.list_policy_families()

    @router.get("/api/2.0/policy-families/{policy_family_id}")
    def get_policy_family(principal: Caller, policy_family_id: str) -> Json:
        return policies.get_policy_family(policy_family_id)


def _cluster_routes(router: APIRouter, service: ComputeService, prefix: str) -> None:
    clusters = service.clusters

    @router.post(f"{prefix}/create")
    def create_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.create_cluster(principal, body)

    @router.get(f"{prefix}/get")
    def get_cluster(principal: Caller, cluster_id: str) -> Json:
        return clusters.get_cluster(principal, cluster_id)

    @router.get(f"{prefix}/list")
    def list_clusters(
        principal: Caller, pinned: Annotated[bool | None, Query(alias="filter_by.is_pinned")] = None
    ) -> Json:
        return clusters.list_clusters(principal, pinned)

    @router.post(f"{prefix}/edit")
    def edit_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.edit_cluster(principal, body)

    @router.post(f"{prefix}/resize")
    def resize_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.resize_cluster(principal, body)

    @router.post(f"{prefix}/start")
    def start_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.start_cluster(principal, _id(body))

    @router.post(f"{prefix}/restart")
    def restart_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.restart_cluster(principal, _id(body))

    @router.post(f"{prefix}/delete")
    def delete_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.delete_cluster(principal, _id(body))

    @router.post(f"{prefix}/permanent-delete")
    def permanent_delete_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.permanent_delete_cluster(principal, _id(body))

    @router.post(f"{prefix}/pin")
    def pin_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.pin_cluster(principal, _id(body))

    @router.post(f"{prefix}/unpin")
    def unpin_cluster(principal: Caller, body: JsonBody) -> Json:
        return clusters.pin_cluster(principal, _id(body), pinned=False)

    @router.post(f"{prefix}/events")
    def cluster_events(principal: Caller, body: JsonBody) -> Json:
        return clusters.cluster_events(principal, body)

    @router.get(f"{prefix}/spark-versions")
    def spark_versions(principal: Caller) -> Json:
        return catalogue.spark_versions()

    @router.get(f"{prefix}/list-node-types")
    def list_node_types(principal: Caller) -> Json:
        return catalogue.node_types()

    @router.get(f"{prefix}/list-zones")
    def list_zones(principal: Caller) -> Json:
        return catalogue.zones()


def _unsupported(router: APIRouter) -> None:
    @router.get("/api/2.0/libraries/cluster-status")
    def cluster_status(principal: Caller, cluster_id: str) -> Json:
        """No library can be installed, so that none is."""
        return {"cluster_id": cluster_id, "library_statuses": []}

    def refuse(call: str) -> None:
        raise NotSupported(f"the local workspace does not have {call}")

    @router.api_route("/api/2.0/libraries/{call}", methods=["GET", "POST"])
    def libraries(principal: Caller, call: str) -> None:
        refuse(f"libraries/{call}: packages of tasks are those of the workspace's own environment")

    @router.api_route("/api/2.0/instance-pools/{call}", methods=["GET", "POST"])
    def instance_pools(principal: Caller, call: str) -> None:
        refuse(f"instance-pools/{call}")


def _id(body: Json) -> str:
    return str(body.get("cluster_id", ""))
