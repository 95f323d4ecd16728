"""Who a job or an alert is."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.principals import is_found_service_principal
from infra.policies.resource import Resource


@check(
    "BRL_DBX_1",
    "Jobs and alerts run as a service principal",
    kinds=["databricks_job", "databricks_alert_v2"],
    severity=Severity.HIGH,
    advice="Give it run_as with the service principal that the stack makes or finds by its name: a person leaves, "
    "and has other rights than the environment.",
    setting="service_principal",
)
def job_runs_as_service_principal(job: Resource) -> Iterator[str]:
    """Run_as is there, names no user, and the principal is one whose name the stack says."""
    run_as = job.block("run_as")
    if user := run_as.value("user_name"):
        yield f"runs as the user {user}"
        return
    principal = run_as.value("service_principal_name")
    if not principal:
        yield "has no run_as: it would run as whoever deploys it"
    elif not is_found_service_principal(principal):
        yield f"runs as '{principal}', whose name cannot be told: refer to a databricks_service_principal of the stack"
