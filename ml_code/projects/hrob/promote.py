"""Step hrob.promote: write the verdict on the model version and move the champion alias if it says so.

A refusal is not a failure of the job: the version keeps the verdict, its numbers and a model card, the champion stays.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.monitoring import retraining as retrainings
from ml_code.platform.registry.promotion import Verdict
from ml_code.platform.registry.versions import CHALLENGER, CHAMPION, Versions
from ml_code.projects.hrob.baseline import write_baseline
from ml_code.projects.hrob.card import write_card
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import BASELINE

if TYPE_CHECKING:
    from ml_code.context import Context


@dataclass(frozen=True)
class Promoted:
    """What became of the version."""

    version: int
    decision: str
    champion: int | None
    card: str


def run(
    context: "Context",
    *,
    model: str,
    experiment: str,
    floor: float,
    threshold: float,
    version: str = "",
    fairness: str = "{}",
    model_limits: str = "{}",
    stages: bool = False,
    **_: Any,
) -> Promoted:
    """Take the run's verdict (outside of a job: reach it anew), write it and the model card down, act on it."""
    limits = {"fairness": fairness, "model_limits": model_limits}
    verdict = _verdict(context, model, floor, threshold, version, limits)
    project = read_project(context.root, context.environment)
    versions = Versions(model)
    card = str(versions.get(verdict.version).tags.get("model_card", ""))
    if verdict.decision != "unchanged" or not card:
        card = write_card(context, project, versions, verdict, experiment)
    if verdict.decision != "unchanged":
        versions.write_verdict(verdict, context.run_id, card)
    if verdict.decision == "promote":
        versions.promote(verdict.version)
        if stages:
            versions.move_to_stage(verdict.version, "Production")
    elif verdict.decision == "refuse":
        versions.unpoint(CHALLENGER, verdict.version)
    champion = versions.by_alias(CHAMPION)
    if champion == verdict.version:
        rows = write_baseline(context, project, versions.load(champion))
        context.say(f"{context.table(BASELINE)} has {rows} held-out rows of v{champion}")
    _record_retraining(context, versions, verdict)
    outcome = {"promote": "PROMOTED", "refuse": "REFUSED", "unchanged": "UNCHANGED"}[verdict.decision]
    context.say(f"{outcome}: {model} v{verdict.version}: {verdict.reason}")
    context.say(f"{CHAMPION} is v{champion}" if champion else f"{model} has no {CHAMPION}")
    context.say(f"model card: {card}")
    context.set_task_value("decision", verdict.decision)
    return Promoted(verdict.version, verdict.decision, champion, card)


def _verdict(
    context: "Context", model: str, floor: float, threshold: float, version: str, limits: dict[str, str]
) -> Verdict:
    told = context.task_value("validate", "verdict") if not version else None
    if told:
        return Verdict.from_dict(told)
    from ml_code.projects.hrob import validate

    return validate.run(context, model=model, floor=floor, threshold=threshold, version=version, **limits).verdict


def _record_retraining(context: "Context", versions: Versions, verdict: Verdict) -> None:
    """What became of the retraining that made the version, if one did."""
    retraining = str(versions.get(verdict.version).tags.get(retrainings.TAG, ""))
    if verdict.decision == "promote":
        retrainings.record_outcome(context, retraining, "promoted", verdict.version, verdict.sentence())
    elif verdict.decision == "refuse":
        retrainings.record_outcome(context, retraining, "refused", verdict.version, verdict.sentence())
