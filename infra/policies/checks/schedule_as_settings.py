"""What starts a job, an alert or a monitor by itself."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource

_STARTERS = ("schedule", "trigger", "continuous")


@check(
    "BRL_DBX_13",
    "Schedules fire only where the settings say so",
    kinds=["databricks_job", "databricks_alert_v2", "databricks_quality_monitor"],
    severity=Severity.MEDIUM,
    advice='Set pause_status = "PAUSED" where the settings\' schedules are paused, and in every copy.',
    setting="schedules",
)
def schedule_as_settings(resource: Resource) -> Iterator[str]:
    """What starts it by itself is paused, unless schedules are active here. Unset means active on Databricks."""
    if resource.settings.schedules_active:
        return
    for kind in _STARTERS:
        for block in resource.blocks(kind):
            if block.value("pause_status") != "PAUSED":
                settings = resource.settings
                whose = "a copy's are paused" if settings.copy_of else f"{settings.environment}'s are paused"
                yield f"its {kind} is active, {whose}"
