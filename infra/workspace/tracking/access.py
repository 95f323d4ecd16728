"""What a principal may do in MLflow: experiments by their permissions, registered models by the registry's rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from infra.workspace.gateway.errors import BadRequest, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.tracking.calls import artifact_path
from infra.workspace.tracking.lineage import Kind, Lineage

READ, EDIT, MANAGE = "CAN_READ", "CAN_EDIT", "CAN_MANAGE"
Action = Literal["read", "edit", "create_version", "manage"]


class Registry(Protocol):
    """The models room's rules for registered models, by name."""

    def require(self, principal: Principal, name: str, action: Action) -> None: ...

    def sees(self, principal: Principal, name: str) -> bool: ...


class Experiments(Protocol):
    """Which experiments there are; those that MLflow has besides are not for anyone."""

    def known(self, experiment_id: str) -> bool: ...


class Access:
    """Raises NotFound for what does not exist and PermissionDenied for what is not the caller's."""

    def __init__(self, permissions: Permissions, experiments: Experiments, lineage: Lineage) -> None:
        self._permissions = permissions
        self._experiments = experiments
        self._lineage = lineage
        self.registry: Registry | None = None

    def experiment(self, principal: Principal, experiment_id: str, level: str) -> None:
        if not self._experiments.known(experiment_id):
            raise NotFound(f"No Experiment with id={experiment_id} exists")
        if not self._permissions.allows(principal, "experiments", experiment_id, level):
            raise PermissionDenied(f"{principal.name} does not have {level} permission on experiment {experiment_id}")

    def sees(self, principal: Principal, experiment_id: str) -> bool:
        """Whether an experiment belongs into the principal's lists."""
        return self._experiments.known(experiment_id) and self._permissions.allows(
            principal, "experiments", experiment_id, READ
        )

    def thing(self, principal: Principal, kind: Kind, id: str, level: str) -> None:
        """A run, logged model or trace, by the experiment that it belongs to."""
        experiment_id = self._lineage.experiment_of(kind, id)
        if experiment_id is None:
            raise NotFound(f"No {kind} with id={id} exists")
        try:
            self.experiment(principal, experiment_id, level)
        except PermissionDenied:
            if kind != "logged model" or level != READ or not self._registered(principal, self._lineage.models_of(id)):
                raise

    def new_or_own_trace(self, principal: Principal, trace_id: str) -> None:
        """A trace may be written again only by who may edit the one that is there."""
        if self._lineage.experiment_of("trace", trace_id) is not None:
            self.thing(principal, "trace", trace_id, EDIT)

    def artifact(self, principal: Principal, path: str, level: str) -> None:
        """Files lie below their experiment's id; who may use a registered model may read its versions' files too."""
        path = artifact_path(path)
        try:
            self.experiment(principal, path.split("/")[0], level)
        except PermissionDenied:
            if level != READ or not self._registered(principal, self._lineage.models_at(path)):
                raise

    def registered(self, principal: Principal, name: str, action: Action) -> None:
        if self.registry is None:
            raise NotSupported("registered models: no registry is attached")
        self.registry.require(principal, name, action)

    def sees_registered(self, principal: Principal, name: str) -> bool:
        return self.registry is not None and self.registry.sees(principal, name)

    def version_source(self, principal: Principal, source: str) -> None:
        """The files that a model version is made of must be the caller's to read; MLflow ties them to run or model."""
        scheme, _, rest = source.partition(":/")
        rest = rest.lstrip("/")
        if scheme == "runs":
            self.thing(principal, "run", rest.split("/")[0], READ)
        elif scheme == "mlflow-artifacts":
            self.artifact(principal, rest, READ)
        elif scheme == "models" and rest.count("/") == 0 and "@" not in rest:
            self.thing(principal, "logged model", rest, READ)
        elif scheme == "models":
            self.registered(principal, rest.split("@")[0].split("/")[0], "read")
        else:
            raise BadRequest(f"Invalid model version source: '{source}'. Use runs:/, models:/ or mlflow-artifacts:/")

    def _registered(self, principal: Principal, names: Iterable[str]) -> bool:
        return any(self._may_read(principal, name) for name in names)

    def _may_read(self, principal: Principal, name: str) -> bool:
        try:
            self.registered(principal, name, "read")
        except (PermissionDenied, NotFound):
            return False
        return True
