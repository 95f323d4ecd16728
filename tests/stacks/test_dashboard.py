"""The monitoring dashboard: its parts fit together, and its SQL asks tables and columns that there are."""

from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from infra.settings import load_settings
from ml_code.platform.monitoring.metric_tables import DRIFT_METRICS, PROFILE_METRICS
from ml_code.platform.monitoring.model_metrics import METRICS
from ml_code.platform.monitoring.schema import ALERTS, LOG_HEAD, LOG_TAIL, MODEL_METRICS, RETRAININGS
from stacks.dashboard.datasets import ATTRIBUTIONS, FAIRNESS, QUALITY, SKEW
from stacks.dashboard.definition import define_dashboard

COLUMNS = {
    "inference_log": (*LOG_HEAD, *LOG_TAIL),
    "inference_log_profile_metrics": PROFILE_METRICS,
    "inference_log_drift_metrics": DRIFT_METRICS,
    "inference_log_model_metrics": MODEL_METRICS,
    "monitoring_alerts": ALERTS,
    "retrainings": RETRAININGS,
}
VERSIONS = {"counter": 2, "table": 1, "line": 3, "bar": 3, "area": 3}


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return define_dashboard(load_settings("prod"))


def queries(definition: dict[str, Any]) -> dict[str, exp.Expression]:
    return {
        each["name"]: sqlglot.parse_one("".join(each["queryLines"]), dialect="databricks")
        for each in definition["datasets"]
    }


def widgets(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["widget"] for page in definition["pages"] for each in page["layout"]]


def test_each_widget_shows_columns_that_its_dataset_answers(definition: dict[str, Any]) -> None:
    answered = {name: set(query.named_selects) for name, query in queries(definition).items()}
    used = set()
    for widget in widgets(definition):
        if "spec" not in widget:
            continue
        assert widget["spec"]["version"] == VERSIONS[widget["spec"]["widgetType"]]
        (query,) = (each["query"] for each in widget["queries"])
        used.add(query["datasetName"])
        fields = {field["name"] for field in query["fields"]}
        assert fields <= answered[query["datasetName"]], widget["name"]
        encodings = widget["spec"]["encodings"]
        shown = encodings.get("columns", [each for each in encodings.values() if isinstance(each, dict)])
        assert {each["fieldName"] for each in shown} == fields
    assert used == set(answered), "no dataset is asked for nothing"


def test_the_sql_asks_columns_that_the_tables_have(definition: dict[str, Any]) -> None:
    for name, query in queries(definition).items():
        tables = {table.name for table in query.find_all(exp.Table)}
        known = {column.name for table in tables for column in COLUMNS[table]}
        known |= {projection.alias for projection in query.selects}
        for column in query.find_all(exp.Column):
            root = column.parts[0].name  # of window.start it is the column, the rest are fields inside
            assert root in known, f"{name}: {column.sql()}"


def test_metrics_are_those_that_are_measured() -> None:
    assert {*QUALITY, *FAIRNESS, *ATTRIBUTIONS, *SKEW} <= set(METRICS)


def test_widgets_have_names_of_their_own_and_do_not_overlap(definition: dict[str, Any]) -> None:
    names = [widget["name"] for widget in widgets(definition)]
    assert len(names) == len(set(names))
    for page in definition["pages"]:
        taken: set[tuple[int, int]] = set()
        for each in page["layout"]:
            at = each["position"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["width"]) for y in range(at["y"], at["y"] + at["height"])
            }
            assert not cells & taken
            assert at["x"] + at["width"] <= 6
            taken |= cells


def test_the_same_settings_make_the_same_text() -> None:
    assert define_dashboard(load_settings("prod")) == define_dashboard(load_settings("prod"))
    assert define_dashboard(load_settings("prod")) != define_dashboard(load_settings("staging"))
