"""The synthesized stacks of one side: cut off from every cloud, and read for what the rehearsal must know of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.rehearsal.request import Request
from ci.terraform.synthesis import SynthesizedStack, synthesize

# What the project's own jobs need of each other; any further job comes after them.
_ORDER = ("landing", "training", "batch_inference", "monitoring")
# A job that the workspace starts by itself, to refresh a table's monitor.
_OF_THE_WORKSPACE = "quality_monitor"


@dataclass(frozen=True)
class JobToRun:
    """A deployed job and the parameters that it takes."""

    name: str
    parameters: frozenset[str]


@dataclass(frozen=True)
class Stacks:
    """One side's stacks in the order in which they are applied: administrators' first, the project's last."""

    admin: tuple[SynthesizedStack, ...]
    project: SynthesizedStack
    notes: tuple[str, ...]

    @property
    def all(self) -> tuple[SynthesizedStack, ...]:
        return (*self.admin, self.project)

    @property
    def principal(self) -> str | None:
        """Display name of the service principal that deploys the project; None if the stack names none."""
        found = self.project.content.get("data", {}).get("databricks_service_principal", {})
        return next((str(each["display_name"]) for each in found.values() if each.get("display_name")), None)

    @property
    def jobs(self) -> tuple[JobToRun, ...]:
        """The project's jobs that a person or a schedule starts, in the order in which one needs the other."""
        every = _resources(self.project, "databricks_job")
        found = {key: job for key, job in every.items() if _OF_THE_WORKSPACE not in job.get("tags", {})}
        ordered = [key for key in _ORDER if key in found] + [key for key in found if key not in _ORDER]
        return tuple(
            JobToRun(
                str(found[key]["name"]),
                frozenset(str(parameter["name"]) for parameter in found[key].get("parameter", [])),
            )
            for key in ordered
        )

    @property
    def catalogs(self) -> tuple[str, ...]:
        """The catalogs of the rehearsed environment."""
        own = [stack for stack in self.admin if stack.environment == self.project.environment]
        return tuple(str(each["name"]) for stack in own for each in _resources(stack, "databricks_catalog").values())

    @property
    def models(self) -> tuple[str, ...]:
        """The registered models, by three-level name."""
        found = _resources(self.project, "databricks_registered_model").values()
        return tuple(f"{each['catalog_name']}.{each['schema_name']}.{each['name']}" for each in found)


def synthesize_side(request: Request, side: str, checkout: Path, variables: Mapping[str, str]) -> Stacks:
    """Synthesizes a checkout for the rehearsal: state in its own folder, and nothing adopted. Raises Trouble."""
    synthesis = synthesize(request.environments, request.folder / f"{side}.out", root=checkout, variables=variables)
    state = request.folder / "state"
    notes: list[str] = []
    admin = [_isolated(stack, state, notes) for stack in synthesis.of(request.environments, ("admin",))]
    (project,) = (_isolated(stack, state, notes) for stack in synthesis.of((request.environment,), ("project",)))
    return Stacks(tuple(admin), project, tuple(notes))


def _isolated(stack: SynthesizedStack, state: Path, notes: list[str]) -> SynthesizedStack:
    """The stack with local state, whatever its settings say, and without what it would take over from a workspace."""
    content = {key: value for key, value in stack.content.items() if key != "import"}
    notes += [
        f"{stack.name}: {adopted.get('to')} would adopt {adopted.get('id')}; here it was made anew."
        for adopted in stack.content.get("import", [])
    ]
    terraform = {key: value for key, value in content.get("terraform", {}).items() if key != "cloud"}
    kept_in = next(iter(terraform.get("backend", {})), "cloud" if "cloud" in content.get("terraform", {}) else "local")
    if kept_in != "local":
        notes.append(f"{stack.name}: its state is kept in {kept_in}; the rehearsal's lay in a file of its own.")
    path = state.absolute() / f"{stack.name}.tfstate"
    content["terraform"] = {**terraform, "backend": {"local": {"path": str(path)}}}
    (stack.folder / "cdk.tf.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
    return dataclasses.replace(stack, content=content)


def _resources(stack: SynthesizedStack, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.content.get("resource", {}).get(kind, {})
    return found
