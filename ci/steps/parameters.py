"""What a step is called with: what was typed, else what the settings say, else the manifest's defaults."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from ci.errors import Trouble
from ci.steps.manifest import Step
from infra.settings import Settings
from infra.settings.parameters import step_parameters


def typed_parameters(arguments: Sequence[str]) -> dict[str, str]:
    """`--name value` and `--name=value` as a mapping; raises Trouble for anything else."""
    given = {}
    rest = list(arguments)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or option == "--":
            raise Trouble(f"{option!r}: expected --name value for each parameter of the step")
        name, equals, value = option[2:].partition("=")
        if not equals:
            if not rest:
                raise Trouble(f"{option}: expected a value after it")
            value = rest.pop(0)
        given[name.replace("-", "_")] = value
    return given


def settings_values(settings: Settings, today: date) -> dict[str, str]:
    """What an environment's settings say of the parameters that steps have; jobs are deployed with the same."""
    known = {name: str(value) for name, value in step_parameters(settings).items()}
    return known | {"date": today.isoformat(), "through": today.isoformat()}


def filled(step: Step, given: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    """The step's command line; a logical day that was typed also bounds what is landed. Raises Trouble by name."""
    for name in given:
        if name not in step.parameters:
            near = difflib.get_close_matches(name, step.parameters, n=1)
            hint = f"did you mean --{near[0]}?" if near else f"it has {', '.join(step.parameters)}"
            raise Trouble(f"step {step.name} has no parameter {name!r}: {hint}")
    if "date" in given:
        known = {**known, "through": given["date"]}
    arguments = [step.name]
    missing = []
    for name, declared in step.parameters.items():
        value = given.get(name, known.get(name))
        if value is not None:
            arguments += [f"--{name}", value]
        elif not _has_default(declared):
            missing.append(name)
    if missing:
        raise Trouble(f"step {step.name} needs {' '.join(f'--{name} …' for name in missing)}")
    return arguments


def today() -> date:
    """The logical day that jobs of now have: they count in UTC."""
    return datetime.now(UTC).date()


def _has_default(declared: Mapping[str, Any]) -> bool:
    return declared.get("default") is not None
