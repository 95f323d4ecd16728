"""Whose a thing is, and who pays for it."""

from collections.abc import Iterator
from typing import Any

from infra.policies.check import check
from infra.policies.jobs import clusters
from infra.policies.policy import Severity
from infra.policies.resource import Resource

REQUIRED = ("project", "environment", "branch", "owner", "cost_center", "data_class")
_FROM_SETTINGS = ("project", "environment", "branch")
_WHERE = {
    "databricks_job": "tags",
    "databricks_cluster": "custom_tags",
    "databricks_instance_pool": "custom_tags",
    "databricks_catalog": "properties",
    "databricks_schema": "properties",
    "databricks_mlflow_experiment": "tags",
    "databricks_model_serving": "tags",
    "databricks_sql_endpoint": "tags",
}


@check(
    "BRL_DBX_6",
    "What costs money or holds data says whose it is",
    kinds=list(_WHERE),
    severity=Severity.MEDIUM,
    advice=f"Give it the settings' tags ({', '.join(REQUIRED)}).",
    setting="tags",
)
def required_tags(resource: Resource) -> Iterator[str]:
    """All of REQUIRED are there, and those that say where it belongs are right."""
    yield from _problems(resource, "", _tags(resource))
    if resource.kind == "databricks_job":
        for where, cluster in clusters(resource):
            yield from _problems(resource, f"{where}: ", cluster.mapping("custom_tags"))


def _tags(resource: Resource) -> dict[str, Any]:
    if resource.kind == "databricks_sql_endpoint":
        return resource.block("tags").mapping("custom_tags")
    return resource.mapping(_WHERE[resource.kind])


def _problems(resource: Resource, where: str, tags: dict[str, Any]) -> Iterator[str]:
    if missing := [name for name in REQUIRED if not tags.get(name)]:
        yield f"{where}lacks the tags {', '.join(missing)}"
    expected = resource.settings.tags
    for name in _FROM_SETTINGS:
        if tags.get(name) and tags[name] != expected.get(name):
            yield f"{where}tag {name} is '{tags[name]}', expected '{expected.get(name)}'"
