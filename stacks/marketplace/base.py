"""What the hub's stack and a workspace's have in common: who runs the jobs, on what, and how they reach the archive."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.constructs.catalog import grant_beside
from infra.constructs.compute import ClusterPolicy, ClusterPolicyConfig, JobClusterConfig
from infra.constructs.directory import Directory, DirectoryConfig
from infra.constructs.identity import ServicePrincipal, ServicePrincipalConfig
from infra.constructs.job import GitPin, Job, JobConfig, Schedule
from infra.constructs.permissions import Entry, Level, Permissions, PermissionsConfig
from infra.constructs.secrets import SecretScope, SecretScopeConfig
from infra.constructs.storage import ExternalLocation, ExternalLocationConfig
from infra.settings.environment import Address
from infra.settings.marketplace import Runner
from infra.settings.marketplace_settings import FOLDER, MarketplaceSettings
from infra.synth.library import cdk
from infra.synth.stack import StackPlace, WorkspaceStack
from stacks.marketplace.plan import StackJobs

LOCATION = "marketplace-archive"
"""The storage credential and the external location of the archive, one of each in a metastore."""

POLICY = "marketplace-jobs"


class MarketplaceStack(WorkspaceStack):
    """A workspace of the marketplace: service principal, cluster policy, the archive's secrets, and the jobs."""

    def __init__(
        self,
        app: cdk.App,
        name: str,
        settings: MarketplaceSettings,
        runner: Runner,
        address: Address,
        adopt: Mapping[str, str],
        *,
        workspace: str,
        root: Path,
    ) -> None:
        super().__init__(app, name, StackPlace(address, settings.values.backend, name, adopt), root=root)
        self.settings = settings
        self.runner = runner
        self.tags_of_all = settings.tags(runner, workspace)
        principal = ServicePrincipal(self, "service_principal", ServicePrincipalConfig(runner.service_principal))
        principal.join("group", runner.groups)
        self.principal: str = principal.application_id
        self._add_scopes()
        self._policy_id = self._add_policy()

    def add_archive(self, *, makes_credential: bool) -> None:
        """The service principal's rights on the archive as Unity Catalog's external location, where there is one."""
        archive = self.settings.values.archive
        if archive.credential is None:
            return
        name = LOCATION
        if makes_credential:
            config = ExternalLocationConfig(LOCATION, archive.url, archive.credential, "The marketplace's archive")
            name = ExternalLocation(self, "archive", config).name
        privileges = {self.principal: ["READ_FILES", "WRITE_FILES"]}
        grant_beside(self, self, "external_location", "archive", name, privileges)

    def add_folder(self) -> str:
        """The folder in which the service principal makes experiments and pages; returns its path."""
        folder = Directory(self, "folder", DirectoryConfig(FOLDER, self.settings.values.destroy_data))
        own = Entry(Level.CAN_MANAGE, service_principal=self.principal)
        Permissions(self, "folder", PermissionsConfig("directory_path", folder.path, [own]))
        return folder.path

    def add_jobs(self, planned: StackJobs, viewers: Sequence[str] = ()) -> None:
        """The jobs, each with its access list; `viewers` are groups that see their runs."""
        values, git = self.settings.values, self.settings.project.git
        cluster = JobClusterConfig(
            runtime=values.compute.runtime,
            size=values.compute.size,
            policy_id=self._policy_id,
            single_user=self.principal,
            tags=self.tags_of_all,
        )
        for definition in planned.jobs:
            active = values.schedules == "active"
            job = Job(
                self,
                definition.address,
                JobConfig(
                    name=definition.name,
                    description=definition.description,
                    git=GitPin(git.url, git.provider, self.runner.branch),
                    run_as=self.principal,
                    cluster=cluster,
                    manifest=planned.manifest,
                    tasks=definition.tasks,
                    parameters=definition.parameters,
                    limits=values.jobs,
                    notifications=values.notifications,
                    tags=self.tags_of_all,
                    libraries=sorted(values.libraries),
                    schedule=Schedule(definition.quartz, active) if definition.quartz else None,
                ),
            )
            own = Entry(Level.IS_OWNER, service_principal=self.principal)
            others = [Entry(Level.CAN_VIEW, group=group) for group in viewers]
            Permissions(self, definition.address, PermissionsConfig("job_id", job.id, [own, *others]))

    def _add_scopes(self) -> None:
        """A scope for each secret that the settings name; the secret itself is put there by hand."""
        names = {self.settings.values.archive.secret, *self.secrets}
        for number, scope in enumerate(sorted({name.partition("/")[0] for name in names if name}), start=1):
            made = SecretScope(self, f"secrets_{number}", SecretScopeConfig(scope))
            made.allow(f"secrets_{number}", self.principal, "READ")

    @property
    def secrets(self) -> Sequence[str]:
        """Secrets beside the archive's, as scope/key."""
        return ()

    def _add_policy(self) -> str:
        compute = self.settings.values.compute
        config = ClusterPolicyConfig(
            name=POLICY,
            runtime=compute.runtime,
            node_types=[compute.size.node_type],
            max_workers=compute.size.most_workers,
            tags=self.tags_of_all,
        )
        policy = ClusterPolicy(self, "jobs", config)
        own = Entry(Level.CAN_USE, service_principal=self.principal)
        Permissions(self, "policy", PermissionsConfig("cluster_policy_id", policy.id, [own]))
        return policy.id
