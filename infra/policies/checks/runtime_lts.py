"""Which Databricks runtime a cluster gets."""

import re
from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.jobs import clusters
from infra.policies.policy import Severity
from infra.policies.resource import Resource

LTS = frozenset({"12.2", "13.3", "14.3", "15.4", "16.4", "17.3"})
"""Runtimes with long-term support, from Databricks' release notes; older ones are out of it."""

_VERSION = re.compile(r"^(\d+\.\d+)\.x-")


@check(
    "BRL_DBX_15",
    "Clusters have a pinned runtime with long-term support",
    kinds=["databricks_job", "databricks_cluster"],
    severity=Severity.MEDIUM,
    advice=f"Set spark_version from the settings' compute.runtime to one of {', '.join(sorted(LTS))}.",
    category=CheckCategories.SUPPLY_CHAIN,
    setting="compute.runtime",
)
def runtime_lts(resource: Resource) -> Iterator[str]:
    """Spark_version is a literal and of a release with long-term support."""
    for where, cluster in clusters(resource):
        version = str(cluster.value("spark_version") or "unset")
        pinned = _VERSION.match(version)
        if not pinned:
            yield f"{where} has spark_version {version}"
        elif pinned[1] not in LTS:
            yield f"{where} has runtime {pinned[1]}, which has no long-term support"
