"""Secret scopes and who may read them. Secret values are never Terraform's: they would lie in its state."""

from dataclasses import dataclass
from typing import Literal

from infra.constructs.part import Part
from infra.synth.stack import WorkspaceStack

SecretPermission = Literal["READ", "WRITE", "MANAGE"]


@dataclass(frozen=True)
class SecretScopeConfig:
    """A scope kept by Databricks; who makes it manages it."""

    name: str


class SecretScope(Part):
    """A secret scope. Output: `name`. Access is given with `allow`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: SecretScopeConfig) -> None:
        super().__init__(scope, name)
        self._stack = scope
        self.name: str = scope.make(self, "databricks_secret_scope", name, name=config.name).name

    def allow(self, name: str, principal: str, permission: SecretPermission) -> None:
        """Gives a principal (application id, group or user name) a permission; `name` is the address in plans."""
        self._stack.make(
            self, "databricks_secret_acl", name, scope=self.name, principal=principal, permission=permission
        )
