from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fairlearn import metrics as fair
from mlflow import MlflowClient
from sklearn import metrics as reference

from ml_code.context import Context
from ml_code.platform import tables
from ml_code.platform.evaluation.intervals import Resampling
from ml_code.platform.fairness.assessment import Least
from ml_code.platform.monitoring.measure import Task, measure
from ml_code.platform.monitoring.measured_events import Attributions, Offline
from ml_code.platform.monitoring.measured_rows import Quality
from ml_code.projects.hrob import measure as step
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitor import monitored_log
from ml_code.projects.hrob.monitored import ATTRIBUTIONS, ATTRIBUTIONS_COLUMNS, LOG, log_columns
from tests.ml_code.conftest import ROOT, Place

COLUMNS = log_columns(read_project(ROOT, "dev"))
FEATURES = read_project(ROOT, "dev").selection.features
MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
QUALITY = Quality("binary", Resampling(50, 0.95, 1), 0.12, ("age_group",), Least(20, 1))


def log_rows(day: int, rows: int = 300, version: str = "1", source: str = "batch") -> pd.DataFrame:
    """Rows of the day so many days after the Monday."""
    rng = np.random.default_rng(day)
    risk = rng.beta(1, 8, rows)
    frame = pd.DataFrame({column.name: None for column in COLUMNS}, index=range(rows))
    at = MONDAY + dt.timedelta(days=day, hours=11)
    frame["request_id"] = [f"{source}{day}-{number}" for number in range(rows)]
    frame["birth_id"] = [f"b{day}-{number}" for number in range(rows)]
    frame = frame.assign(timestamp=at, source=source, model="c.s.risk", model_version=version, run_id="0", commit="c")
    frame = frame.assign(risk=risk, prediction=(risk >= 0.12).astype(int), band="low")
    frame["age_group"] = rng.choice(["under 20", "20 to 34", None], rows)
    for name in FEATURES:
        frame[name] = rng.random(rows)
    return frame


def labelled(frame: pd.DataFrame, share: float = 1.0, changes: int = 0) -> pd.DataFrame:
    """With outcomes drawn from the risk itself, for the first rows."""
    rng = np.random.default_rng(9)
    outcome = pd.array((rng.random(len(frame)) < frame["risk"]).astype(int), "Int32")
    known = np.arange(len(frame)) < share * len(frame)
    return frame.assign(
        label=pd.Series(outcome).where(known),
        labelled_at=pd.Series(MONDAY + dt.timedelta(days=40), index=frame.index).where(known),
        label_changes=pd.Series(pd.array([changes] * len(frame), "Int32")).where(known),
    )


def write(context: Context, *frames: pd.DataFrame) -> None:
    spark, name = context.spark, context.table(LOG)
    tables.create_table(spark, name, COLUMNS, "log")
    types = {"string": pa.string(), "double": pa.float64(), "int": pa.int32(), "timestamp": pa.timestamp("us", "UTC")}
    schema = pa.schema([(column.name, types[column.type]) for column in COLUMNS])
    rows = pd.concat([frame.astype("object") for frame in frames], ignore_index=True)
    rows = rows.astype("object").where(rows.notna(), None)
    written = tables.from_arrow(spark, pa.Table.from_pandas(rows, schema, preserve_index=False), COLUMNS)
    tables.merge(spark, name, written, ["request_id"])


def task(context: Context, **more: Any) -> Task:
    return Task(monitored_log(context, "1 day,1 week", '["age_group"]', ""), QUALITY, **more)


def explained(context: Context, *given: tuple[int, str, dict[str, float]]) -> str:
    """The table of attributions, with a row for each day, version and contributions; its name."""
    name = context.table(ATTRIBUTIONS)
    tables.create_table(context.spark, name, ATTRIBUTIONS_COLUMNS, "attributions")
    values = [
        (f"r{number}", "b", MONDAY + dt.timedelta(days=at, hours=11), version, -2.0, contributions)
        for number, (at, version, contributions) in enumerate(given)
    ]
    tables.append(context.spark, name, context.spark.createDataFrame(values, tables.ddl(ATTRIBUTIONS_COLUMNS)))
    return name


