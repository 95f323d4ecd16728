"""Quality monitors: what Databricks computes of a table, into `<table>_profile_metrics` and `<table>_drift_metrics`."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.library import cdk, provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class InferenceLogConfig:
    """Which columns of a table of predictions say what; the problem is a classification."""

    timestamp: str
    model: str
    prediction: str
    label: str
    granularities: Sequence[str]


@dataclass(frozen=True)
class QualityMonitorConfig:
    """A monitor without a schedule (a job refreshes it) and without Databricks' own dashboard."""

    table: str
    """Full name; a reference to a table of the same stack makes Terraform wait for it."""
    baseline_table: str
    output_schema: str
    assets_folder: str
    log: InferenceLogConfig
    slices: Sequence[str] = ()
    mail: Sequence[str] = ()
    """Who hears of a failed refresh, at most five addresses."""


class QualityMonitor(Part):
    """A quality monitor of a table of predictions. Output: `table`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: QualityMonitorConfig) -> None:
        super().__init__(scope, name)
        module = provider("quality_monitor")
        log = module.QualityMonitorInferenceLog(
            timestamp_col=config.log.timestamp,
            model_id_col=config.log.model,
            prediction_col=config.log.prediction,
            label_col=config.log.label,
            granularities=list(config.log.granularities),
            problem_type="PROBLEM_TYPE_CLASSIFICATION",
        )
        failure = module.QualityMonitorNotificationsOnFailure(email_addresses=list(config.mail))
        monitor = scope.make(
            self,
            "databricks_quality_monitor",
            name,
            table_name=config.table,
            baseline_table_name=config.baseline_table,
            output_schema_name=config.output_schema,
            assets_dir=config.assets_folder,
            inference_log=[log],
            slicing_exprs=list(config.slices) or None,
            skip_builtin_dashboard=True,
            notifications=[module.QualityMonitorNotifications(on_failure=[failure])] if config.mail else None,
            # The provider takes the message of a failed refresh, which nobody configures, for a change.
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=["latest_monitor_failure_msg"]),
        )
        self.table: str = monitor.table_name
