"""What bounds a cluster."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.jobs import clusters, tasks
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_5",
    "Clusters are under a cluster policy",
    kinds=["databricks_job", "databricks_cluster"],
    severity=Severity.MEDIUM,
    advice="Set policy_id to the environment's policy: it bounds machine types and workers, so costs.",
    setting="compute.policy",
)
def cluster_policy(resource: Resource) -> Iterator[str]:
    """Policy_id is set, and no task borrows a cluster of somebody else's."""
    for where, cluster in clusters(resource):
        if not cluster.value("policy_id"):
            yield f"{where} has no policy_id"
    if resource.kind == "databricks_job":
        for where, task in tasks(resource):
            if task.value("existing_cluster_id"):
                yield f"{where} runs on an existing cluster, which other work shares"
