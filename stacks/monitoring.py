"""What watches a model in use: tables, quality monitor, alerts and dashboard. All deploy before any job ran."""

from collections.abc import Mapping

from infra.constructs.alert import Alert, AlertConfig
from infra.constructs.dashboard import Dashboard, DashboardConfig
from infra.constructs.directory import Directory, DirectoryConfig
from infra.constructs.job import Schedule
from infra.constructs.quality_monitor import InferenceLogConfig, QualityMonitor, QualityMonitorConfig
from infra.constructs.table import Table, TableConfig
from infra.settings.parameters import as_json
from infra.settings.rules import AlertRule
from infra.synth.stack import EnvironmentStack
from stacks.dashboard.definition import define_dashboard
from stacks.manifest import Tables
from stacks.monitoring_jobs import LOG

BASELINE = f"{LOG}_baseline"
METRIC_TABLES = (f"{LOG}_profile_metrics", f"{LOG}_drift_metrics")
"""Made by the quality monitor, where there is one."""


def add_monitoring(stack: EnvironmentStack, tables: Tables, schema: tuple[str, str], principal: str) -> None:
    """Adds it all to a project stack; `schema` is catalog and schema, `principal` the jobs' application id."""
    settings = stack.settings
    warehouse_id: str = stack.find(stack, "databricks_sql_warehouse", "warehouse", name=settings.warehouse_name).id
    made = _add_tables(stack, tables, schema, principal, warehouse_id)
    if settings.has_quality_monitor:
        _add_quality_monitor(stack, made)
    for rule in settings.values.monitoring.rules:
        _add_alert(stack, rule, principal, warehouse_id)
    config = DashboardConfig(
        title=settings.dashboard_name,
        folder=settings.folder,
        warehouse_id=warehouse_id,
        definition=as_json(define_dashboard(settings)),
        embed_credentials=settings.values.monitoring.embed_credentials,
    )
    Dashboard(stack, "monitoring", config)
    Directory(stack, "reports", DirectoryConfig(settings.reports_folder, settings.values.storage.destroy_data))


def _add_tables(
    stack: EnvironmentStack, tables: Tables, schema: tuple[str, str], principal: str, warehouse_id: str
) -> Mapping[str, Table]:
    settings = stack.settings
    made = {}
    for name, table in tables.items():
        if settings.has_quality_monitor and name in METRIC_TABLES:
            continue
        made[name] = Table(
            stack,
            name,
            TableConfig(
                catalog=schema[0],
                schema=schema[1],
                name=name,
                columns=table.config_columns(),
                warehouse_id=warehouse_id,
                comment=table.comment,
                # As with the model: a developer may not give away what they deploy again.
                owner=None if settings.copy_of else principal,
            ),
        )
    return made


def _add_quality_monitor(stack: EnvironmentStack, tables: Mapping[str, Table]) -> None:
    settings, watch = stack.settings, stack.settings.values.monitoring
    QualityMonitor(
        stack,
        "inference_log",
        QualityMonitorConfig(
            table=tables[LOG].full_name,
            baseline_table=tables[BASELINE].full_name,
            output_schema=settings.schema_full_name,
            assets_folder=f"{settings.folder}/monitors/{settings.prefix}{settings.project.project}",
            log=InferenceLogConfig(
                timestamp="timestamp",
                model="model_version",
                prediction="prediction",
                label="label",
                granularities=watch.granularities,
            ),
            slices=watch.slices,
            mail=settings.values.notifications.email[:5],  # Databricks takes no more
        ),
    )


def _add_alert(stack: EnvironmentStack, rule: AlertRule, principal: str, warehouse_id: str) -> None:
    settings = stack.settings
    Alert(
        stack,
        rule.name,
        AlertConfig(
            name=settings.job_name(rule.name),
            folder=settings.folder,
            query=_firing(settings.table_full_name("monitoring_alerts"), rule.name),
            column="told",
            threshold=0,
            warehouse_id=warehouse_id,
            run_as=principal,
            schedule=Schedule(settings.project.schedules.alerts, settings.schedules_active),
            notifications=settings.values.notifications,
            description=f"Fires on {rule.sentence()}. Dashboard: {settings.folder}/{settings.dashboard_name}",
        ),
    )


def _firing(table: str, rule: str) -> str:
    """For how many slices a rule has something to tell at its latest evaluation, and what; one row whatever is there.

    It tells when it begins to fire, and once more when the retraining that it asked for did not help.
    """
    quoted = ".".join(f"`{part}`" for part in table.split("."))
    latest = f"SELECT max(date) FROM {quoted}"  # noqa: S608  # a name of the settings
    return (
        "SELECT count_if(action <> 'none') AS told, max(date) AS date,"  # noqa: S608  # as above
        " concat_ws('; ', collect_list(CASE WHEN action <> 'none' THEN reason END)) AS reasons"
        f" FROM {quoted} WHERE rule = '{rule}' AND date = ({latest})"
    )
