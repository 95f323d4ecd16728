"""The columns of the project's monitored tables, and `ml_code/tables.yaml`, from which stacks create them.

`python -m ml_code.projects.hrob.monitored` in the root of the checkout writes that file anew.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ml_code.platform import tables
from ml_code.platform.monitoring import metric_tables as metrics
from ml_code.platform.monitoring import schema as monitoring
from ml_code.platform.monitoring.inference_log import Layout
from ml_code.platform.privacy.pseudonyms import hashing_key
from ml_code.platform.tables import Column
from ml_code.projects.hrob.configuration import Project, read_project
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context

FILE = Path("ml_code/tables.yaml")
_HEADER = """\
# The tables of monitoring and their columns, for stacks that create them before any job ran. Written by
# `python -m ml_code.projects.hrob.monitored`; steps create the same tables where they are missing.
"""

LOG = "inference_log"
BASELINE = "inference_log_baseline"
ATTRIBUTIONS = "attributions"

BASELINE_COMMENT = "Held-out rows of the champion with its own risk and the label: what the log is compared with"
ATTRIBUTIONS_COMMENT = "What each feature added to a prediction, in log odds (exact TreeSHAP)"
ATTRIBUTIONS_COLUMNS = (
    Column("request_id", "string", "identifier of the prediction, as in the inference log", required=True),
    Column(KEY, "string", "identifier of the birth, kept as configs.yml declares"),
    Column("timestamp", "timestamp", "when the prediction was made, UTC", required=True),
    Column("model_version", "string", "version of the model", required=True),
    Column("expected", "double", "log odds of the model before any feature"),
    Column("contributions", "map<string,double>", "feature to what it added, in log odds"),
)


@dataclass(frozen=True)
class MonitoredTable:
    """A table of monitoring: what it holds and its columns."""

    comment: str
    columns: tuple[Column, ...]


def log_columns(project: Project) -> tuple[Column, ...]:
    """Columns of the inference log and of its baseline: head, key, attributes, features that a model may use, tail."""
    attributes = [
        Column(name, "string", f"attribute {name.replace('_', ' ')}")
        for name in project.parameters.monitoring.attributes
    ]
    features = [Column(name, "double", project.mappings.features[name].words) for name in project.selection.features]
    key = Column(KEY, "string", "identifier of the birth, kept as configs.yml declares")
    return (*monitoring.LOG_HEAD, key, *attributes, *features, *monitoring.LOG_TAIL)


def monitored_tables(project: Project) -> dict[str, MonitoredTable]:
    """Every table of monitoring by name."""
    log = log_columns(project)
    return {
        LOG: MonitoredTable(monitoring.LOG_COMMENT, log),
        BASELINE: MonitoredTable(BASELINE_COMMENT, log),
        ATTRIBUTIONS: MonitoredTable(ATTRIBUTIONS_COMMENT, ATTRIBUTIONS_COLUMNS),
        f"{LOG}_profile_metrics": MonitoredTable(metrics.PROFILE_COMMENT, metrics.PROFILE_METRICS),
        f"{LOG}_drift_metrics": MonitoredTable(metrics.DRIFT_COMMENT, metrics.DRIFT_METRICS),
        f"{LOG}_model_metrics": MonitoredTable(monitoring.MODEL_METRICS_COMMENT, monitoring.MODEL_METRICS),
        "monitoring_alerts": MonitoredTable(monitoring.ALERTS_COMMENT, monitoring.ALERTS),
        "retrainings": MonitoredTable(monitoring.RETRAININGS_COMMENT, monitoring.RETRAININGS),
    }


def layout_of(context: "Context", project: Project) -> Layout:
    """How the project's log is laid out and kept. Raises StepError where columns are hashed and there is no key."""
    monitored, privacy = project.parameters.monitoring, project.parameters.privacy
    described = (KEY, *monitored.attributes, *project.selection.features)
    hashed = privacy.under("hash", described)
    return Layout(
        key=KEY,
        attributes=monitored.attributes,
        features=project.selection.features,
        decision=monitored.decision,
        privacy=privacy,
        secret=hashing_key(context, secret_scope(context)) if hashed else None,
    )


def secret_scope(context: "Context") -> str:
    """The secret scope of the project in its environment."""
    return f"{context.environment}-hrob"


def ensure_table(context: "Context", project: Project, name: str) -> str:
    """Create the table unless it exists, and give it the columns that features have joined since; its full name."""
    table = monitored_tables(project)[name]
    full = context.table(name)
    tables.create_table(context.spark, full, table.columns, table.comment)
    for added in tables.add_columns(context.spark, full, table.columns):
        context.say(f"column {added} added to {full}")
    return full


def tables_file(project: Project) -> str:
    """The content of `ml_code/tables.yaml`."""
    content: dict[str, Any] = {
        "tables": {
            name: {
                "comment": table.comment,
                "columns": [
                    {"name": column.name, "type": column.type, "comment": column.comment} for column in table.columns
                ],
            }
            for name, table in monitored_tables(project).items()
        }
    }
    return _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    # The columns are the same in every environment: attributes and features are not overridden.
    FILE.write_text(tables_file(read_project(".", "prod")), encoding="utf-8")
