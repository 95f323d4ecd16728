"""marketplace.yaml: the hub, and every workspace whose models it gathers or that uses them."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.settings.backends import Backend
from infra.settings.base import Identifier, PinnedPackage, Quartz, Strict, Text
from infra.settings.environment import Address, JobLimits, Notifications, Size
from infra.settings.storage import StorageCredential

Registry = Literal["unity_catalog", "workspace"]

WorkspaceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
"""Lower-case words joined by dashes: in names of schemas and models the dashes are underscores."""

Securable = Annotated[str, Field(pattern=r"^\w+(\.\w+)?$")]

TableName = Annotated[str, Field(pattern=r"^\w+(\.\w+){2}$")]

FolderUrl = Annotated[str, Field(pattern=r"^(s3|abfss|gs|file)://\S+$")]

SecretName = Annotated[str, Field(pattern=r"^[\w.@-]+/[\w.@-]+$")]

HubModel = Annotated[str, Field(pattern=r"^\w[\w-]*$")]

RESERVED = ("hub", "open-source")
"""The hub's own stack, and what the archive calls models from outside."""

_PLACES = {"workspace", "catalog", "schema", "model"}


class Archive(Strict):
    """Where exported versions lie: one folder that every workspace reaches."""

    url: FolderUrl = Field(description="s3://…, abfss://…, gs://… or file:///…")
    secret: SecretName | None = Field(
        None,
        description="scope/key of a secret with fsspec's storage options as JSON; null: the cluster's own identity",
    )
    credential: StorageCredential | None = Field(
        None, description="as whom Unity Catalog reaches the folder; null: no storage credential is made"
    )


class MarketplaceCompute(Strict):
    """The job clusters, in the hub and in every workspace."""

    runtime: str = Field(pattern=r"^\d+\.\d+\.x-\S+$", description="Databricks runtime")
    size: Size = Field(description="the cluster of a job; a transfer needs no workers")


class Batch(Strict):
    """A job that scores a table with a brought model."""

    input: TableName = Field(description="table that is scored, catalog.schema.table")
    output: TableName = Field(description="table that the predictions go to, catalog.schema.table")
    schedule: Quartz | None = Field(None, description="when (Quartz, UTC); null: on request")


class Wanted(Strict):
    """A model of the hub that a workspace uses."""

    model: HubModel = Field(description="name of the model in the hub, without catalog and schema")
    version: int | None = Field(None, ge=1, description="version in the hub; null: the approved champion")
    name: Identifier | None = Field(None, description="name in this workspace; null: the same as in the hub")
    deploy: Literal["none", "batch", "endpoint"] = Field(
        "none", description="none: registered and no more; batch: a job that scores a table; endpoint: a serving one"
    )
    batch: Batch | None = Field(None, description="what a batch job scores")

    @property
    def own_name(self) -> str:
        """What it is called in the workspace that uses it."""
        return self.name or self.model

    @model_validator(mode="after")
    def batch_knows_its_tables(self) -> Self:
        """A batch job without tables would score nothing."""
        if (self.deploy == "batch") != (self.batch is not None):
            raise ValueError("batch: expected together with 'deploy: batch', and only then")
        return self


class Runner(Strict):
    """As whom the marketplace's jobs run in a workspace, and with which code."""

    service_principal: Text = Field("branchline-marketplace", description="display name of who the jobs run as")
    groups: tuple[Text, ...] = Field(
        (),
        description="existing groups that the service principal joins, for what no grant gives: reading experiments,"
        " and the models of the workspace's own registry",
    )
    branch: Text = Field("release", description="git branch whose code the jobs run")
    registry: Registry = Field("unity_catalog", description="unity_catalog, or workspace: the registry with stages")
    concurrency: int = Field(8, ge=1, le=64, description="versions and files that are on their way at once")


class HubSchedules(Strict):
    """When the hub's jobs run (Quartz, UTC)."""

    imports: Quartz | None = Field("0 0 4 * * ?", description="import, after the workspaces' exports")
    approvals: Quartz | None = Field(
        "0 30 4 * * ?", description="applying approvals and ending those that have run out"
    )
    catalogue: Quartz | None = Field("0 0 5 * * ?", description="counting uses and writing the pages")
    intake: Quartz | None = Field(None, description="requests for models from outside; null: as the pipeline asks")


