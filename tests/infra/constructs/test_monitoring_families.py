"""Warehouses, tables, quality monitors, alerts and dashboards."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.constructs.alert import Alert, AlertConfig
from infra.constructs.dashboard import Dashboard, DashboardConfig
from infra.constructs.job import Schedule
from infra.constructs.quality_monitor import InferenceLogConfig, QualityMonitor, QualityMonitorConfig
from infra.constructs.sql_warehouse import SqlWarehouse, SqlWarehouseConfig
from infra.constructs.table import Table, TableColumn, TableConfig
from infra.constructs.tags import REQUIRED, MissingTags
from infra.settings.environment import Notifications, Warehouse
from infra.synth.stack import EnvironmentStack

Synthesize = Callable[[], dict[str, Any]]
TAGS = dict.fromkeys(REQUIRED, "x")
LOG = InferenceLogConfig("timestamp", "model_version", "prediction", "label", ("1 day", "1 week"))


def test_a_warehouse_is_one_cluster_with_the_settings_tags(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    SqlWarehouse(stack, "w", SqlWarehouseConfig("prod-hrob", Warehouse(auto_stop_minutes=5), TAGS))
    found = synthesize()["resource"]["databricks_sql_endpoint"]["w"]
    assert (found["min_num_clusters"], found["max_num_clusters"], found["auto_stop_mins"]) == (1, 1, 5)
    assert {each["key"]: each["value"] for each in found["tags"]["custom_tags"]} == TAGS
    with pytest.raises(MissingTags, match="SQL warehouse x: missing tags owner"):
        SqlWarehouse(stack, "x", SqlWarehouseConfig("x", Warehouse(), {**TAGS, "owner": ""}))


def test_a_table_is_managed_delta_with_required_columns(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    columns = [TableColumn("id", "string", "which", required=True), TableColumn("w", "STRUCT<start: timestamp>")]
    Table(stack, "log", TableConfig("c", "s", "log", columns, "warehouse", "what is logged", owner="app-id"))
    found = synthesize()["resource"]["databricks_sql_table"]["log"]
    assert (found["table_type"], found["data_source_format"], found["owner"]) == ("MANAGED", "DELTA", "app-id")
    assert found["column"] == [
        {"name": "id", "type": "string", "comment": "which", "nullable": False},
        {"name": "w", "type": "struct<start:timestamp>", "comment": "", "nullable": True},
    ]


_TYPES = st.recursive(
    st.sampled_from(["string", "double", "bigint", "timestamp", "decimal(10,2)"]),
    lambda inner: st.one_of(
        inner.map(lambda each: f"array<{each}>"),
        st.tuples(inner, inner).map(lambda pair: f"map<{pair[0]},{pair[1]}>"),
        st.tuples(inner, inner).map(lambda pair: f"struct<a:{pair[0]},b:{pair[1]}>"),
    ),
    max_leaves=5,
)


@given(_TYPES)
def test_a_type_is_written_as_the_catalog_writes_it_however_it_is_spaced(text: str) -> None:
    spaced = text.replace(",", ", ").replace(":", ": ").replace("<", " < ").replace(">", " >").upper()
    assert TableColumn("x", spaced).catalog_type == text
    assert TableColumn("x", text).catalog_type == text


def test_a_quality_monitor_is_of_an_inference_log(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    config = QualityMonitorConfig("c.s.log", "c.s.log_baseline", "c.s", "/m", LOG, ("age_group",), ("a@example.com",))
    QualityMonitor(stack, "log", config)
    found = synthesize()["resource"]["databricks_quality_monitor"]["log"]
    assert found["inference_log"] == [
        {
            "timestamp_col": "timestamp",
            "model_id_col": "model_version",
            "prediction_col": "prediction",
            "label_col": "label",
            "granularities": ["1 day", "1 week"],
            "problem_type": "PROBLEM_TYPE_CLASSIFICATION",
        }
    ]
    assert found["notifications"] == [{"on_failure": [{"email_addresses": ["a@example.com"]}]}]
    assert (found["slicing_exprs"], found["baseline_table_name"]) == (["age_group"], "c.s.log_baseline")


def test_an_alert_tells_addresses_and_destinations(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    Alert(
        stack,
        "auc",
        AlertConfig(
            name="prod-auc",
            folder="/f",
            query="SELECT 1 AS firing",
            column="firing",
            threshold=0,
            warehouse_id="w",
            run_as="app-id",
            schedule=Schedule("0 0 13 * * ?", active=False),
            notifications=Notifications(email=("a@example.com",), webhooks=("7",)),
        ),
    )
    found = synthesize()["resource"]["databricks_alert_v2"]["auc"]
    evaluation = found["evaluation"]
    assert evaluation["notification"]["subscriptions"] == [{"user_email": "a@example.com"}, {"destination_id": "7"}]
    assert (evaluation["comparison_operator"], evaluation["empty_result_state"]) == ("GREATER_THAN", "OK")
    assert evaluation["source"] == {"name": "firing"}
    assert found["schedule"]["pause_status"] == "PAUSED"
    assert found["run_as"] == {"service_principal_name": "app-id"}


def test_a_dashboard_lends_nobodys_rights_unless_told_to(stack: EnvironmentStack, synthesize: Synthesize) -> None:
    Dashboard(stack, "own", DashboardConfig("a", "/f", "w", "{}"))
    Dashboard(stack, "lent", DashboardConfig("b", "/f", "w", "{}", embed_credentials=True))
    found = synthesize()["resource"]["databricks_dashboard"]
    assert (found["own"]["embed_credentials"], found["lent"]["embed_credentials"]) == (False, True)
