"""Who hears of a failure."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_9",
    "Somebody hears of a job's failure",
    kinds=["databricks_job"],
    severity=Severity.MEDIUM,
    advice="Set on_failure of email_notifications or webhook_notifications from the settings' notifications.",
    setting="notifications",
)
def job_failure_notification(job: Resource) -> Iterator[str]:
    """On_failure has a target."""
    mail = any(block.values("on_failure") for block in job.blocks("email_notifications"))
    hooks = any(
        target.value("id") for block in job.blocks("webhook_notifications") for target in block.blocks("on_failure")
    )
    if not mail and not hooks:
        yield "tells nobody of a failure"
