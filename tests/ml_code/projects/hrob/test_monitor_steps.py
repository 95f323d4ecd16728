"""Steps hrob.monitor, on the log's own columns, and hrob.refresh, against the workspace's quality monitors."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from databricks.sdk.service.catalog import (
    MonitorInferenceLog,
    MonitorInferenceLogProblemType,
    MonitorRefreshInfo,
    MonitorRefreshInfoState,
)

from ml_code.context import Context
from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.projects.hrob import monitor, refresh
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import LOG, log_columns
from tests.ml_code.conftest import ROOT, Place

DATE = datetime.date(2026, 1, 7)


@pytest.fixture
def context(place: Place) -> Context:
    """With a log of 20 predictions of the day."""
    context = place.context("hrob.monitor", DATE)
    columns = log_columns(read_project(ROOT, "dev"))
    types = {"string": pa.string(), "int": pa.int32(), "double": pa.float64(), "timestamp": pa.timestamp("us", "UTC")}
    rows = 20
    made = {
        "request_id": [str(number) for number in range(rows)],
        "timestamp": [datetime.datetime(2026, 1, 7, 11, tzinfo=datetime.UTC)] * rows,
        "model_version": ["3"] * rows,
        "age_group": ["under 20", "20 to 34"] * (rows // 2),
        "risk": [number / rows for number in range(rows)],
        "prediction": [int(number > 10) for number in range(rows)],
        "mother_age": [20.0 + number for number in range(rows)],
        **{name: ["batch"] * rows for name in ("source", "model")},
    }
    arrays = {column.name: pa.array(made.get(column.name, [None] * rows), types[column.type]) for column in columns}
    tables.create_table(context.spark, context.table(LOG), columns, "predictions")
    tables.append(context.spark, context.table(LOG), tables.from_arrow(context.spark, pa.table(arrays), columns))
    return context


def test_monitor(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    done = monitor.run(context, granularities="1 day,1 week", slices="", baseline="")
    assert done.windows == {"1 day": 1, "1 week": 1}
    assert not done.against_baseline
    said = capsys.readouterr().out
    assert f"there is no baseline {context.table('inference_log_baseline')}" in said
    assert "windows written: 1 of 1 " in said
    keys = context.spark.table(context.table(f"{LOG}_profile_metrics")).select("slice_key", "model_version").distinct()
    assert {tuple(row) for row in keys.collect()} == {
        (key, version) for key in (None, "age_group") for version in ("*", "3")
    }
    with pytest.raises(StepError, match="--slices: expected a JSON list"):
        monitor.run(context, granularities="1 day", slices="age_group", baseline="")


def test_refresh_without_a_monitor_or_its_job(context: Context) -> None:
    with pytest.raises(StepError, match=r"has no quality monitor.*monitoring.engine: quality_monitor"):
        refresh.run(context)
    context.workspace.quality_monitors.create(
        context.table(LOG),
        output_schema_name=f"{context.catalog}.{context.schema}",
        assets_dir="/Shared/monitors",
        inference_log=MonitorInferenceLog(
            MonitorInferenceLogProblemType.PROBLEM_TYPE_CLASSIFICATION,
            timestamp_col="timestamp",
            granularities=["1 day"],
            prediction_col="prediction",
            model_id_col="model_version",
        ),
    )
    with pytest.raises(StepError, match=r"ended FAILED: .*quality_monitor"):
        refresh.run(context)


class Answers:
    """Quality monitors whose one refresh goes through these states."""

    def __init__(self, *states: str) -> None:
        self.states = [MonitorRefreshInfoState(state) for state in states]

    def run_refresh(self, _: str) -> MonitorRefreshInfo:
        return MonitorRefreshInfo(7, self.states.pop(0), 0)

    def get_refresh(self, _: str, refresh_id: int) -> MonitorRefreshInfo:
        return MonitorRefreshInfo(refresh_id, self.states.pop(0), 0, message="out of memory")


def test_refresh_waits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("ml_code.projects.hrob.refresh.time.sleep", lambda _: None)
    context: Any = Context("hrob.refresh", str(ROOT), "dev", "dev", "hrob", DATE)
    context.workspace = type("Workspace", (), {"quality_monitors": Answers("PENDING", "RUNNING", "RUNNING", "SUCCESS")})
    assert refresh.run(context).state is MonitorRefreshInfoState.SUCCESS
    told = [line.split("] ")[1] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "refresh 7 of the quality monitor of dev.hrob.inference_log started",
        "refresh 7 is pending",
        "refresh 7 is running",
        "refresh 7 succeeded",
    ]
    context.workspace.quality_monitors = Answers("RUNNING", "FAILED")
    with pytest.raises(StepError, match="ended FAILED: out of memory"):
        refresh.run(context)
    monkeypatch.setattr(refresh, "LONGEST_WAIT", -1.0)
    context.workspace.quality_monitors = Answers("RUNNING")
    with pytest.raises(StepError, match="is still RUNNING after"):
        refresh.run(context)
