"""The jobs that watch a model in use."""

import re

from infra.constructs.steps import Outcome
from infra.constructs.tasks import ConditionConfig, RunJobConfig
from infra.settings.settings import Settings
from stacks.job_definition import JobDefinition, parameters, step

LOG = "inference_log"
_WINDOWS = ("granularities", "slices")
QUALITY_MONITOR_TAG = "quality_monitor"
"""Job tag: the table whose quality monitor the job stands in for, dots as `_`: what tags may hold on every cloud."""


def monitoring(settings: Settings) -> JobDefinition:
    """From predictions and labels to metrics, alert rules, the report and, where a rule asks for it, a training."""
    compute = step("refresh", "hrob.refresh", "collect")
    if not settings.has_quality_monitor:
        compute = step("monitor", "hrob.monitor", "collect")
    return JobDefinition(
        name="monitoring",
        description="Measures data, drift and quality of what was predicted; applies the alert rules",
        size=settings.values.compute.sizes.large,
        tasks=[
            step("collect", "hrob.collect"),
            compute,
            step("measure", "hrob.measure", compute.key),
            step("rules", "hrob.rules", "measure"),
            step("report", "hrob.report", "rules"),
            ConditionConfig("retrain_wanted", "{{tasks.rules.values.retrain}}", "EQUAL_TO", "true", ("rules",)),
            RunJobConfig(
                "retrain",
                "training",
                {"date": "{{job.parameters.date}}", "retraining": "{{tasks.rules.values.retraining}}"},
                (Outcome("retrain_wanted", True),),
            ),
        ],
        parameters=parameters(
            settings, *_WINDOWS, "model", "horizon_days", "retention_days", "payload_table", "rules", "folder"
        ),
        quartz=settings.project.schedules.monitoring,
    )


def quality_monitor(settings: Settings) -> JobDefinition:
    """What a workspace without Databricks' own monitor engine starts to refresh the quality monitor of the log."""
    table = settings.table_full_name(LOG)
    return JobDefinition(
        name="quality-monitor",
        description=f"Refreshes the quality monitor of {table} where the workspace does not compute it by itself",
        size=settings.values.compute.sizes.large,
        tasks=[step("monitor", "hrob.monitor")],
        parameters=parameters(settings, *_WINDOWS),
        tags={QUALITY_MONITOR_TAG: re.sub(r"[^a-z0-9_-]", "_", table)},
    )
