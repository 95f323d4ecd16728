"""Credentials written into a stack."""

from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_10",
    "No literal secret",
    kinds=["*"],
    block_types=["resource", "data", "provider"],
    severity=Severity.CRITICAL,
    advice="Put the value into the secret scope and refer to it as {{secrets/scope/key}}, or pass it as an ephemeral "
    "Terraform variable. What was written here is in git and must be revoked.",
    category=CheckCategories.SECRETS,
)
def literal_secret(resource: Resource) -> Iterator[str]:
    """No value has the shape of a credential, and none of a secret's name is a literal."""
    for path, kind in resource.literal_secrets():
        yield f"{path} holds {kind}"
