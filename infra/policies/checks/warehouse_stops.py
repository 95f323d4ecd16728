"""When a SQL warehouse stops that nobody asks anything."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_21",
    "SQL warehouses stop by themselves",
    kinds=["databricks_sql_endpoint"],
    severity=Severity.MEDIUM,
    advice="Set auto_stop_mins from the settings' compute.warehouse.auto_stop_minutes: a warehouse costs while it "
    "runs, asked or not.",
    setting="compute.warehouse.auto_stop_minutes",
)
def warehouse_stops(warehouse: Resource) -> Iterator[str]:
    """Auto_stop_mins is more than 0 (which means never) and not more than the settings allow."""
    minutes, limit = warehouse.value("auto_stop_mins"), warehouse.settings.values.compute.warehouse.auto_stop_minutes
    if minutes is None:
        yield f"auto_stop_mins is unset, which means 120; the settings allow {limit}"
    elif not isinstance(minutes, int) or minutes <= 0:
        yield f"auto_stop_mins is {minutes}: it would never stop"
    elif minutes > limit:
        yield f"auto_stop_mins is {minutes}, the settings allow {limit}"
