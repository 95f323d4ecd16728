"""Whose rights a dashboard's numbers are shown with."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_23",
    "A dashboard lends its publisher's rights only where the settings say so",
    kinds=["databricks_dashboard"],
    severity=Severity.HIGH,
    advice="Set embed_credentials = false, or monitoring.embed_credentials in the environment's settings: with it "
    "everybody who may open the dashboard sees what the deploying principal may see.",
    category=CheckCategories.IAM,
    setting="monitoring.embed_credentials",
)
def dashboard_credentials(dashboard: Resource) -> Iterator[str]:
    """Embed_credentials is false unless the settings allow it. Unset means true on Databricks."""
    embedded = dashboard.value("embed_credentials")
    if embedded is not False and not dashboard.settings.values.monitoring.embed_credentials:
        how = "embed_credentials is unset, which means true" if embedded is None else f"embed_credentials is {embedded}"
        yield f"{how}: viewers see what its publisher may see"
