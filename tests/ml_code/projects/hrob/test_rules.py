from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, RunJobTask, Task, TaskDependency
from mlflow import MlflowClient

from ml_code.context import Context
from ml_code.platform import tables
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.monitoring import alert_table, commits, retraining, schema
from ml_code.platform.monitoring.alerts import Alert
from ml_code.platform.monitoring.metric_tables import DRIFT_METRICS, PROFILE_METRICS
from ml_code.platform.monitoring.readings import read
from ml_code.platform.monitoring.retraining import Retraining
from ml_code.platform.monitoring.retraining_outcome import begun, settle
from ml_code.platform.monitoring.rules import Rule
from ml_code.platform.monitoring.windows import Granularity, Window
from ml_code.platform.monitoring.windows import day as day_window
from ml_code.platform.tables import Column
from ml_code.projects.hrob import rules as step
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import LOG, log_columns
from tests.ml_code.conftest import ROOT, Place

MONDAY = dt.date(2026, 3, 2)
AUC = {
    "name": "auc", "table": "model", "metric": "auc", "below": 0.6, "granularity": "1 day", "breaches": 2, "of": 3,
    "action": "retrain", "cool_down_days": 3,
}  # fmt: skip
PSI = {"name": "psi", "table": "drift", "metric": "population_stability_index", "above": 0.2, "granularity": "1 day"}


def place_of(number: int, granularity: str = "1 day", **more: Any) -> dict[str, Any]:
    window = Granularity(granularity).window(day_window(MONDAY + dt.timedelta(days=number)).start)
    return {"window": window.row(), "granularity": granularity, "model_version": "*", **more}


def write(context: Context, kind: str, columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> None:
    name = context.table(f"{LOG}_{kind}_metrics")
    commits.create(context.spark, name, columns, kind)
    commits.replace(context.spark, name, columns, rows, "true")


def auc(number: int, value: float) -> dict[str, Any]:
    return place_of(number, metric="auc", column_name=":table", value=value, count=500)


def drift(number: int, column: str, psi: float, ks: float = 0.1, **more: Any) -> dict[str, Any]:
    tested = {"statistic": ks, "pvalue": 0.01}
    values = {"column_name": column, "drift_type": "BASELINE", "population_stability_index": psi, "ks_test": tested}
    return place_of(number, **{**values, **more})


def profile(number: int, column: str, count: int, distinct: int = 50, **more: Any) -> dict[str, Any]:
    return place_of(number, log_type="INPUT", column_name=column, count=count, distinct_count=distinct, **more)


def run(place: Place, day: dt.date, *rules: dict[str, Any], run_id: str = "0") -> step.Ruled:
    context = place.context("hrob.rules", day)
    context.run_id = run_id
    return step.run(context, model=place.model, rules=json.dumps(rules))


def states(alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.rule, alert.state, alert.action) for alert in alerts]


def written(context: Context, name: str) -> list[Any]:
    return context.spark.table(context.table(name)).orderBy("date").collect()  # type: ignore[no-any-return]


def register(place: Place, tags: dict[str, str]) -> None:
    """The first version of the model, with nothing in it but tags."""
    client = MlflowClient()
    training = client.create_run(client.create_experiment(place.experiment))
    client.create_registered_model(place.model)
    client.create_model_version(place.model, f"{training.info.artifact_uri}/model", training.info.run_id, tags)


