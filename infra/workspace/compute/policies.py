"""Cluster policies and their families."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from infra.workspace.compute import policy_rules
from infra.workspace.compute.ports import AccessControl, Identity
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents, NameTaken

_TYPE = "cluster-policies"
_STRING_FIELDS = (
    "name",
    "definition",
    "description",
    "policy_family_id",
    "policy_family_definition_overrides",
)

FAMILIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "job-cluster": (
        "Job Compute",
        "Clusters that live for one job run.",
        {"cluster_type": {"type": "fixed", "value": "job"}, "num_workers": {"type": "unlimited", "isOptional": True}},
    ),
    "personal-vm": (
        "Personal Compute",
        "Single-node clusters for one person.",
        {
            "num_workers": {"type": "fixed", "value": 0, "hidden": True},
            "data_security_mode": {"type": "allowlist", "values": ["SINGLE_USER"], "isOptional": True},
        },
    ),
    "power-user": (
        "Power User Compute",
        "Multi-node clusters for one person.",
        {"data_security_mode": {"type": "allowlist", "values": ["SINGLE_USER"], "isOptional": True}},
    ),
    "shared-compute": (
        "Shared Compute",
        "Clusters that several people share.",
        {"data_security_mode": {"type": "allowlist", "values": ["USER_ISOLATION"], "isOptional": True}},
    ),
}


class PolicyBook:
    """Cluster policies: who may change them (admins), who may use them (CAN_USE), what they make of a cluster."""

    def __init__(self, store: Store, clock: Clock, permissions: AccessControl, identity: Identity) -> None:
        self._store = store
        self._clock = clock
        self._permissions = permissions
        self._identity = identity
        self._policies = Documents(store, "cluster-policy")
        permissions.register_type(_TYPE, lambda policy_id: self._policies.get(policy_id) is not None)

    def create_policy(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        _admin_only(principal, "create cluster policies")
        fields = _fields(body)
        policy_id = uuid.uuid4().hex[:16].upper()
        policy = {
            **fields,
            "policy_id": policy_id,
            "creator_user_name": principal.name,
            "created_at_timestamp": self._clock.now_ms(),
            "is_default": False,
        }
        with self._store.write():
            self._put(policy)
            self._permissions.grant_owner(_TYPE, policy_id, principal)
        return {"policy_id": policy_id}

    def get_policy(self, principal: Principal, policy_id: str) -> dict[str, Any]:
        policy = self._get(policy_id)
        self._permissions.require(principal, _TYPE, policy_id, "CAN_USE")
        return policy

    def list_policies(self, principal: Principal) -> dict[str, Any]:
        visible = [
            policy
            for policy in self._policies.all()
            if self._permissions.level(principal, _TYPE, policy["policy_id"]) is not None
        ]
        return {"policies": sorted(visible, key=lambda policy: str(policy["name"])), "total_count": len(visible)}

    def edit_policy(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        _admin_only(principal, "edit cluster policies")
        current = self._get(str(body.get("policy_id", "")))
        kept = {key: current[key] for key in ("policy_id", "creator_user_name", "created_at_timestamp", "is_default")}
        self._put({**_fields(body), **kept})
        return {}

    def delete_policy(self, principal: Principal, policy_id: str) -> dict[str, Any]:
        _admin_only(principal, "delete cluster policies")
        self._get(policy_id)
        with self._store.write():
            self._policies.delete(policy_id)
            self._permissions.forget(_TYPE, policy_id)
        return {}

    def list_policy_families(self) -> dict[str, Any]:
        return {"policy_families": [_family(family_id) for family_id in FAMILIES]}

    def get_policy_family(self, family_id: str) -> dict[str, Any]:
        if family_id not in FAMILIES:
            raise NotFound(f"Policy family {family_id} does not exist.")
        return _family(family_id)

    def enforce(self, principal: Principal, spec: Mapping[str, Any], cluster_type: str) -> dict[str, Any]:
        """`spec` as its policy makes it; raises BadRequest for a violation, PermissionDenied without CAN_USE.

        A cluster without a policy is for those who are entitled to it (`allow-cluster-create`; admins are).
        """
        policy_id = spec.get("policy_id")
        if not policy_id:
            if not self._identity.entitled(principal, "allow-cluster-create"):
                raise PermissionDenied(
                    f"{principal.display_name} is not authorized to create clusters without a cluster policy."
                )
            return dict(spec)
        policy = self._get(str(policy_id))
        self._permissions.require(principal, _TYPE, policy["policy_id"], "CAN_USE")
        return policy_rules.enforce(json.loads(policy["definition"]), spec, cluster_type)

    def max_clusters_per_user(self, policy_id: str) -> int | None:
        limit = self._get(policy_id).get("max_clusters_per_user")
        return None if limit is None else int(limit)

    def _get(self, policy_id: str) -> dict[str, Any]:
        policy = self._policies.get(policy_id)
        if policy is None:
            raise NotFound(f"Can't find a cluster policy with id: {policy_id}.")
        return policy

    def _put(self, policy: Mapping[str, Any]) -> None:
        try:
            self._policies.put(policy["policy_id"], policy, str(policy["name"]))
        except NameTaken as error:
            raise BadRequest(f"Cluster policy name {policy['name']!r} is already taken.") from error


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key in _STRING_FIELDS:
        value = body.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise BadRequest(f"{key} must be a string")
        if value:
            fields[key] = value
    if not fields.get("name"):
        raise BadRequest("a cluster policy needs a name")
    family = fields.get("policy_family_id")
    if family is not None:
        if "definition" in fields:
            raise BadRequest("definition and policy_family_id exclude each other")
        if family not in FAMILIES:
            raise BadRequest(f"there is no policy family {family!r}; known: {', '.join(FAMILIES)}")
        overrides = policy_rules.parse_definition(fields.get("policy_family_definition_overrides", "{}"))
        fields["definition"] = json.dumps({**FAMILIES[family][2], **overrides})
    elif "definition" not in fields:
        raise BadRequest("a cluster policy needs a definition or a policy_family_id")
    policy_rules.parse_definition(fields["definition"])
    limit = body.get("max_clusters_per_user")
    if limit is not None:
        if not isinstance(limit, int) or limit < 1:
            raise BadRequest("max_clusters_per_user must be a number greater than 0")
        fields["max_clusters_per_user"] = limit
    if body.get("libraries"):
        fields["libraries"] = body["libraries"]
    return fields


def _family(family_id: str) -> dict[str, Any]:
    name, description, definition = FAMILIES[family_id]
    return {
        "policy_family_id": family_id,
        "name": name,
        "description": description,
        "definition": json.dumps(definition),
    }


def _admin_only(principal: Principal, action: str) -> None:
    if not principal.admin:
        raise PermissionDenied(f"{principal.display_name} may not {action}: only workspace admins may.")
