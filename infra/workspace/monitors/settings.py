"""What a quality monitor's settings must be, as Databricks documents them for `quality_monitors`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.workspace.compute.messages import parse
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.jobs.schedules import check_terms

Settings = dict[str, Any]
Body = Mapping[str, Any]

PROFILES = ("inference_log", "time_series", "snapshot")
_CHANGEABLE = (
    "output_schema_name", "baseline_table_name", "custom_metrics", "data_classification_config", "notifications",
    "schedule", "slicing_exprs", *PROFILES,
)  # fmt: skip
_ANSWERED_ONLY = (
    "table_name", "status", "profile_metrics_table_name", "drift_metrics_table_name", "monitor_version",
    "dashboard_id", "latest_monitor_failure_msg",
)  # fmt: skip
_NEEDED = {
    "inference_log": ("problem_type", "timestamp_col", "granularities", "prediction_col", "model_id_col"),
    "time_series": ("timestamp_col", "granularities"),
    "snapshot": (),
}
_GRANULARITIES = ("5 minutes", "30 minutes", "1 hour", "1 day", "<n> week(s)", "1 month", "1 year")
_WEEKS = re.compile(r"1 week|[1-9][0-9]* weeks?")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_MOST_ADDRESSES = 5


def new_settings(body: object) -> Settings:
    """The settings of a new monitor; raises BadRequest or MalformedRequest."""
    known = parse("catalog.MonitorInfo", body)
    if told := [name for name in _ANSWERED_ONLY if name in known]:
        raise BadRequest(f"{told[0]} cannot be set when a monitor is created")
    assets = known.get("assets_dir")
    if not assets or not str(assets).startswith("/"):
        raise BadRequest("assets_dir is required: the absolute path of a workspace folder")
    settings = {name: known[name] for name in (*_CHANGEABLE, "assets_dir") if name in known}
    _check(settings)
    return settings


def changed_settings(current: Settings, body: object) -> Settings:
    """The settings after an update: all but the profile, which may be left out, are replaced by what was sent."""
    known = parse("catalog.MonitorInfo", body)
    settings = {name: known[name] for name in _CHANGEABLE if name in known}
    if not any(name in settings for name in PROFILES):
        settings |= {name: current[name] for name in PROFILES if name in current}
    settings["assets_dir"] = current["assets_dir"]
    _check(settings)
    return settings


def check_columns(settings: Settings, columns: Iterable[str]) -> None:
    """Raises BadRequest unless the table has every column that the settings name."""
    known = {name.lower() for name in columns}
    for where, name in _columns_named(settings):
        if name.lower() not in known:
            raise BadRequest(f"{where}: the table has no column '{name}'")


def _columns_named(settings: Settings) -> Iterator[tuple[str, str]]:
    for profile in PROFILES:
        for field, value in settings.get(profile, {}).items():
            if field.endswith("_col"):
                yield f"{profile}.{field}", value
    for metric in settings.get("custom_metrics", []):
        for name in metric.get("input_columns", []):
            if name != ":table":
                yield f"custom_metrics.{metric.get('name')}.input_columns", name
    if settings.get("slicing_exprs"):
        # The parser takes long to import: not before it is needed.
        import sqlglot
        from sqlglot import exp

        for text in settings["slicing_exprs"]:
            for column in sqlglot.parse_one(text, dialect="databricks").find_all(exp.Column):
                yield f"slicing_exprs '{text}'", column.name


def _check(settings: Settings) -> None:
    if str(settings.get("output_schema_name") or "").count(".") != 1:
        raise BadRequest("output_schema_name is required, in the form {catalog}.{schema}")
    _check_profile(settings)
    _check_slices(settings.get("slicing_exprs", []))
    if "schedule" in settings:
        schedule = settings["schedule"]
        check_terms(schedule.get("quartz_cron_expression"), schedule.get("timezone_id"))
    for event, destination in settings.get("notifications", {}).items():
        addresses = destination.get("email_addresses", [])
        if len(addresses) > _MOST_ADDRESSES:
            raise BadRequest(f"notifications.{event}: at most {_MOST_ADDRESSES} email addresses, not {len(addresses)}")
        if wrong := [each for each in addresses if not _ADDRESS.fullmatch(each)]:
            raise BadRequest(f"notifications.{event}: '{wrong[0]}' is not an email address")
    for metric in settings.get("custom_metrics", []):
        needed = ("name", "type", "definition", "input_columns", "output_data_type")
        if missing := [name for name in needed if not metric.get(name)]:
            raise BadRequest(f"custom_metrics: a metric needs {missing[0]}")


def _check_profile(settings: Settings) -> None:
    given = [name for name in PROFILES if name in settings]
    if len(given) != 1:
        raise BadRequest(f"a monitor needs exactly one of {', '.join(PROFILES)}; given: {', '.join(given) or 'none'}")
    profile = settings[given[0]]
    if missing := [name for name in _NEEDED[given[0]] if not profile.get(name)]:
        raise BadRequest(f"{given[0]} needs {missing[0]}")
    for granularity in profile.get("granularities", []):
        if granularity not in _GRANULARITIES and not _WEEKS.fullmatch(granularity):
            raise BadRequest(f"{given[0]}.granularities: '{granularity}' is not one of {', '.join(_GRANULARITIES)}")


def _check_slices(expressions: list[str]) -> None:
    if not expressions:
        return
    import sqlglot  # as above

    for text in expressions:
        try:
            sqlglot.parse_one(text, dialect="databricks")
        except sqlglot.errors.SqlglotError as error:
            raise BadRequest(f"slicing_exprs: '{text}' is not an expression of SQL") from error
