"""Conditions and runs of other jobs among a job's tasks: what they become, and which tasks do not fit together."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.constructs.job import Job
from infra.constructs.steps import Outcome, StepError, TaskConfig
from infra.constructs.tasks import AnyTask, ConditionConfig, RunJobConfig, problems_of
from infra.synth.stack import EnvironmentStack
from tests.infra.constructs.test_job import CONFIG

FIRST = TaskConfig("first", "demo.two", {})
GOOD = ConditionConfig("good", "{{tasks.first.values.verdict}}", "EQUAL_TO", "yes", ("first",))
JOB = RunJobConfig("again", "training", {"reason": "{{tasks.first.values.reason}}"}, (Outcome("good", True),))


def test_conditions_and_runs_of_jobs_need_no_cluster(
    stack: EnvironmentStack, synthesize: Callable[[], dict[str, Any]]
) -> None:
    job = replace(CONFIG, tasks=[FIRST, GOOD, JOB], job_ids={"training": "${databricks_job.training.id}"})
    Job(stack, "demo", job)
    found = {task["task_key"]: task for task in synthesize()["resource"]["databricks_job"]["demo"]["task"]}
    assert found["good"] == {
        "task_key": "good",
        "depends_on": [{"task_key": "first"}],
        "condition_task": {"left": "{{tasks.first.values.verdict}}", "op": "EQUAL_TO", "right": "yes"},
    }
    assert found["again"] == {
        "task_key": "again",
        "depends_on": [{"task_key": "good", "outcome": "true"}],
        "run_job_task": {
            "job_id": "${databricks_job.training.id}",
            "job_parameters": {"reason": "{{tasks.first.values.reason}}"},
        },
    }


def test_a_failure_that_is_meant_is_not_tried_again(
    stack: EnvironmentStack, synthesize: Callable[[], dict[str, Any]]
) -> None:
    Job(stack, "demo", replace(CONFIG, tasks=[TaskConfig("halt", "demo.two", {}, retried=False)]))
    (task,) = synthesize()["resource"]["databricks_job"]["demo"]["task"]
    assert task["max_retries"] == 0
    assert "min_retry_interval_millis" not in task


def after(*before: str | Outcome, key: str = "last") -> TaskConfig:
    return TaskConfig(key, "demo.two", {}, before)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([FIRST, GOOD, after("good")], "depends on condition 'good' and does not say on which outcome"),
        ([FIRST, after(Outcome("first", True))], "depends on an outcome of 'first', which is no condition"),
        ([FIRST, GOOD, after(Outcome("god", True))], "depends on unknown task 'god'; did you mean 'good'?"),
        ([FIRST, GOOD, after(Outcome("good", True), Outcome("good", False))], "depends on 'good' twice"),
        (
            [FIRST, GOOD, after(Outcome("good", True), key="a"), after("a", Outcome("good", False))],
            "task 'last' can never run: it needs both outcomes of 'good'",
        ),
        (
            [ConditionConfig("a", "1", "EQUAL_TO", "1", ("b",)), after(Outcome("a", True), key="b")],
            "tasks wait for each other: a, b",
        ),
        ([FIRST, replace(GOOD, left="{{tasks.frist.values.x}}")], "unknown task 'frist'; did you mean 'first'?"),
        ([FIRST, replace(GOOD, depends_on=())], "refers to task 'first', which does not come before it"),
        ([FIRST, replace(GOOD, right="{{job.parameters.dya}}")], "unknown job parameter 'dya'; did you mean 'day'?"),
        ([FIRST, GOOD, replace(JOB, job="trainign")], "runs unknown job 'trainign'; did you mean 'training'?"),
        ([FIRST, TaskConfig("x", "demo.two", {"a": "{{tasks.first.values.y}}"})], "which does not come before it"),
    ],
)  # fmt: skip
def test_tasks_that_cannot_run_are_refused(tasks: list[AnyTask], expected: str) -> None:
    with pytest.raises(StepError, match="job prod-demo") as raised:
        replace(CONFIG, tasks=tasks, job_ids={"training": "1"})
    assert expected in str(raised.value)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=4), st.integers(1, 6))
def test_a_task_runs_on_some_run_unless_it_is_refused(before: list[tuple[int, bool]], conditions: int) -> None:
    """Of independent conditions each set of outcomes occurs, so a task is refused only if it wants one twice."""
    named = [Outcome(f"c{number % conditions}", value) for number, value in before]
    tasks: list[AnyTask] = [ConditionConfig(f"c{n}", "1", "EQUAL_TO", "1") for n in range(conditions)]
    found = problems_of([*tasks, after(*named)], {}, {})
    assert bool(found) == (len({each.condition for each in named}) < len(named))
