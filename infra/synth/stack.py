"""What every stack has: provider, credentials' variables, backend, readable addresses, adoption."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.settings.backends import Backend
from infra.settings.environment import Address
from infra.settings.settings import Settings
from infra.synth.backends import add_backend
from infra.synth.library import Construct, cdk, provider, resource_class

CREDENTIALS = {
    "databricks_host": "Address of the workspace; null: the settings' host, else the provider's own environment",
    "databricks_token": "Access token; null: the provider's own environment",
    "databricks_client_id": "Application id of the deploying service principal; null: the provider's own environment",
    "databricks_client_secret": "Its OAuth secret; null: the provider's own environment",
}


@dataclass(frozen=True)
class StackPlace:
    """Where a stack deploys to, and where its state is kept."""

    address: Address
    backend: Backend
    state_key: str
    adopt: Mapping[str, str] = field(default_factory=dict)
    """Ids of objects that exist already, by the addresses at which the stack would make them."""


class WorkspaceStack(cdk.TerraformStack):
    """A stack of one workspace. Resources are made by `make`, so that addresses in plans are readable and stable."""

    def __init__(self, app: cdk.App, name: str, place: StackPlace, *, root: Path) -> None:
        super().__init__(app, name)
        self.addresses: set[str] = set()
        self._place = place
        working_folder = Path(app.outdir).absolute() / "stacks" / name
        add_backend(self, place.state_key, place.backend, root=root, working_folder=working_folder)
        self._add_provider()

    def make(self, scope: Construct, kind: str, name: str, /, **arguments: Any) -> Any:
        """A resource at the address `<kind>.<name>`, imported first where the settings adopt an object for it."""
        address = f"{kind}.{name}"
        if address in self.addresses:
            raise ValueError(f"two resources of one stack have the address {address}")
        self.addresses.add(address)
        resource = resource_class(kind)(scope, address, **arguments)
        resource.override_logical_id(name)
        if existing := self._place.adopt.get(address):
            resource.import_from(existing)
        return resource

    def find(self, scope: Construct, kind: str, name: str, /, **arguments: Any) -> Any:
        """A data source at `data.<kind>.<name>`: an object that another stack made."""
        source = resource_class(f"data_{kind}")(scope, f"data.{kind}.{name}", **arguments)
        source.override_logical_id(name)
        return source

    def variable(self, name: str, description: str, *, ephemeral: bool, sensitive: bool = True) -> Any:
        """A text variable that may stay null. Ephemeral: its value enters neither plan nor state."""
        variable = cdk.TerraformVariable(
            self,
            name,
            type="string",
            default=cdk.Token.null_value(),  # a plain None would be left out: a variable without default is asked for
            nullable=True,
            sensitive=sensitive,
            description=description,
        )
        variable.override_logical_id(name)
        if ephemeral:
            variable.add_override("ephemeral", True)
        return variable

    def _add_provider(self) -> None:
        for name, description in CREDENTIALS.items():
            self.variable(name, description, ephemeral=True, sensitive=name != "databricks_host")
        workspace = self._place.address
        block = provider("provider").DatabricksProvider(self, "databricks")
        # Expressions as text: the class types its arguments before Terraform has seen the variables.
        host = f'coalesce(var.databricks_host, "{workspace.host}")' if workspace.host else "var.databricks_host"
        block.add_override("host", f"${{{host}}}")
        if workspace.profile:
            profile = f'${{var.databricks_host == null ? "{workspace.profile}" : null}}'
            block.add_override("profile", profile)
        for name in ("token", "client_id", "client_secret"):
            block.add_override(name, f"${{var.databricks_{name}}}")


class EnvironmentStack(WorkspaceStack):
    """A stack of one environment, with its settings."""

    def __init__(self, app: cdk.App, name: str, settings: Settings, *, root: Path) -> None:
        values = settings.values
        # A copy's objects are its own, whatever their address: it adopts none.
        adopt = {} if settings.copy_of else values.adopt
        super().__init__(
            app, name, StackPlace(values.workspace, values.backend, settings.state_key(name), adopt), root=root
        )
        self.settings = settings
