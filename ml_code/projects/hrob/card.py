"""The model card of a version of this project."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from databricks.sdk.errors.base import DatabricksError

from ml_code.platform.configuration import parse, read_yaml
from ml_code.platform.model_card.facts import About, Facts, read_run
from ml_code.platform.model_card.render import log_card, render
from ml_code.platform.registry.promotion import Verdict
from ml_code.platform.registry.versions import Versions
from ml_code.projects.hrob.configuration import FOLDER, Project
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context

ABOUT = "model_card.yml"


def write_card(context: "Context", project: Project, versions: Versions, verdict: Verdict, experiment: str) -> str:
    """Make the card from the run that trained the version and put it there; its address."""
    record = versions.get(verdict.version)
    tags = {key: str(value) for key, value in record.tags.items()}
    parameters, files, pictures = read_run(record.run_id)
    facts = Facts(
        model=versions.name,
        version=verdict.version,
        run_id=record.run_id,
        owner=_owner(context, versions.name),
        about=read_about(context.root),
        verdict=verdict,
        tags=tags,
        parameters=parameters,
        files=files,
        pictures=pictures,
        period=_period(context, project, tags),
        kept=_kept(project),
        sensitive=tuple(name for name, feature in project.mappings.features.items() if feature.sensitive),
        reproduction=_reproduction(context, versions.name, experiment, tags, parameters.get("trials", "12")),
    )
    return log_card(record.run_id, render(facts))


def read_about(root: str | Path) -> About:
    """The project's own part of the card. Raises ConfigurationError."""
    return parse(About, read_yaml(Path(root) / FOLDER / ABOUT), ABOUT)


def _owner(context: "Context", model: str) -> str:
    try:
        return context.workspace.registered_models.get(model).owner or "not recorded"
    except DatabricksError as error:
        # A card without an owner is better than a version without a verdict.
        context.say(f"the owner of {model} is left out of its card: {error}")
        return "not recorded"


def _period(context: "Context", project: Project, tags: dict[str, str]) -> str:
    last = datetime.date.fromisoformat(tags.get("date", context.date.isoformat()))
    first = last - datetime.timedelta(days=project.parameters.split.window_days - 1)
    return f"records from {first} on, with outcomes known by {last}"


def _kept(project: Project) -> dict[str, str]:
    described = (KEY, *project.parameters.monitoring.attributes, *project.selection.features)
    return {name: project.parameters.privacy.rule(name) for name in described}


def _reproduction(context: "Context", model: str, experiment: str, tags: dict[str, str], trials: str) -> str:
    options = {
        "environment": tags.get("environment", context.environment),
        "catalog": context.catalog,
        "schema": context.schema,
        "date": tags.get("date", context.date.isoformat()),
        "model": model,
        "experiment": experiment,
        "trials": trials,
    }
    return " ".join(["python ml_code/run.py hrob.train", *(f"--{name} {value}" for name, value in options.items())])
