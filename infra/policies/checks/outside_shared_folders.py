"""Where in the workspace tree things lie."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource

_PATHS = {
    "databricks_mlflow_experiment": "name",
    "databricks_directory": "path",
    "databricks_notebook": "path",
    "databricks_repo": "path",
    "databricks_workspace_file": "path",
    "databricks_dashboard": "parent_path",
    "databricks_query": "parent_path",
    "databricks_alert": "parent_path",
    "databricks_alert_v2": "parent_path",
    "databricks_quality_monitor": "assets_dir",
}
_OPEN = ("/Shared", "/Users")


@check(
    "BRL_DBX_16",
    "Experiments and folders lie neither in /Shared nor in a person's home",
    kinds=list(_PATHS),
    severity=Severity.MEDIUM,
    advice="Put it into the environment's folder (settings: workspace_folder): everybody may change what is in "
    "/Shared, and a home goes with its person.",
    category=CheckCategories.IAM,
    setting="workspace_folder",
)
def outside_shared_folders(resource: Resource) -> Iterator[str]:
    """The path is below neither of them, with or without /Workspace in front."""
    path = str(resource.value(_PATHS[resource.kind]) or "")
    inside = f"{path.removeprefix('/Workspace')}/"
    for folder in _OPEN:
        if inside.startswith(f"{folder}/"):
            yield f"lies in {folder} ({path})"
