"""Permissions on workspace objects. Unity Catalog's are grants, in infra.constructs.catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from infra.constructs.part import Part
from infra.synth.library import provider
from infra.synth.stack import WorkspaceStack


class Level(StrEnum):
    """Permission levels as Databricks names them; which exist depends on the object."""

    CAN_READ = "CAN_READ"
    CAN_RUN = "CAN_RUN"
    CAN_EDIT = "CAN_EDIT"
    CAN_USE = "CAN_USE"
    CAN_VIEW = "CAN_VIEW"
    CAN_MANAGE_RUN = "CAN_MANAGE_RUN"
    CAN_MANAGE = "CAN_MANAGE"
    IS_OWNER = "IS_OWNER"


ObjectKind = Literal[
    "job_id", "experiment_id", "cluster_policy_id", "sql_endpoint_id", "directory_path", "repo_id", "cluster_id"
]

_LEVELS: dict[str, frozenset[Level]] = {
    "job_id": frozenset({Level.CAN_VIEW, Level.CAN_MANAGE_RUN, Level.CAN_MANAGE, Level.IS_OWNER}),
    "experiment_id": frozenset({Level.CAN_READ, Level.CAN_EDIT, Level.CAN_MANAGE}),
    "cluster_policy_id": frozenset({Level.CAN_USE}),
    "sql_endpoint_id": frozenset({Level.CAN_USE, Level.CAN_VIEW, Level.CAN_MANAGE, Level.IS_OWNER}),
    "directory_path": frozenset({Level.CAN_READ, Level.CAN_RUN, Level.CAN_EDIT, Level.CAN_MANAGE}),
    "repo_id": frozenset({Level.CAN_READ, Level.CAN_RUN, Level.CAN_EDIT, Level.CAN_MANAGE}),
    "cluster_id": frozenset({Level.CAN_MANAGE}),
}


@dataclass(frozen=True)
class Entry:
    """One line of an access list: a group by name or a service principal by application id, and its level."""

    level: Level
    group: str | None = None
    service_principal: str | None = None
    owner_where: str | None = None
    """A Terraform condition where who is listed is the owner instead: a level below it would be refused to owners."""

    def __post_init__(self) -> None:
        if (self.group is None) == (self.service_principal is None):
            raise ValueError("an access entry needs either a group or a service principal")

    @property
    def permission_level(self) -> str:
        """The level, or the Terraform expression that chooses it."""
        if self.owner_where is None:
            return str(self.level)
        return f'${{{self.owner_where} ? "{Level.IS_OWNER}" : "{self.level}"}}'


@dataclass(frozen=True)
class PermissionsConfig:
    """The whole access list of one object; who deploys it and the workspace's admins keep their own rights."""

    kind: ObjectKind
    object_id: str
    entries: Sequence[Entry]

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry.level not in _LEVELS[self.kind]:
                allowed = ", ".join(sorted(_LEVELS[self.kind]))
                raise ValueError(f"{self.kind} has no level {entry.level}; known are {allowed}")


class Permissions(Part):
    """The access list of a job, experiment, policy, SQL warehouse, folder, repo or cluster."""

    def __init__(self, scope: WorkspaceStack, name: str, config: PermissionsConfig) -> None:
        super().__init__(scope, name)
        if not config.entries:
            raise ValueError(f"permissions {name}: expected at least one entry")
        control = provider("permissions").PermissionsAccessControl
        scope.make(
            self,
            "databricks_permissions",
            name,
            **{config.kind: config.object_id},
            access_control=[
                control(
                    group_name=entry.group,
                    service_principal_name=entry.service_principal,
                    permission_level=entry.permission_level,
                )
                for entry in config.entries
            ],
        )