class Hub(Runner, Address):
    """The central workspace."""

    catalog: Identifier = Field("marketplace", description="catalog of the hub, made by its stack")
    schema_name: Identifier = Field("models", description="schema of the gathered models and of the hub's tables")
    naming: Text = Field(
        "{workspace}__{model}",
        description="name of a model in the hub, of {workspace}, {catalog}, {schema} and {model}",
    )
    users: tuple[Text, ...] = Field(
        ("account users",), description="groups that approvals may name: they may enter catalog and schema, no more"
    )
    readers: tuple[Text, ...] = Field((), description="groups of the workspace that read the hub's tables and pages")
    site: FolderUrl | None = Field(None, description="where the pages are put as a static site too; null: nowhere")
    site_secret: SecretName | None = Field(None, description="scope/key of the site's access, as for the archive")
    makes_credential: bool = Field(
        True, description="makes archive.credential; false: a workspace of the same metastore does"
    )
    schedules: HubSchedules = Field(HubSchedules(), description="when its jobs run")
    adopt: dict[str, Text] = Field(
        default_factory=dict, description="Terraform import: resource address to the existing object's id"
    )

    @model_validator(mode="after")
    def names_do_not_collide(self) -> Self:
        """Two workspaces may have models of one name: only the workspace's name tells them apart."""
        found = set(re.findall(r"\{([^{}]*)\}", self.naming))
        if unknown := sorted(found - _PLACES):
            raise ValueError(f"naming: unknown {{{unknown[0]}}}; known are {', '.join(sorted(_PLACES))}")
        if not {"workspace", "model"} <= found:
            raise ValueError("naming: expected {workspace} and {model} in it: other names would collide")
        return self


class SourceValues(Runner):
    """What holds for every workspace unless its own entry says otherwise."""

    models: Text = Field("*", description="models that are exported, full names with * and ?, commas between several")
    grants: tuple[Securable, ...] = Field(
        (),
        description="catalogs, and schemas as catalog.schema, whose models are exported: the service principal may"
        " read them and mark their versions",
    )
    schedule: Quartz | None = Field("0 0 2 * * ?", description="when it exports (Quartz, UTC)")
    bring_schedule: Quartz | None = Field("0 0 6 * * ?", description="when it brings wanted models, after approvals")
    catalog: Identifier | None = Field(
        None, description="existing catalog for brought models; null: one of its own, marketplace_<name>"
    )
    schema_name: Identifier = Field("models", description="schema for brought models")
    users: tuple[Text, ...] = Field(
        ("account users",),
        description="groups that may enter the catalog and schema made for brought models, and no more",
    )


class WorkspaceEntry(SourceValues, Address):
    """One workspace: its name and address are enough."""

    name: WorkspaceName = Field(description="name in the marketplace; it stays, for exported versions bear it")
    wanted: tuple[Wanted, ...] = Field((), description="models of the hub that this workspace uses")
    consumer: bool = Field(
        False,
        description="true: the place for brought models is made also while none is wanted, for those brought by hand",
    )
    makes_credential: bool = Field(
        False,
        description="true: makes archive.credential; one workspace of each metastore does, where the hub is in another",
    )
    adopt: dict[str, Text] = Field(
        default_factory=dict, description="Terraform import: resource address to the existing object's id"
    )

    @property
    def is_consumer(self) -> bool:
        """Whether models are brought to it."""
        return self.consumer or bool(self.wanted)

    @model_validator(mode="after")
    def names_of_its_own(self) -> Self:
        """Two brought models cannot have one name."""
        names = [each.own_name for each in self.wanted]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"wanted: two would be called {', '.join(twice)}: give one a name")
        return self


class MarketplaceValues(Strict):
    """marketplace.yaml."""

    archive: Archive = Field(description="where exported versions lie")
    hub: Hub = Field(description="the central workspace")
    defaults: SourceValues = Field(
        default_factory=SourceValues, description="what holds for every workspace unless its entry says otherwise"
    )
    workspaces: tuple[WorkspaceEntry, ...] = Field(description="the workspaces, one entry each")
    compute: MarketplaceCompute = Field(description="the job clusters")
    libraries: tuple[PinnedPackage, ...] = Field(
        (), description="Python packages that the steps need beyond the runtime's, each with its exact version"
    )
    jobs: JobLimits = Field(description="time limits and retries")
    schedules: Literal["active", "paused"] = Field(description="whether schedules fire")
    notifications: Notifications = Field(description="who hears of failures")
    destroy_data: bool = Field(False, description="true: destroying removes the hub's models and tables too")
    tags: dict[str, Text] = Field(description="tags beside the project's, or instead of them")
    backend: Backend = Field(description="where Terraform keeps its state")

    @model_validator(mode="after")
    def one_entry_each(self) -> Self:
        """Exported versions bear their workspace's name."""
        names = [entry.name for entry in self.workspaces]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"workspaces: two have the name {', '.join(twice)}")
        if taken := sorted(set(names) & set(RESERVED)):
            raise ValueError(f"workspaces: the name {', '.join(taken)} is taken by the marketplace itself")
        if self.archive.credential is None and any(entry.makes_credential for entry in self.workspaces):
            raise ValueError("archive.credential: a workspace makes it, and it is not given")
        return self
