"""Alerts: a query that is asked by schedule, and who hears when its number is beyond a threshold."""

from dataclasses import dataclass

from infra.constructs.job import Schedule
from infra.constructs.part import Part
from infra.settings.environment import Notifications
from infra.synth.library import provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class AlertConfig:
    """An alert on one number of a query's first row: it is triggered while that is more than `threshold`."""

    name: str
    folder: str
    query: str
    column: str
    threshold: float
    warehouse_id: str
    run_as: str
    """Application id of the service principal whose rights the query has."""
    schedule: Schedule
    notifications: Notifications
    description: str = ""


class Alert(Part):
    """A SQL alert. Output: `id`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: AlertConfig) -> None:
        super().__init__(scope, name)
        module = provider("alert_v2")
        subscription, targets = module.AlertV2EvaluationNotificationSubscriptions, config.notifications
        alert = scope.make(
            self,
            "databricks_alert_v2",
            name,
            display_name=config.name,
            parent_path=config.folder,
            query_text=config.query,
            warehouse_id=config.warehouse_id,
            custom_description=config.description or None,
            run_as=module.AlertV2RunAs(service_principal_name=config.run_as),
            evaluation=module.AlertV2Evaluation(
                source=module.AlertV2EvaluationSource(name=config.column),
                comparison_operator="GREATER_THAN",
                threshold=module.AlertV2EvaluationThreshold(
                    value=module.AlertV2EvaluationThresholdValue(double_value=config.threshold)
                ),
                empty_result_state="OK",
                notification=module.AlertV2EvaluationNotification(
                    notify_on_ok=False,
                    subscriptions=[
                        *(subscription(user_email=each) for each in targets.email),
                        *(subscription(destination_id=each) for each in targets.webhooks),
                    ],
                ),
            ),
            schedule=module.AlertV2Schedule(
                quartz_cron_schedule=config.schedule.quartz,
                timezone_id="UTC",
                pause_status="UNPAUSED" if config.schedule.active else "PAUSED",
            ),
        )
        self.id: str = alert.id
