"""Step hrob.promote: write the verdict on the model version and move the champion alias if it says so.

A refusal is not a failure of the job: the version keeps the verdict and its numbers, the champion stays.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.registry.promotion import Verdict
from ml_code.platform.registry.versions import CHALLENGER, CHAMPION, Versions

if TYPE_CHECKING:
    from ml_code.context import Context


@dataclass(frozen=True)
class Promoted:
    """What became of the version."""

    version: int
    decision: str
    champion: int | None


def run(
    context: "Context",
    *,
    model: str,
    experiment: str,
    floor: float,
    threshold: float,
    version: str = "",
    stages: bool = False,
    **_: Any,
) -> Promoted:
    """Take the run's verdict (outside of a job: reach it anew), write it down, act on it."""
    verdict = _verdict(context, model, experiment, floor, threshold, version)
    versions = Versions(model)
    if verdict.decision != "unchanged":
        versions.write_verdict(verdict, context.run_id)
    if verdict.decision == "promote":
        versions.promote(verdict.version)
        if stages:
            versions.move_to_stage(verdict.version, "Production")
    elif verdict.decision == "refuse":
        versions.unpoint(CHALLENGER, verdict.version)
    champion = versions.by_alias(CHAMPION)
    outcome = {"promote": "PROMOTED", "refuse": "REFUSED", "unchanged": "UNCHANGED"}[verdict.decision]
    context.say(f"{outcome}: {model} v{verdict.version}: {verdict.reason}")
    context.say(f"{CHAMPION} is v{champion}" if champion else f"{model} has no {CHAMPION}")
    context.set_task_value("decision", verdict.decision)
    return Promoted(verdict.version, verdict.decision, champion)


def _verdict(context: "Context", model: str, experiment: str, floor: float, threshold: float, version: str) -> Verdict:
    told = context.task_value("validate", "verdict") if not version else None
    if told:
        return Verdict.from_dict(told)
    from ml_code.projects.hrob import validate

    measured = validate.run(
        context, model=model, experiment=experiment, floor=floor, threshold=threshold, version=version
    )
    return measured.verdict
