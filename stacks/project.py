"""<env>: the project itself; the environment's service principal can deploy it without an administrator."""

from collections.abc import Mapping
from pathlib import Path

from infra.constructs.catalog import RegisteredModel, RegisteredModelConfig
from infra.constructs.compute import JobClusterConfig
from infra.constructs.experiment import Experiment, ExperimentConfig
from infra.constructs.job import GitPin, Job, JobConfig, Schedule
from infra.constructs.permissions import Entry, Level, Permissions, PermissionsConfig
from infra.synth.library import cdk
from infra.synth.stack import EnvironmentStack
from stacks import access
from stacks.job_definition import JobDefinition
from stacks.monitoring import add_monitoring
from stacks.parts import add_git_credential, add_schema
from stacks.plan import EnvironmentPlan

_DEPLOYS_ITSELF = (
    "data.databricks_current_user.deployer.user_name"
    " == data.databricks_service_principal.service_principal.application_id"
)


class ProjectStack(EnvironmentStack):
    """Experiment, registered model, jobs, permissions, and what watches the model; for a feature branch also its own
    schema and volume.
    """

    def __init__(self, app: cdk.App, plan: EnvironmentPlan, *, root: Path) -> None:
        settings = plan.settings
        super().__init__(app, settings.environment, settings, root=root)
        self._manifest = plan.manifest
        self.people = access.people(settings)
        self.principal: str = self.find(
            self, "databricks_service_principal", "service_principal", display_name=settings.values.service_principal
        ).application_id
        self.policy_id: str = self.find(self, "databricks_cluster_policy", "jobs", name=settings.policy_name).id
        if settings.copy_of:
            self.find(self, "databricks_current_user", "deployer")
        self._add_experiment()
        schema = self._add_model()
        job_ids: dict[str, str] = {}
        for job in plan.jobs:
            job_ids[job.name] = self._add_job(job, job_ids)
        if plan.tables is not None:
            add_monitoring(self, plan.tables, schema, self.principal)
        add_git_credential(self, owner="service_principal")

    def _add_experiment(self) -> None:
        settings = self.settings
        experiment = Experiment(self, "experiment", ExperimentConfig(settings.experiment_name, settings.tags))
        own = Entry(Level.CAN_MANAGE, service_principal=self.principal)
        entries = access.entries(self.people, "experiment", own)
        Permissions(self, "experiment", PermissionsConfig("experiment_id", experiment.id, entries))

    def _add_model(self) -> tuple[str, str]:
        """Makes the model; returns catalog and schema, for a copy as references to what is made here."""
        settings = self.settings
        catalog, schema = settings.catalog, settings.schema_name
        if settings.copy_of:
            made = add_schema(self, settings.catalog, self.principal, self.people)
            catalog, schema = made.catalog, made.name
        # Who deploys a copy may be a developer, and only an owner may give a model away: there, privileges do.
        own = access.MODEL_OWN if settings.copy_of else ()
        RegisteredModel(
            self,
            "model",
            RegisteredModelConfig(
                catalog=catalog,
                schema=schema,
                name=settings.project.model,
                comment=f"High-risk births, trained from branch {settings.branch}",
                owner=None if settings.copy_of else self.principal,
                privileges=access.privileges(self.people, "model", self.principal, own),
            ),
        )
        return catalog, schema

    def _add_job(self, definition: JobDefinition, job_ids: Mapping[str, str]) -> str:
        settings, values = self.settings, self.settings.values
        git, name = settings.project.git, definition.address
        schedule = Schedule(definition.quartz, settings.schedules_active) if definition.quartz else None
        job = Job(
            self,
            name,
            JobConfig(
                name=settings.job_name(definition.name),
                description=definition.description,
                git=GitPin(git.url, git.provider, settings.branch, settings.commit),
                run_as=self.principal,
                cluster=JobClusterConfig(
                    runtime=values.compute.runtime,
                    size=definition.size,
                    policy_id=self.policy_id,
                    single_user=self.principal,
                    tags=settings.tags,
                ),
                manifest=self._manifest,
                tasks=definition.tasks,
                parameters=definition.parameters,
                limits=values.jobs,
                notifications=values.notifications,
                tags={**settings.tags, **definition.tags},
                libraries=sorted(settings.project.libraries),
                schedule=schedule,
                job_ids=job_ids,
            ),
        )
        entries = access.entries(self.people, "job", self._own_entry())
        Permissions(self, name, PermissionsConfig("job_id", job.id, entries))
        return job.id

    def _own_entry(self) -> Entry:
        """The service principal owns the environment's jobs, whoever deploys them.

        Only administrators may give a job away, so a copy stays with the developer who deploys it. Its runs are the
        service principal's and look themselves up, so that may manage it; where it deploys by itself, it is the owner.
        """
        if not self.settings.copy_of:
            return Entry(Level.IS_OWNER, service_principal=self.principal)
        return Entry(Level.CAN_MANAGE, service_principal=self.principal, owner_where=_DEPLOYS_ITSELF)
