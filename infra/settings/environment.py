"""What one environment says of itself (dev.yaml, staging.yaml, prod.yaml): all differences are here, as values."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from infra.settings.backends import Backend
from infra.settings.base import Email, Identifier, Strict, Text
from infra.settings.hooks import Hook
from infra.settings.monitoring import Monitoring
from infra.settings.trust import DataGate, FairnessLimits, ModelLimits


class Address(Strict):
    """Which workspace."""

    host: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+$",
        description="address; null: from DATABRICKS_HOST or the Terraform variables",
    )
    profile: Text | None = Field(None, description="profile of ~/.databrickscfg, used where no host is given")

    @model_validator(mode="after")
    def host_or_profile(self) -> Self:
        """A profile has its own host."""
        if self.host and self.profile:
            raise ValueError("host and profile exclude each other: expected at most one of them")
        return self


class Workspace(Address):
    """Which workspace, and who makes what environments of one workspace share."""

    makes_shared_objects: bool = Field(
        description="makes the groups and the workspace folder; exactly one environment of each workspace does"
    )


class Size(Strict):
    """One size of job cluster."""

    node_type: Text = Field(description="machine type in the cloud's own words")
    workers: int = Field(ge=0, description="number of workers, 0: one machine alone; with max_workers the least number")
    max_workers: int | None = Field(None, ge=1, description="Databricks chooses between workers and this; null: fixed")

    @property
    def most_workers(self) -> int:
        """The greatest number of workers that this size can have."""
        return self.workers if self.max_workers is None else self.max_workers

    @model_validator(mode="after")
    def ordered(self) -> Self:
        """Bounds of autoscaling must not cross, and one machine alone does not scale."""
        if self.max_workers is not None and not 1 <= self.workers <= self.max_workers:
            raise ValueError(f"workers: expected 1 to max_workers ({self.max_workers}), found {self.workers}")
        return self


class Policy(Strict):
    """What the cluster policy allows."""

    node_types: tuple[Text, ...] = Field(min_length=1, description="machine types that jobs may use")
    max_workers: int = Field(ge=0, description="greatest number of workers of one cluster")


class Sizes(Strict):
    """Job clusters by purpose."""

    small: Size = Field(description="landing and other light work")
    large: Size = Field(description="training and scoring")


class Warehouse(Strict):
    """The SQL warehouse that tables are made on and that alerts and dashboards ask."""

    size: Literal["2X-Small", "X-Small", "Small", "Medium", "Large"] = Field("2X-Small", description="Databricks' size")
    serverless: bool = Field(
        True, description="starts within seconds and costs nothing while stopped; false where a region has none"
    )
    auto_stop_minutes: int = Field(10, ge=5, le=120, description="minutes without a query after which it stops")


class Compute(Strict):
    """Clusters of the jobs, the policy over them, and the SQL warehouse."""

    runtime: str = Field(
        pattern=r"^\d+\.\d+\.x-\S+$", description="Databricks runtime, such as 16.4.x-cpu-ml-scala2.12"
    )
    sizes: Sizes = Field(description="job clusters by purpose")
    policy: Policy = Field(description="what the cluster policy allows")
    warehouse: Warehouse = Field(Warehouse(), description="the SQL warehouse")

    @model_validator(mode="after")
    def within_policy(self) -> Self:
        """The environment's own sizes must pass its own policy."""
        for name in type(self.sizes).model_fields:
            size: Size = getattr(self.sizes, name)
            if size.node_type not in self.policy.node_types:
                allowed = ", ".join(self.policy.node_types)
                raise ValueError(
                    f"sizes.{name}.node_type: expected one of policy.node_types ({allowed}), found {size.node_type}"
                )
            if size.most_workers > self.policy.max_workers:
                raise ValueError(
                    f"sizes.{name}.workers: expected at most policy.max_workers ({self.policy.max_workers}), "
                    f"found {size.most_workers}"
                )
        return self


