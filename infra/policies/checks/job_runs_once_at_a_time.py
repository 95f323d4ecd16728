"""How many runs of a job there are at once."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_8",
    "A job runs once at a time, and further runs wait",
    kinds=["databricks_job"],
    severity=Severity.MEDIUM,
    advice="Set max_concurrent_runs = 1 and queue { enabled = true }: two runs at once write the same tables, and "
    "without a queue the second one is skipped.",
)
def job_runs_once_at_a_time(job: Resource) -> Iterator[str]:
    """Max_concurrent_runs is 1, and the queue is on."""
    most = job.value("max_concurrent_runs")
    if most not in (None, 1):  # Databricks' own default is 1
        yield f"max_concurrent_runs is {most}"
    if job.block("queue").value("enabled") is not True:
        yield "has no queue"
