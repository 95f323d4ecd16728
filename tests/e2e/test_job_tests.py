"""A job test on a deployed environment: a one-time run, its results, a tolerance that holds and one that does not."""

from __future__ import annotations

import pytest

from ci.jobtests.compare import compare
from ci.jobtests.execute import RunFailed, execute
from ci.jobtests.spec import JobTest, Result
from ci.target import Target
from infra.settings import load_settings
from infra.workspace import launch
from tests.e2e.conftest import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROWS = "SELECT count(*) AS tables FROM (SELECT 1 AS a UNION ALL SELECT 2) AS two"


def spec(**more: object) -> JobTest:
    return JobTest.model_validate(
        {
            "name": "landing", "description": "d", "environment": "dev", "jobs": ["landing"],
            "parameters": {"date": "2000-01-01"}, "results": {"two": Result(query=ROWS)}, **more,
        }
    )  # fmt: skip


def test_a_one_time_run_of_the_deployed_job_gives_results_to_compare(deployed: Deployed) -> None:
    settings = load_settings("dev", branch="dev")
    target = Target(deployed.workspace.url, launch.environment(deployed.workspace, "branchline-dev"))
    head = deployed.clone.git("rev-parse", "main")
    before = deployed.workspace.call("GET", "/api/2.2/jobs/list")["jobs"]

    outcome = execute(target, settings, spec(), commit=head, say=lambda line: None)

    assert outcome.values == {"two.tables": 2}
    assert outcome.commit == head
    assert [each.passed for each in compare(spec(), {"two.tables": 2}, outcome.values)] == [True]
    assert [each.passed for each in compare(spec(), {"two.tables": 3}, outcome.values)] == [False]
    assert deployed.workspace.call("GET", "/api/2.2/jobs/list")["jobs"] == before, "a one-time run makes no job"


def test_a_run_that_fails_is_told_with_the_end_of_its_log(deployed: Deployed) -> None:
    settings = load_settings("dev", branch="dev")
    target = Target(deployed.workspace.url, launch.environment(deployed.workspace, "branchline-dev"))
    with pytest.raises(RunFailed, match="no_such_source"):
        execute(
            target, settings, spec(parameters={"date": "2026-11-20", "source": "no_such_source"}),
            commit=None, say=lambda line: None,
        )  # fmt: skip
