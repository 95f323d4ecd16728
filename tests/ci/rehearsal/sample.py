"""A rehearsal made by hand, for the tests of its reports."""

from __future__ import annotations

from typing import Any

from ci.plan.model import Action, Change, FieldChange, StackPlan
from ci.rehearsal.model import (
    Column,
    Commit,
    Estimate,
    JobPair,
    JobRun,
    Measured,
    ModelPair,
    Problem,
    Rehearsal,
    Step,
    Table,
    TablePair,
    TaskRun,
    Verdict,
)

BIRTH = Column(name="birth_id", type="string", nullable=False)
AGE = Column(name="age", type="int")


def stack(*changes: Change) -> StackPlan:
    return StackPlan(stack="staging", environment="staging", kind="project", stack_digest="0" * 64, changes=changes)


def update(name: str = "training", path: str = "timeout_seconds") -> Change:
    fields = (FieldChange(path=path, before=7200, after=5400),)
    return Change(address=f"databricks_job.{name}", type="databricks_job", action=Action.UPDATE, fields=fields)


def job(name: str = "staging-hrob-training", **after: Any) -> JobPair:
    tasks = (TaskRun(key="train", state="SUCCESS", seconds=21.0),)
    before = JobRun(run_id=1, state="SUCCESS", seconds=30.0, tasks=tasks)
    return JobPair(name=name, before=before, after=before.model_copy(update={"run_id": 2, **after}))


def model(name: str = "staging.hrob.risk") -> ModelPair:
    champion = Measured(version="1", metrics={"auc": Estimate(value=0.615, low=0.509, high=0.746)})
    challenger = Measured(version="2", metrics={"auc": Estimate(value=0.652, low=0.55, high=0.77)})
    return ModelPair(
        name=name, champion=champion, challenger=challenger, decision="promote", reason="better by 0.037",
        metric="auc", floor=0.5, threshold=0.01, difference=Estimate(value=0.037, low=-0.02, high=0.09),
        rows=517, outcomes=24, champion_after="2",
    )  # fmt: skip


def table(name: str = "staging.hrob.features") -> TablePair:
    return TablePair(
        name=name,
        before=Table(columns=(BIRTH, AGE), rows=100, version=1),
        after=Table(columns=(BIRTH, AGE.model_copy(update={"type": "double"})), rows=90, version=2),
    )


def problem(**given: Any) -> Problem:
    return Problem(**{"side": "change", "step": "run staging-hrob-training", "reason": "FAILED in train", **given})


def rehearsal(**given: Any) -> Rehearsal:
    made: dict[str, Any] = {
        "environment": "staging",
        "base": Commit(sha="a" * 40, subject="The base", revision="origin/main"),
        "change": Commit(sha="b" * 40, subject="A change", revision="HEAD"),
        "rehearsed": "b" * 40,
        "day": "2026-11-20",
        "verdict": Verdict.PASSED,
        "update": (stack(update()),),
        "settled": True,
        "jobs": (job(),),
        "tables": (table(),),
        "models": (model(),),
        "steps": (Step(name="start the workspace", began=0.0, seconds=2.0),),
        "started_at": "2026-11-20T11:00:00+00:00",
        "seconds": 90.0,
    }
    return Rehearsal(**{**made, **given})