def test_a_drop_in_quality_asks_for_one_retraining_and_reports_what_came_of_it(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    write(context, "model", schema.MODEL_METRICS, [auc(day, 0.65 - 0.03 * day) for day in range(8)])
    assert run(place, MONDAY + dt.timedelta(days=2), AUC).retraining is None
    asked_on = MONDAY + dt.timedelta(days=3)
    first, again = run(place, asked_on, AUC, PSI), run(place, asked_on, AUC, PSI)
    assert first.retraining is not None
    assert first.retraining.retraining == f"retraining-{asked_on}"
    assert again == first, "twice is once"
    assert states(first.alerts) == [("auc", "firing", "retrain"), ("psi", "no_data", "none")]
    assert first.retraining.reason == "auc: auc is 0.56 in the 1 day from 2026-03-05, below 0.6, 2 of 3 windows"

    retraining.record_outcome(context, f"retraining-{asked_on}", "refused", 2, "better by 0.001")
    after = run(place, MONDAY + dt.timedelta(days=4), AUC)
    assert states(after.alerts) == [("auc", "cooling", "notify")]
    assert "was refused (v2): better by 0.001" in after.alerts[0].reason
    still = run(place, MONDAY + dt.timedelta(days=6), AUC)
    assert still.retraining is None
    assert still.alerts[0].reason.endswith("no labels have come since"), "there is no inference log at all"

    rows = written(context, "monitoring_alerts")
    assert [(row["date"].day, row["rule"], row["state"]) for row in rows if row["rule"] == "auc"] == [
        (4, "auc", "ok"), (5, "auc", "firing"), (6, "auc", "cooling"), (8, "auc", "cooling"),
    ]  # fmt: skip
    assert [row["outcome"] for row in written(context, "retrainings")] == ["refused"]
    assert alert_table.read_before(place.context("x", asked_on), MONDAY)[-1].window == Window(
        *(day_window(asked_on - dt.timedelta(days=one)).start for one in (1, 0))
    )


def test_labels_that_came_since_let_it_be_asked_for_again(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    write(context, "model", schema.MODEL_METRICS, [auc(day, 0.5) for day in range(12)])
    assert run(place, MONDAY + dt.timedelta(days=1), AUC).retraining
    retraining.record_outcome(context, f"retraining-{MONDAY + dt.timedelta(days=1)}", "skipped", None, "nothing new")
    assert run(place, MONDAY + dt.timedelta(days=5), AUC).retraining is None
    columns = log_columns(read_project(ROOT, "dev"))
    tables.create_table(context.spark, context.table(LOG), columns, "log")
    at = day_window(MONDAY + dt.timedelta(days=4)).start
    row = {"request_id": "a", "timestamp": at, "source": "batch", "model": "m", "model_version": "1", "label": 1}
    values = tuple({**row, "labelled_at": at}.get(column.name) for column in columns)
    tables.append(context.spark, context.table(LOG), context.spark.createDataFrame([values], tables.ddl(columns)))
    assert run(place, MONDAY + dt.timedelta(days=5), AUC).retraining


def test_a_run_that_was_killed_before_the_alerts_asks_again_and_another_of_the_day_does_not(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    write(context, "model", schema.MODEL_METRICS, [auc(day, 0.5) for day in range(2)])
    today = MONDAY + dt.timedelta(days=1)
    dead = Retraining(f"retraining-{today}", today, ("auc",), "why", None, "requested", None, None, "0")
    retraining.write(context, [dead])
    assert run(place, today, AUC).retraining is not None
    retraining.record_outcome(context, dead.retraining, "promoted", 2)
    assert run(place, today, AUC).retraining is None, "its training is over"
    retraining.record_outcome(context, "retraining-of-nobody", "promoted", 2)
    assert len(written(context, "retrainings")) == 1

    later = replace(dead, retraining="retraining-later", date=today + dt.timedelta(days=9), run_id="0")
    retraining.write(context, [later])
    assert run(place, today + dt.timedelta(days=1), {**AUC, "cool_down_days": 1}).retraining is None


def test_windows_before_the_champion_was_trained_ask_for_nothing(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    write(context, "model", schema.MODEL_METRICS, [auc(day, 0.5) for day in range(8)])
    trained = MONDAY + dt.timedelta(days=3)
    register(place, {"date": str(trained)})
    MlflowClient().set_registered_model_alias(place.model, "champion", "1")
    first = run(place, MONDAY + dt.timedelta(days=4), AUC)
    assert states(first.alerts) == [("auc", "firing", "notify")]
    assert f"champion v1 was trained on {trained}" in first.alerts[0].reason
    assert run(place, MONDAY + dt.timedelta(days=5), AUC).retraining is not None, "two windows of its own are beyond"


def test_the_version_that_a_retraining_made_tells_its_outcome(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    row = Retraining(
        "retraining-2026-03-01", MONDAY - dt.timedelta(days=1), ("auc",), "why", "1", "requested", None, None, "0"
    )
    retraining.write(context, [row])
    assert settle(context, place.model, [row])[0].running
    tags = {"retraining": row.retraining, "verdict": "refuse", "verdict_reason": "no better"}
    register(place, tags)
    (found,) = settle(context, place.model, [row])
    assert (found.outcome, found.version, found.detail) == ("refused", "1", "no better")
    assert retraining.read(context) == [found]
    lost = Retraining("retraining-2026-02-01", dt.date(2026, 2, 1), ("auc",), "why", "1", "requested", None, None, "0")
    assert settle(context, place.model, [lost])[0].outcome == "failed"


@pytest.mark.parametrize(("verdict", "outcome"), [("stop", "stopped"), ("skip", "skipped"), ("train", "failed")])
def test_the_training_run_tells_its_outcome(place: Place, verdict: str, outcome: str) -> None:
    jobs = place.client.jobs
    train = jobs.create(
        name="train",
        tasks=[
            _condition("trusted", verdict, ConditionTaskOp.NOT_EQUAL, "stop"),
            _condition("worthwhile", verdict, ConditionTaskOp.EQUAL_TO, "train", "trusted"),
        ],
    )
    call = Task("retrain", run_job_task=RunJobTask(train.job_id or 0))
    monitoring = jobs.create(name="monitoring", tasks=[call])
    done = jobs.run_now(monitoring.job_id or 0).result()
    context = place.context("hrob.rules", MONDAY)
    row = Retraining("retraining-1", MONDAY, ("auc",), "why", None, "requested", None, None, str(done.run_id))
    assert begun(context.workspace, row.run_id)
    assert not begun(context.workspace, "0")
    assert settle(context, place.model, [row])[0].outcome == outcome


def _condition(key: str, left: str, op: ConditionTaskOp, right: str, after: str | None = None) -> Task:
    depends = [TaskDependency(after, "true")] if after else None
    return Task(key, condition_task=ConditionTask(op, left, right), depends_on=depends)


def rule(**changes: Any) -> Rule:
    return Rule.model_validate_json(json.dumps({**PSI, **changes}))


def test_readings_come_from_the_tables_that_a_quality_monitor_writes(place: Place) -> None:
    context = place.context("hrob.rules", MONDAY)
    sliced = {"slice_key": "age_group", "slice_value": "under 20"}
    rows = [
        drift(0, "x", 0.3), drift(1, "x", 0.4), drift(9, "x", 0.9), drift(1, "risk", 0.5), drift(1, "birth_id", 0.9),
        drift(1, "y", 0.1, ks=0.7), drift(1, "x", 0.8, **sliced), drift(0, "x", 0.6, granularity="1 week"),
        drift(1, "x", 0.05, drift_type="CONSECUTIVE", window_cmp=place_of(0)["window"]),
        drift(1, "x", 0.7, model_version="1"),
    ]  # fmt: skip
    write(context, "drift", DRIFT_METRICS, rows)
    baseline = {"log_type": "BASELINE", "window": None, "granularity": None, "model_version": None}
    profiles = [
        profile(0, "x", 400), profile(1, "x", 300), profile(1, "y", 10), profile(1, "x", 30, **sliced),
        {**profile(0, "x", 2_000, 90), **baseline}, {**profile(0, "y", 2_000, 2), **baseline},
    ]  # fmt: skip
    write(context, "profile", PROFILE_METRICS, profiles)
    until = day_window(MONDAY + dt.timedelta(days=1)).end

    def values(**changes: Any) -> dict[tuple[str, int], float | None]:
        found = read(context.spark, context.table(LOG), rule(of=2, **changes), until, ("birth_id",))
        return {(one.column, one.window.start.day): one.value for one in found}

    assert values() == {("x", 2): 0.3, ("x", 3): 0.4, ("y", 3): 0.1}, "every column but those that identify rows"
    assert values(columns=["risk"]) == {("risk", 3): 0.5}
    assert values(metric="ks_test.statistic", columns=["y"]) == {("y", 3): 0.7}
    assert values(slice="age_group") == {("x", 3): 0.8}
    assert values(drift_type="CONSECUTIVE") == {("x", 3): 0.05}
    assert values(table="profile", metric="count", columns=["x"]) == {("x", 2): 400, ("x", 3): 300}
    counted = read(context.spark, context.table(LOG), rule(minimum_rows=100), until)
    assert {(one.column, one.window.start.day): one.rows for one in counted}[("y", 3)] == 10
    adjusted = values(adjust=True)
    assert adjusted.keys() == {("x", 2), ("x", 3)}, "ten rows in three bins are too few to tell"
    assert 0.25 < (adjusted["x", 3] or 0) < 0.4

    found = run(
        place, MONDAY + dt.timedelta(days=1), {**PSI, "minimum_rows": 100}, {**PSI, "name": "a", "slice": "age_group"}
    )
    assert [(alert.slice_value, alert.state, alert.column_name) for alert in found.alerts] == [
        (None, "firing", "x"),
        ("under 20", "firing", "x"),
    ]


def test_a_wrong_rule_stops_the_step(place: Place) -> None:
    with pytest.raises(ConfigurationError, match="rule psi: abvoe: unknown key"):
        run(place, MONDAY, {**PSI, "abvoe": 1})
