"""Who acts: service principals, groups of people, their members, and what the workspace entitles them to."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.library import cdk
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class Entitlements:
    """What an identity may do in the workspace as a whole. Nothing by default but entering it."""

    workspace_access: bool = True
    databricks_sql_access: bool = False
    allow_cluster_create: bool = False
    allow_instance_pool_create: bool = False


@dataclass(frozen=True)
class ServicePrincipalConfig:
    """A service principal by its display name; the platform gives it its application id."""

    display_name: str
    entitlements: Entitlements = Entitlements()


class ServicePrincipal(Part):
    """A service principal with its entitlements. Outputs: `id` (SCIM id), `application_id` (its name in grants)."""

    def __init__(self, scope: WorkspaceStack, name: str, config: ServicePrincipalConfig) -> None:
        super().__init__(scope, name)
        self._stack = scope
        principal = scope.make(
            self,
            "databricks_service_principal",
            name,
            display_name=config.display_name,
            # Read back into this resource too, although databricks_entitlements owns them: without this, each plan
            # would want to take them away again.
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=list(vars(Entitlements()))),
        )
        self.id: str = principal.id
        self.application_id: str = principal.application_id
        scope.make(self, "databricks_entitlements", name, service_principal_id=self.id, **vars(config.entitlements))

    def join(self, name: str, groups: Sequence[str]) -> None:
        """Makes it a member of groups that exist already; `name` with a number is the address in plans."""
        for number, display_name in enumerate(sorted(groups), start=1):
            address = f"{name}_{number}"
            group = self._stack.find(self, "databricks_group", address, display_name=display_name)
            self._stack.make(self, "databricks_group_member", address, group_id=group.id, member_id=self.id)


@dataclass(frozen=True)
class GroupConfig:
    """A group of people; members by user name, where no identity provider adds them."""

    display_name: str
    members: Sequence[str] = ()
    entitlements: Entitlements = Entitlements(databricks_sql_access=True)


class Group(Part):
    """A group with its members and entitlements. Outputs: `id`, `display_name` (its name in grants)."""

    def __init__(self, scope: WorkspaceStack, name: str, config: GroupConfig) -> None:
        super().__init__(scope, name)
        group = scope.make(
            self,
            "databricks_group",
            name,
            display_name=config.display_name,
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=list(vars(Entitlements()))),
        )
        self.id: str = group.id
        self.display_name: str = group.display_name
        scope.make(self, "databricks_entitlements", name, group_id=self.id, **vars(config.entitlements))
        for number, user_name in enumerate(sorted(config.members), start=1):
            user = scope.find(self, "databricks_user", f"{name}_member_{number}", user_name=user_name)
            scope.make(self, "databricks_group_member", f"{name}_member_{number}", group_id=self.id, member_id=user.id)
