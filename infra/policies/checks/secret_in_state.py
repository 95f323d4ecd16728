"""Secrets that Terraform would keep in its state."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_19",
    "Terraform makes no secrets",
    kinds=[
        "databricks_secret",
        "databricks_token",
        "databricks_obo_token",
        "databricks_service_principal_secret",
    ],
    severity=Severity.HIGH,
    advice="Put secrets into the scope by hand or by CI, and sign in by OIDC federation: whatever Terraform makes lies "
    "readable in its state.",
    category=CheckCategories.SECRETS,
)
def secret_in_state(resource: Resource) -> Iterator[str]:
    """None of these kinds at all, wherever the value comes from."""
    yield f"a {resource.kind} keeps its value in Terraform's state"
