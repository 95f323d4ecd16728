"""Settings of one environment, put together: the project's, its own, and those of a branch's copy."""

from datetime import date

from pydantic import Field

from infra.settings.base import Strict
from infra.settings.environment import EnvironmentValues
from infra.settings.project import Project


class BranchCopy(Strict):
    """A developer's own copy of an environment."""

    branch: str = Field(description="the feature branch")
    slug: str = Field(description="the branch in names; see infra.settings.slug")
    expires: date = Field(description="day after which the copy may be removed; moves with the branch's last commit")
    commit: str | None = Field(None, description="full hash, where the copy is pinned to one commit")


class Settings(Strict):
    """All that stacks and commands need to know of an environment. Names of objects are made here and nowhere else."""

    environment: str
    project: Project
    values: EnvironmentValues
    copy_of: BranchCopy | None = None

    @property
    def branch(self) -> str:
        """The git branch that jobs run."""
        return self.copy_of.branch if self.copy_of else self.values.branch

    @property
    def commit(self) -> str | None:
        """The commit that jobs are pinned to, or None: the branch as it is when they run."""
        return self.copy_of.commit if self.copy_of else None

    @property
    def prefix(self) -> str:
        """Put before names: empty, or `feature-x-` for a copy."""
        return f"{self.copy_of.slug}-" if self.copy_of else ""

    @property
    def base_name(self) -> str:
        """`<env>-<project>`: the environment's own objects that copies share (policy, secret scope)."""
        return f"{self.environment}-{self.project.project}"

    @property
    def catalog(self) -> str:
        """The environment's catalog."""
        return self.values.catalog

    @property
    def schema_name(self) -> str:
        """`hrob`, or `hrob_feature_x` for a copy."""
        name = self.project.project
        return f"{name}_{self.copy_of.slug.replace('-', '_')}" if self.copy_of else name

    @property
    def schema_full_name(self) -> str:
        """`<catalog>.<schema>`."""
        return f"{self.catalog}.{self.schema_name}"

    @property
    def volume_full_name(self) -> str:
        """`<catalog>.<schema>.<volume>`."""
        return f"{self.schema_full_name}.{self.project.volume}"

    @property
    def volume_path(self) -> str:
        """Where files land, as a path."""
        return f"/Volumes/{self.catalog}/{self.schema_name}/{self.project.volume}"

    @property
    def model_full_name(self) -> str:
        """`<catalog>.<schema>.<model>`."""
        return f"{self.schema_full_name}.{self.project.model}"

    @property
    def folder(self) -> str:
        """The environment's workspace folder."""
        return f"{self.project.workspace_folder}/{self.environment}"

    @property
    def experiment_name(self) -> str:
        """The MLflow experiment, a workspace path."""
        return f"{self.folder}/{self.prefix}{self.project.project}"

    @property
    def secret_scope(self) -> str:
        """The secret scope of the environment."""
        return self.base_name

    @property
    def warehouse_name(self) -> str:
        """The SQL warehouse of the environment, which copies share."""
        return self.base_name

    @property
    def dashboard_name(self) -> str:
        """Title of the monitoring's dashboard, in the environment's folder."""
        return self.job_name("monitoring")

    @property
    def reports_folder(self) -> str:
        """Workspace folder of the report; a copy's is inside the environment's."""
        return f"{self.folder}/reports" + (f"/{self.copy_of.slug}" if self.copy_of else "")

    @property
    def policy_name(self) -> str:
        """The cluster policy of the environment's jobs."""
        return f"{self.base_name}-jobs"

    @property
    def schedules_active(self) -> bool:
        """Whether schedules fire; never in a copy."""
        return self.values.schedules == "active" and self.copy_of is None

    @property
    def has_quality_monitor(self) -> bool:
        """Whether the workspace's quality monitor computes profile and drift."""
        return self.values.monitoring.engine == "quality_monitor"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything: the project's, the environment's, its name, and branch and expiry of a copy."""
        tags = {**self.project.tags, **self.values.tags, "environment": self.environment, "branch": self.branch}
        if self.copy_of:
            tags["expires"] = self.copy_of.expires.isoformat()
        return tags

    def table_full_name(self, table: str) -> str:
        """`<catalog>.<schema>.<table>`."""
        return f"{self.schema_full_name}.{table}"

    def job_name(self, job: str) -> str:
        """`<prefix><env>-<project>-<job>`."""
        return f"{self.prefix}{self.base_name}-{job}"

    def state_key(self, stack: str) -> str:
        """Name of the stack's state: `dev`, or `dev.feature-x`, so that a copy never meets another's state."""
        return f"{stack}.{self.copy_of.slug}" if self.copy_of else stack
