"""What a monitor's settings may be."""

from __future__ import annotations

from typing import Any

import pytest

from infra.workspace.gateway.errors import ApiError
from infra.workspace.monitors.job import tag_of
from infra.workspace.monitors.settings import changed_settings, check_columns, new_settings

LOG = {
    "problem_type": "PROBLEM_TYPE_CLASSIFICATION",
    "timestamp_col": "timestamp",
    "granularities": ["1 day", "2 weeks"],
    "prediction_col": "prediction",
    "model_id_col": "model_version",
}
BODY: dict[str, Any] = {"assets_dir": "/Shared/m", "output_schema_name": "dev.hrob", "inference_log": LOG}
CRON = {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "Europe/Prague"}


def test_what_was_sent_is_kept_and_what_only_the_dashboard_needs_is_not() -> None:
    body = {**BODY, "schedule": CRON, "skip_builtin_dashboard": True, "warehouse_id": "w", "slicing_exprs": ["a > 1"]}
    assert new_settings(body) == {**BODY, "schedule": CRON, "slicing_exprs": ["a > 1"]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"snapshot": {}}, "exactly one of inference_log, time_series, snapshot; given: inference_log, snapshot"),
        ({"inference_log": None}, "given: none"),
        ({"inference_log": {**LOG, "model_id_col": None}}, "inference_log needs model_id_col"),
        ({"inference_log": {**LOG, "granularities": ["2 days"]}}, "'2 days' is not one of 5 minutes"),
        ({"inference_log": {**LOG, "granularities": ["0 weeks"]}}, "'0 weeks' is not one of"),
        ({"inference_log": {**LOG, "problem_type": "CLUSTERING"}}, "known: PROBLEM_TYPE_CLASSIFICATION"),
        ({"output_schema_name": "hrob"}, r"in the form \{catalog\}.\{schema\}"),
        ({"assets_dir": "m"}, "absolute path"),
        ({"status": "MONITOR_STATUS_ACTIVE"}, "status cannot be set"),
        ({"schedule": {**CRON, "quartz_cron_expression": "daily"}}, "quartz_cron_expression is not valid"),
        ({"schedule": {**CRON, "timezone_id": "Mars"}}, "no time zone 'Mars'"),
        ({"notifications": {"on_failure": {"email_addresses": ["a@b.cz"] * 6}}}, "at most 5 email addresses, not 6"),
        ({"notifications": {"on_failure": {"email_addresses": ["a"]}}}, "'a' is not an email address"),
        ({"slicing_exprs": ["a >"]}, "'a >' is not an expression"),
        ({"custom_metrics": [{"name": "m"}]}, "a metric needs type"),
    ],
)
def test_what_no_monitor_can_have_is_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ApiError, match=complaint):
        new_settings({**BODY, **change})


def test_an_update_replaces_all_but_the_profile_and_the_folder() -> None:
    current = new_settings({**BODY, "schedule": CRON})
    assert changed_settings(current, {"output_schema_name": "dev.other", "assets_dir": "/x"}) == {
        **BODY,
        "output_schema_name": "dev.other",
    }
    snapshot = changed_settings(current, {"output_schema_name": "dev.hrob", "snapshot": {}})
    assert "inference_log" not in snapshot
    assert snapshot["snapshot"] == {}


def test_every_column_that_is_named_has_to_be_there() -> None:
    settings = new_settings({**BODY, "slicing_exprs": ["mother_group", "age > 30"]})
    columns = ["Timestamp", "prediction", "model_version", "mother_group", "age"]
    check_columns(settings, columns)
    with pytest.raises(ApiError, match="slicing_exprs 'age > 30': the table has no column 'age'"):
        check_columns(settings, columns[:-1])
    with pytest.raises(ApiError, match=r"inference_log.timestamp_col: the table has no column 'timestamp'"):
        check_columns(settings, columns[1:])


def test_a_tables_tag_is_what_job_tags_may_hold() -> None:
    assert tag_of("Dev.hrob.inference_log") == "dev_hrob_inference_log"
    assert tag_of("dev.hrob.žlutý-kůň") == "dev_hrob__lut_-k__"
