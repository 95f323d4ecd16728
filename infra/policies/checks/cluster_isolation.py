"""Who shares a cluster."""

import json
from collections.abc import Iterator
from typing import Any

from infra.policies.check import check
from infra.policies.jobs import clusters
from infra.policies.policy import Severity
from infra.policies.resource import Resource

_ISOLATED = frozenset(
    {"SINGLE_USER", "USER_ISOLATION", "DATA_SECURITY_MODE_DEDICATED", "DATA_SECURITY_MODE_STANDARD"},
)
"""Dedicated and standard access mode, by their older and their newer names; others do not enforce Unity Catalog."""


@check(
    "BRL_DBX_4",
    "Clusters isolate their users",
    kinds=["databricks_job", "databricks_cluster", "databricks_cluster_policy"],
    severity=Severity.HIGH,
    advice="Set data_security_mode to SINGLE_USER or USER_ISOLATION, in clusters and as a rule of their policy: "
    "without it Unity Catalog's privileges are not enforced.",
)
def cluster_isolation(resource: Resource) -> Iterator[str]:
    """Every cluster has an isolating mode, every cluster policy demands one."""
    if resource.kind == "databricks_cluster_policy":
        yield from _problems_of_policy(resource)
        return
    for where, cluster in clusters(resource):
        mode = cluster.value("data_security_mode")
        if mode not in _ISOLATED:
            yield f"{where} has data_security_mode {mode or 'unset'}"


def _problems_of_policy(policy: Resource) -> Iterator[str]:
    if policy.value("policy_family_id"):
        yield "is one of Databricks' families: its rules are not in the stack"
        return
    try:
        rules: Any = json.loads(str(policy.value("definition") or "{}"))
    except ValueError:
        yield "its definition is not JSON text, so it cannot be judged"
        return
    rule = rules.get("data_security_mode", {})
    allowed = {rule.get("value")} if rule.get("type") == "fixed" else set(rule.get("values", ()))
    if rule.get("type") not in ("fixed", "allowlist") or not allowed or not allowed <= _ISOLATED:
        yield "its rule for data_security_mode lets clusters run without isolation"
