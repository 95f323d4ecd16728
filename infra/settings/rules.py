"""Alert rules: what of the monitoring's tables must stay within which bounds, and what follows where it does not."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Strict, Text
from infra.settings.errors import did_you_mean

Granularity = Literal["1 hour", "1 day", "1 week"]
TableKind = Literal["drift", "profile", "model"]

METRICS: dict[TableKind, tuple[str, ...]] = {
    "drift": (
        "count_delta", "avg_delta", "percent_null_delta", "percent_zeros_delta", "percent_distinct_delta",
        "non_null_columns_delta.added", "non_null_columns_delta.missing", "js_distance", "ks_test.statistic",
        "ks_test.pvalue", "wasserstein_distance", "population_stability_index", "chi_squared_test.statistic",
        "chi_squared_test.pvalue", "tv_distance", "l_infinity_distance",
    ),
    "profile": (
        "count", "num_nulls", "avg", "min", "max", "stddev", "num_zeros", "num_nan", "min_length", "max_length",
        "avg_length", "median", "distinct_count", "percent_nan", "percent_null", "percent_zeros", "percent_distinct",
        "accuracy_score", "precision.macro", "precision.weighted", "recall.macro", "recall.weighted",
        "f1_score.macro", "f1_score.weighted", "log_loss", "roc_auc_score.macro", "roc_auc_score.weighted",
        "mean_squared_error", "root_mean_squared_error", "mean_average_error", "mean_absolute_percentage_error",
        "r2_score",
    ),
    "model": (
        "label_share", "label_changes", "mean_prediction", "mean_label", "auc", "average_precision", "brier",
        "log_loss", "calibration_error", "calibration_ratio", "rmse", "mae", "r2", "demographic_parity_difference",
        "equal_opportunity_difference", "attribution_share", "attribution_drift", "attribution_shift", "skew",
        "skew_missing",
    ),
}  # fmt: skip
"""What can be asked of each table: numeric columns of a quality monitor's, metrics of the monitoring job's own."""

ADJUSTABLE = ("population_stability_index", "ks_test.pvalue", "chi_squared_test.pvalue")
"""Metrics of the drift table that can be told from chance."""

MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z]+)?$")]


class AlertRule(Strict):
    """One rule. It fires when `breaches` of the last `of` windows are beyond a bound, the latest among them."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,47}$", description="name in alerts and reports, such as feature-drift"
    )
    table: TableKind = Field(
        description="drift or profile: the quality monitor's table; model: quality, skew, attributions"
    )
    metric: MetricName = Field(
        description="column of that table (ks_test.statistic inside one), or metric of the model"
    )
    columns: tuple[Text, ...] = Field(
        (),
        description="columns that are looked at; *: all but the log's own, :table: the model or the table as a whole;"
        " empty: as the metric is",
    )
    at_least_columns: int = Field(1, ge=1, description="how many columns must be beyond the bound in a window")
    slice: Text | None = Field(None, description="slicing expression, one of monitoring.slices; null: the whole table")
    above: float | None = Field(None, description="values above this are beyond the bound")
    below: float | None = Field(None, description="values below this are beyond the bound")
    granularity: Granularity = Field("1 week", description="length of the windows")
    breaches: int = Field(1, ge=1, description="N of N of M: windows that must be beyond the bound")
    of: int = Field(1, ge=1, description="M of N of M: windows that are looked at, the latest last")
    drift_type: Literal["BASELINE", "CONSECUTIVE"] | None = Field(
        None, description="drift alone: against the baseline (default) or the window before"
    )
    minimum_rows: int = Field(100, ge=0, description="windows with fewer rows are left out")
    adjust: bool = Field(False, description="true: what chance alone makes of few rows and many columns is taken off")
    stale_days: int | None = Field(
        None, ge=1, description="days after which the latest window says nothing any more; null: by metric and window"
    )
    action: Literal["notify", "retrain"] = Field("notify", description="what follows; retrain also notifies")
    cool_down_days: int = Field(7, ge=0, description="days without further action after it acted")

    @model_validator(mode="after")
    def can_fire(self) -> Self:
        """A rule that can never fire, or looks at what no table has, would be a silent one."""
        if self.above is None and self.below is None:
            raise ValueError("expected a bound: above, below, or both")
        if self.above is not None and self.below is not None and self.below > self.above:
            raise ValueError(
                f"below ({self.below}) is more than above ({self.above}): every value would be beyond a bound"
            )
        if self.breaches > self.of:
            raise ValueError(f"breaches: expected at most of ({self.of}), found {self.breaches}")
        if self.drift_type and self.table != "drift":
            raise ValueError(f"drift_type: only rules over the drift table have one, this one is over {self.table}")
        if self.adjust and not (self.table == "drift" and self.metric in ADJUSTABLE):
            raise ValueError(f"adjust: only {', '.join(ADJUSTABLE)} of the drift table can be told from chance")
        if "*" in self.columns and len(self.columns) > 1:
            raise ValueError("columns: * stands for all of them, so it stands alone")
        if self.columns and "*" not in self.columns and self.at_least_columns > len(self.columns):
            raise ValueError(f"at_least_columns: expected at most {len(self.columns)}, the number of columns")
        if self.metric not in METRICS[self.table]:
            near = did_you_mean(self.metric, METRICS[self.table])
            raise ValueError(f"metric: the {self.table} table has no number {self.metric}{near}")
        return self

    def as_parameter(self) -> dict[str, Any]:
        """What the step that evaluates rules is given; what is null is left out, drift's kind is always said."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {**values, "drift_type": self.drift_type or "BASELINE"} if self.table == "drift" else values

    def sentence(self) -> str:
        """The rule in words, for whoever gets its alert."""
        bounds = [
            f"{word} {value:g}" for word, value in (("above", self.above), ("below", self.below)) if value is not None
        ]
        what = f"{self.metric} {' or '.join(bounds)}"
        if self.at_least_columns > 1:
            what += f" in at least {self.at_least_columns} columns"
        where = f" by {self.slice}" if self.slice else ""
        if self.of == 1:
            return f"{what}{where} in the latest window of {self.granularity}"
        often = f"in {self.breaches} of the last {self.of} windows of {self.granularity}, the latest among them"
        return f"{what}{where} {often}"
