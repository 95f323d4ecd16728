"""The steps that the ML code offers, read as data from ml_code/steps.yaml of the work tree."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ci.errors import Trouble


@dataclass(frozen=True)
class Step:
    """One step: parameters by name, each as the manifest declares it (type, default, description)."""

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Manifest:
    """The entry file of every task, relative to the clone, and the steps that it runs."""

    entry: str
    steps: Mapping[str, Step]

    def find(self, name: str) -> Step:
        """The step with that name, or the only one whose last part it is; raises Trouble otherwise."""
        if name in self.steps:
            return self.steps[name]
        found = [step for full, step in self.steps.items() if full.rpartition(".")[2] == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise Trouble(f"several steps are called {name!r}: {', '.join(step.name for step in found)}")
        parts = [full.rpartition(".")[2] for full in self.steps]
        near = difflib.get_close_matches(name, [*self.steps, *parts], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.steps)}"
        raise Trouble(f"no step {name!r} in ml_code/steps.yaml: {hint}")


def read_manifest(root: Path) -> Manifest:
    """The manifest of a work tree; raises Trouble if it is missing or not one."""
    path = root / "ml_code" / "steps.yaml"
    try:
        content = yaml.safe_load(path.read_text())
        steps = {
            name: Step(name, body.get("description", ""), body.get("parameters") or {})
            for name, body in content["steps"].items()
        }
        return Manifest(str(content["entry"]), steps)
    except FileNotFoundError as error:
        raise Trouble(f"{path} does not exist: is this a clone of a Branchline project?") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise Trouble(f"{path} is not a manifest of steps: {error}") from error
