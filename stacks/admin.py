"""<env>-admin: what an administrator makes once for an environment, so that the project stack needs none."""

from pathlib import Path

from infra.constructs.catalog import Catalog, CatalogConfig
from infra.constructs.compute import ClusterPolicy, ClusterPolicyConfig
from infra.constructs.directory import Directory, DirectoryConfig
from infra.constructs.identity import Entitlements, Group, GroupConfig, ServicePrincipal, ServicePrincipalConfig
from infra.constructs.permissions import Entry, Level, Permissions, PermissionsConfig
from infra.constructs.secrets import SecretScope, SecretScopeConfig
from infra.constructs.sql_warehouse import SqlWarehouse, SqlWarehouseConfig
from infra.settings.settings import Settings
from infra.synth.library import cdk
from infra.synth.stack import EnvironmentStack
from stacks import access
from stacks.parts import add_git_credential, add_schema


class AdminStack(EnvironmentStack):
    """Service principal, groups, catalog, schema, volume, grants, policy, SQL warehouse, secret scope, folders, git
    credential.

    It is the environment's own, never a copy's: copies live in the catalog and under the policy that it makes.
    """

    def __init__(self, app: cdk.App, settings: Settings, *, root: Path) -> None:
        settings = settings.model_copy(update={"copy_of": None})
        super().__init__(app, f"{settings.environment}-admin", settings, root=root)
        self.people, workspace_folder = self._add_shared_objects()
        self.principal = ServicePrincipal(
            self,
            "service_principal",
            # It makes tables and asks alerts' queries on the warehouse.
            ServicePrincipalConfig(settings.values.service_principal, Entitlements(databricks_sql_access=True)),
        ).application_id
        self._add_data()
        self._add_compute()
        self._add_warehouse()
        self._add_folder(workspace_folder)
        scope = SecretScope(self, "secrets", SecretScopeConfig(settings.secret_scope))
        scope.allow("secrets_service_principal", self.principal, "READ")
        add_git_credential(self, owner="admin")

    def _add_shared_objects(self) -> tuple[access.People, str]:
        """The groups' levels and the workspace folder: made here, or by another environment of the workspace."""
        project = self.settings.project
        if not self.settings.values.workspace.makes_shared_objects:
            return access.people(self.settings), project.workspace_folder
        groups, members = project.groups, project.members
        engineers = Group(self, "engineers", GroupConfig(groups.engineers, members.engineers))
        scientists = Group(self, "scientists", GroupConfig(groups.scientists, members.scientists))
        people = access.people(self.settings, engineers=engineers.display_name, scientists=scientists.display_name)
        return people, Directory(self, "workspace_folder", DirectoryConfig(project.workspace_folder)).path

    def _add_data(self) -> None:
        settings, values = self.settings, self.settings.values
        own = (*access.CATALOG_OWN, *(access.CATALOG_OWN_FOR_COPIES if values.copies.allowed else ()))
        catalog = Catalog(
            self,
            "catalog",
            CatalogConfig(
                name=settings.catalog,
                comment=f"Data and models of {settings.environment}",
                tags=settings.tags,
                destroy_data=values.storage.destroy_data,
                privileges=access.privileges(self.people, "catalog", self.principal, own),
            ),
        )
        add_schema(self, catalog.name, self.principal, self.people)

    def _add_compute(self) -> None:
        settings, compute = self.settings, self.settings.values.compute
        policy = ClusterPolicy(
            self,
            "jobs",
            ClusterPolicyConfig(
                name=settings.policy_name,
                runtime=compute.runtime,
                node_types=compute.policy.node_types,
                max_workers=compute.policy.max_workers,
                tags=settings.tags,
            ),
        )
        own = Entry(Level.CAN_USE, service_principal=self.principal)
        entries = access.entries(self.people, "policy", own)
        Permissions(self, "policy", PermissionsConfig("cluster_policy_id", policy.id, entries))

    def _add_warehouse(self) -> None:
        settings = self.settings
        config = SqlWarehouseConfig(settings.warehouse_name, settings.values.compute.warehouse, settings.tags)
        warehouse = SqlWarehouse(self, "warehouse", config)
        own = Entry(Level.CAN_USE, service_principal=self.principal)
        entries = access.entries(self.people, "warehouse", own)
        Permissions(self, "warehouse", PermissionsConfig("sql_endpoint_id", warehouse.id, entries))

    def _add_folder(self, parent: str) -> None:
        settings = self.settings
        delete = settings.values.storage.destroy_data
        folder = Directory(self, "folder", DirectoryConfig(f"{parent}/{settings.environment}", delete))
        own = Entry(Level.CAN_MANAGE, service_principal=self.principal)
        entries = access.entries(self.people, "folder", own)
        Permissions(self, "folder", PermissionsConfig("directory_path", folder.path, entries))
