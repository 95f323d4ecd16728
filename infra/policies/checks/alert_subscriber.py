"""Who hears of an alert."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_22",
    "Somebody hears of an alert",
    kinds=["databricks_alert_v2"],
    severity=Severity.MEDIUM,
    advice="Give evaluation.notification a subscription from the settings' notifications.",
    setting="notifications",
)
def alert_subscriber(alert: Resource) -> Iterator[str]:
    """A subscription names a user or a notification destination."""
    subscriptions = alert.block("evaluation", "notification").blocks("subscriptions")
    if not any(each.value("user_email") or each.value("destination_id") for each in subscriptions):
        yield "tells nobody when it is triggered"