def metrics(context: Context) -> pd.DataFrame:
    frame = context.spark.table(context.table(f"{LOG}_model_metrics"))
    found = tables.to_arrow(frame.selectExpr("*", "window.start AS start")).to_pandas()
    return found.sort_values(["start", "granularity", "metric", "column_name"], ignore_index=True)


def pick(found: pd.DataFrame, metric: str, column: str = ":table", **where: object) -> Any:
    """The one row that there must be."""
    where = {"granularity": "1 day", "model_version": "*", "slice_key": None, **where}
    rows = found[(found["metric"] == metric) & (found["column_name"] == column)]
    for name, value in where.items():
        rows = rows[rows[name].isna() if value is None else rows[name] == value]
    assert len(rows) == 1, f"{metric} {column}: {len(rows)} rows"
    return rows.iloc[0]


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(MONDAY + dt.timedelta(days=number))


def test_quality_of_windows_slices_and_versions_is_that_of_scikit_learn(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-03")
    one, two = labelled(log_rows(0)), labelled(log_rows(1, version="2"), share=0.5)
    write(context, one, two)
    done = measure(context.spark, task(context), context.date)
    assert (done.whole, done.labels) == (3, 0)
    found = metrics(context)

    y, p = one["label"].astype(float), one["risk"]
    expected = {
        "auc": reference.roc_auc_score(y, p),
        "average_precision": reference.average_precision_score(y, p),
        "brier": reference.brier_score_loss(y, p),
        "log_loss": reference.log_loss(y, p),
        "mean_prediction": p.mean(),
        "mean_label": y.mean(),
    }
    for name, value in expected.items():
        row = pick(found, name, start=day(0))
        assert row["value"] == pytest.approx(value), name
        assert row["low"] <= row["value"] <= row["high"], name
        assert row["count"] == 300
    young = one[one["age_group"] == "under 20"]
    of_slice = pick(found, "brier", start=day(0), slice_key="age_group", slice_value="under 20")
    assert of_slice["value"] == pytest.approx(reference.brier_score_loss(young["label"].astype(float), young["risk"]))

    week = pick(found, "label_share", granularity="1 week", start=day(0))
    assert (week["value"], week["count"]) == (0.75, 600)
    assert pick(found, "label_share", granularity="1 week", start=day(0), model_version="2")["value"] == 0.5

    groups = one[one["age_group"].notna()]
    decided = (groups["risk"] >= 0.12).astype(int)
    outcome, sensitive = groups["label"].astype(int), groups["age_group"]
    for name in ("demographic_parity_difference", "equal_opportunity_difference"):
        expected_difference = getattr(fair, name)(outcome, decided, sensitive_features=sensitive)
        assert pick(found, name, "age_group", start=day(0))["value"] == pytest.approx(expected_difference), name


def test_a_day_later_only_what_changed_is_measured_and_twice_is_once(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-03")
    write(context, log_rows(0), log_rows(1))
    measure(context.spark, task(context), context.date)
    first = metrics(context)
    assert set(first["metric"]) == {"label_share", "label_changes", "demographic_parity_difference"}

    later = place.context("hrob.measure", "2026-03-10")
    write(later, labelled(log_rows(0), share=0.5), log_rows(8))
    done = measure(later.spark, task(later), later.date)
    assert (done.whole, done.labels) == (2, 2), "the new day and its week; of the labelled day and week the labels"
    found = metrics(later)
    assert pick(found, "label_share", start=day(0))["value"] == 0.5
    assert pick(found, "auc", start=day(0))["count"] == 150
    parity = pick(found, "demographic_parity_difference", "age_group", start=day(0))
    assert parity["value"] == pick(first, "demographic_parity_difference", "age_group", start=day(0))["value"]

    measure(later.spark, task(later), later.date)
    pd.testing.assert_frame_equal(metrics(later), found)
    write(later, labelled(log_rows(0), share=0.5, changes=2))
    assert measure(later.spark, task(later), later.date).labels == 2, "corrections alone are seen"
    assert pick(metrics(later), "label_changes", start=day(0))["value"] == 300


def test_attributions_drift_from_what_the_version_was_validated_with(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-03")
    write(context, log_rows(0, 4), log_rows(1, 4))
    name = explained(context, *((d, "1", {"x": x, "y": -0.1}) for d, x in ((0, 0.4), (1, 0.05)) for _ in range(4)))
    known: Mapping[str, float] = {"x": 0.4, "y": 0.1}
    asked = task(context, attributions=Attributions(name, lambda version: known if version == "1" else None))
    measure(context.spark, asked, context.date)
    found = metrics(context)
    quiet, drifted = (
        pick(found, "attribution_share", "x", start=day(0)),
        pick(found, "attribution_share", "x", start=day(1)),
    )
    assert (quiet["value"], quiet["baseline"], quiet["count"]) == (pytest.approx(0.8), pytest.approx(0.8), 4)
    assert drifted["value"] == pytest.approx(1 / 3)
    assert pick(found, "attribution_drift", start=day(0))["value"] == 0
    ndcg = reference.ndcg_score([[0.4, 0.1]], [[0.05, 0.1]])
    assert pick(found, "attribution_drift", start=day(1))["value"] == pytest.approx(1 - ndcg)
    assert pick(found, "attribution_shift", start=day(1))["value"] == pytest.approx(0.8 - 1 / 3)
    week = pick(found, "attribution_share", "x", start=day(0), granularity="1 week", model_version="1")
    assert week["value"] == pytest.approx(0.45 / 0.65)


def test_online_features_are_compared_with_the_feature_table(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-02")
    online = log_rows(0, 10, source="online")
    write(context, online, log_rows(0, 5))
    x, y, *_ = FEATURES
    offline = online[["birth_id", x, y]].astype({x: float, y: float}).iloc[:8].copy()
    offline.loc[0, x] *= 1 + 1e-9
    offline.loc[1, x] *= 1.01
    offline.loc[2, [x, y]] = np.nan
    frame = context.spark.createDataFrame(pa.Table.from_pandas(offline, preserve_index=False))
    measure(context.spark, task(context, offline=Offline(frame, "birth_id", (x, y))), context.date)
    found = metrics(context)
    values = {name: pick(found, "skew", name, start=day(0)) for name in (x, y, ":table")}
    assert {name: row["value"] for name, row in values.items()} == {x: 0.25, y: 0.125, ":table": 0.25}
    assert {row["count"] for row in values.values()} == {8}
    missing = pick(found, "skew_missing", start=day(0))
    assert (missing["value"], missing["count"]) == (pytest.approx(0.2), 10)


def test_the_step_measures_the_project_against_what_each_version_was_validated_with(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-02")
    write(context, labelled(log_rows(0)))
    client = MlflowClient()
    training = client.create_run(client.create_experiment(place.experiment))
    told = {"features": [{"feature": "x", "mean": 0.3, "share": 0.75}, {"feature": "y", "mean": 0.1, "share": 0.25}]}
    client.log_dict(training.info.run_id, told, "explain/attributions.json")
    client.create_registered_model(place.model)
    client.create_model_version(place.model, f"{training.info.artifact_uri}/model", training.info.run_id)
    explained(context, *((0, version, {"x": 0.3, "y": 0.1}) for version in ("1", "7")))
    done = step.run(context, model=place.model, granularities="1 day", slices="")
    assert (done.whole, done.labels) == (1, 0)
    found = metrics(context)
    assert pick(found, "auc", start=day(0))["count"] == 300
    known = pick(found, "attribution_share", "x", start=day(0), model_version="1")
    assert known["value"] == known["baseline"] == pytest.approx(0.75)
    assert pick(found, "attribution_drift", start=day(0), model_version="1")["value"] == 0
    gone = pick(found, "attribution_share", "x", start=day(0), model_version="7")
    assert np.isnan(gone["baseline"]), "a version that is not there any more"


def test_two_at_once_leave_no_row_twice(place: Place) -> None:
    context = place.context("hrob.measure", "2026-03-03")
    write(context, labelled(log_rows(0)), log_rows(1))
    both = task(context)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(measure, context.spark, both, context.date) for _ in range(2)]:
            done.result()
    found = metrics(context)
    keys = ["start", "granularity", "model_version", "slice_key", "slice_value", "metric", "column_name"]
    assert not found.duplicated(keys).any()
    assert pick(found, "auc", start=day(0))["count"] == 300
