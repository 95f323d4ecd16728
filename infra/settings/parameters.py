"""What an environment says of the parameters that steps have: for deployed jobs and for a step run by hand."""

import json
from typing import Any

from infra.settings.settings import Settings

Value = str | int | float


def step_parameters(settings: Settings) -> dict[str, Value]:
    """By name of the parameter; the logical day is not among them. What has a structure is JSON."""
    values = settings.values
    watch = values.monitoring
    return {
        "environment": settings.environment,
        "catalog": settings.catalog,
        "schema": settings.schema_name,
        "model": settings.model_full_name,
        "experiment": settings.experiment_name,
        "floor": values.promotion.floor,
        "threshold": values.promotion.threshold,
        "data_limits": as_json(values.data_gate.limits.as_parameter()),
        "when_unchanged": values.data_gate.when_unchanged,
        "fairness": as_json({column: limits.as_parameter() for column, limits in values.fairness.items()}),
        "model_limits": as_json(values.model_limits.as_parameter()),
        "granularities": ",".join(watch.granularities),
        "slices": as_json(list(watch.slices)),
        "horizon_days": watch.horizon_days,
        "retention_days": watch.retention_days,
        "payload_table": watch.payload_table or "",
        "rules": as_json([rule.as_parameter() for rule in watch.rules]),
        "folder": settings.reports_folder,
    }


def as_json(value: Any) -> str:
    """A structured setting as the text of a job parameter, short and always the same."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