class JobLimits(Strict):
    """What jobs do when a run takes long or fails."""

    timeout_minutes: int = Field(ge=1, description="a run that takes longer is ended")
    warning_minutes: int = Field(ge=1, description="health rule: a run that takes longer is reported")
    retries: int = Field(ge=0, le=10, description="further attempts of a failed task")
    retry_wait_seconds: int = Field(ge=0, description="wait before a further attempt")

    @model_validator(mode="after")
    def warns_before_it_ends(self) -> Self:
        """A warning after the end would never be sent."""
        if self.warning_minutes > self.timeout_minutes:
            raise ValueError(f"warning_minutes: expected at most timeout_minutes ({self.timeout_minutes})")
        return self


class Access(StrEnum):
    """What a group may do in an environment; each level includes those before it. Not a Databricks permission level."""

    VIEW = "view"
    """Sees jobs, runs, metrics and models; no data."""
    RUN = "run"
    """Also starts jobs and reads the data."""
    DEVELOP = "develop"
    """Also makes an own copy of the project beside the environment's."""
    MANAGE = "manage"
    """Also changes what the environment has."""


class PermissionProfile(Strict):
    """What each group may do here."""

    engineers: Access = Field(description="the engineers' level")
    scientists: Access = Field(description="the data scientists' level")


class Notifications(Strict):
    """Who hears of failures. At least one target: a failure that nobody hears of is a silent one."""

    email: tuple[Email, ...] = Field((), description="mail addresses")
    webhooks: tuple[Text, ...] = Field((), description="ids of the workspace's notification destinations")

    @model_validator(mode="after")
    def somebody(self) -> Self:
        """At least one target must be named."""
        if not self.email and not self.webhooks:
            raise ValueError("expected at least one target in email or webhooks")
        return self


class Promotion(Strict):
    """When a model version becomes champion."""

    floor: float = Field(ge=0, le=1, description="least AUC of any champion, the first included")
    threshold: float = Field(
        ge=0, le=1, description="AUC by which a challenger must beat the champion on the same rows"
    )


class Storage(Strict):
    """What happens to data when the infrastructure is destroyed."""

    destroy_data: bool = Field(description="true: destroy removes tables and files too; false: it stops at them")


class Copies(Strict):
    """Developers' own copies of an environment, one a feature branch."""

    allowed: bool = Field(description="true: a feature branch makes a copy, beside the environment and other copies")
    expire_after_days: int = Field(14, ge=1, description="expiry tag: days after the branch's last commit")


class EnvironmentValues(Strict):
    """One environment's file."""

    branch: Text = Field(description="git branch that the environment's jobs run")
    catalog: Identifier = Field(description="Unity Catalog catalog of the environment")
    service_principal: Text = Field(description="display name of the service principal that jobs run as")
    workspace: Workspace = Field(description="which workspace")
    compute: Compute = Field(description="clusters of the jobs, the policy over them, and the SQL warehouse")
    jobs: JobLimits = Field(description="time limits and retries")
    schedules: Literal["active", "paused"] = Field(description="whether schedules fire")
    permissions: PermissionProfile = Field(description="what each group may do here")
    notifications: Notifications = Field(description="who hears of failures")
    promotion: Promotion = Field(description="when a model version becomes champion")
    data_gate: DataGate = Field(DataGate(), description="when data is trained on")
    fairness: dict[Identifier, FairnessLimits] = Field(
        default_factory=dict,
        description="by sensitive column: how far groups may be apart for a version to be promoted",
    )
    model_limits: ModelLimits = Field(ModelLimits(), description="what a version may cost for it to be promoted")
    monitoring: Monitoring = Field(Monitoring(), description="what is watched once a model is in use")
    approval: Literal["required", "none"] = Field(
        "required", description="whether somebody else must have approved the very plan that 'branchline apply' applies"
    )
    hooks: tuple[Hook, ...] = Field((), description="what follows a deployment, in this order")
    storage: Storage = Field(description="what destroying does to data")
    copies: Copies = Field(description="developers' own copies of this environment")
    tags: dict[str, Text] = Field(description="tags beside the project's: costs, data class, …")
    backend: Backend = Field(description="where Terraform keeps its state")
    adopt: dict[str, Text] = Field(
        default_factory=dict,
        description="Terraform import: resource address (databricks_catalog.catalog) to existing id",
    )

    @model_validator(mode="after")
    def hooks_have_names_of_their_own(self) -> Self:
        """A deployment's record knows hooks by their names."""
        names = [hook.name for hook in self.hooks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"hooks: two have the name {', '.join(twice)}")
        return self
