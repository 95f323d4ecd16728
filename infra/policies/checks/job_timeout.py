"""When a job ends that would not."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_7",
    "A job has a timeout",
    kinds=["databricks_job"],
    severity=Severity.MEDIUM,
    advice="Set timeout_seconds from the settings' jobs.timeout_minutes: a run that hangs costs until somebody looks.",
    setting="jobs.timeout_minutes",
)
def job_timeout(job: Resource) -> Iterator[str]:
    """Timeout_seconds is more than 0 and not more than the settings allow."""
    seconds, limit = job.value("timeout_seconds"), job.settings.values.jobs.timeout_minutes * 60
    if not isinstance(seconds, int) or seconds <= 0:
        yield f"timeout_seconds is {'unset' if seconds is None else seconds}"
    elif seconds > limit:
        yield f"timeout_seconds is {seconds}, the settings allow {limit}"
