"""Columns of `<table>_profile_metrics` and `<table>_drift_metrics` as a Databricks quality monitor writes them.

Source: docs.databricks.com, "Data profiling metric tables", section "Column schemas for generated tables", and "Monitor
fairness and bias for classification models"; types as such tables show them. Of an InferenceLog analysis the column of
the model identifier has the name that it has in the log. Left out are the columns of column types that a log of this
project cannot have (min_size, max_size, avg_size of arrays and structs).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ml_code.platform.monitoring.schema import WINDOW
from ml_code.platform.tables import Column

ALL_MODELS = "*"
"""Model identifier of the rows that are over all models."""

TABLE = ":table"
"""Column name of the rows that are about whole rows: counts, and the quality of the model."""

_BY_CLASS = "struct<one_vs_all: map<string, double>, macro: double, weighted: double>"
_RATES = "map<string, double>"
_TEST = "struct<statistic: double, pvalue: double>"
_ITEMS = "array<struct<item: string, count: bigint>>"
_CONFUSION = "array<struct<prediction: string, label: string, count: bigint>>"
_CHANGED_COLUMNS = "struct<added: int, missing: int>"

PROFILE_COMMENT = "Each column and the quality of the model, by window, slice and model, as a quality monitor writes it"
DRIFT_COMMENT = "How each column differs from the window before and from the baseline, as a quality monitor writes it"


def profile_metrics(model_column: str) -> tuple[Column, ...]:
    """Columns of the profile table of a log whose model identifier is in this column."""
    return (
        Column("window", WINDOW, "the window, its end not included; null: the baseline"),
        Column("log_type", "string", "INPUT: the log, BASELINE: the baseline table", required=True),
        Column("logging_table_commit_version", "int", "Delta version of the table that was read"),
        Column("monitor_version", "bigint", "version of the configuration of the monitor"),
        Column("granularity", "string", "length of the window, such as 1 day; null: the baseline"),
        Column(model_column, "string", "version of the model; *: all; null: the baseline"),
        Column("slice_key", "string", "slicing expression; null: the whole table"),
        Column("slice_value", "string", "its value"),
        Column("column_name", "string", "column of the log; :table: whole rows", required=True),
        Column("count", "bigint", "rows with a value; of :table all rows"),
        Column("data_type", "string", "Spark type of the column"),
        Column("num_nulls", "bigint", "rows without a value"),
        Column("avg", "double", "mean"),
        Column("quantiles", "array<double>", "quantiles 0, 0.01, … 1"),
        Column("min", "double", "least value; of a timestamp in seconds since 1970"),
        Column("max", "double", "greatest value"),
        Column("stddev", "double", "standard deviation of the sample"),
        Column("num_zeros", "bigint", "values that are zero"),
        Column("num_nan", "bigint", "values that are not a number"),
        Column("min_length", "double", "length of the shortest text"),
        Column("max_length", "double", "length of the longest text"),
        Column("avg_length", "double", "mean length of the texts"),
        Column("non_null_columns", "array<string>", "columns with at least one value; of :table"),
        Column("frequent_items", _ITEMS, "most frequent values, at most 100"),
        Column("median", "double", "median"),
        Column("distinct_count", "bigint", "different values"),
        Column("percent_nan", "double", "num_nan in percent of the rows"),
        Column("percent_null", "double", "num_nulls in percent of the rows"),
        Column("percent_zeros", "double", "num_zeros in percent of the rows"),
        Column("percent_distinct", "double", "distinct_count in percent of the rows"),
        Column("accuracy_score", "double", "share of labelled rows that were predicted right; of :table"),
        Column("confusion_matrix", _CONFUSION, "labelled rows by class"),
        Column("precision", _BY_CLASS, "precision by class and averaged"),
        Column("recall", _BY_CLASS, "recall by class and averaged"),
        Column("f1_score", _BY_CLASS, "harmonic mean of precision and recall by class and averaged"),
        Column("log_loss", "double", "mean negative log likelihood of the labels, nats"),
        Column("roc_auc_score", _BY_CLASS, "area under the ROC curve by class and averaged"),
        Column("mean_squared_error", "double", "of a regression"),
        Column("root_mean_squared_error", "double", "of a regression"),
        Column("mean_average_error", "double", "mean absolute error of a regression"),
        Column("mean_absolute_percentage_error", "double", "of a regression, as a share"),
        Column("r2_score", "double", "coefficient of determination of a regression"),
        Column("predictive_parity", _RATES, "precision of the slice less that of its complement, by class"),
        Column("predictive_equality", _RATES, "false positive rate of the slice less that of its complement, by class"),
        Column("equal_opportunity", _RATES, "recall of the slice less that of its complement, by class"),
        Column("statistical_parity", _RATES, "rate of predictions of the slice less that of its complement, by class"),
    )


def drift_metrics(model_column: str) -> tuple[Column, ...]:
    """Columns of the drift table of a log whose model identifier is in this column."""
    return (
        Column("window", WINDOW, "the window, its end not included", required=True),
        Column("granularity", "string", "length of the window, such as 1 day", required=True),
        Column("monitor_version", "bigint", "version of the configuration of the monitor"),
        Column(model_column, "string", "version of the model; *: all"),
        Column("slice_key", "string", "slicing expression; null: the whole table"),
        Column("slice_value", "string", "its value"),
        Column("column_name", "string", "column of the log; :table: whole rows", required=True),
        Column("data_type", "string", "Spark type of the column"),
        Column("window_cmp", WINDOW, "the window that it is compared with; null: the baseline"),
        Column("drift_type", "string", "CONSECUTIVE: against the window before, BASELINE: the baseline", required=True),
        Column("count_delta", "bigint", "change of the rows"),
        Column("avg_delta", "double", "change of the mean"),
        Column("percent_null_delta", "double", "change of percent_null"),
        Column("percent_zeros_delta", "double", "change of percent_zeros"),
        Column("percent_distinct_delta", "double", "change of percent_distinct"),
        Column("non_null_columns_delta", _CHANGED_COLUMNS, "columns with values, more and fewer"),
        Column("js_distance", "double", "Jensen-Shannon distance of a categorical column"),
        Column("ks_test", _TEST, "Kolmogorov-Smirnov test of a numeric column"),
        Column("wasserstein_distance", "double", "Wasserstein distance of a numeric column, in its units"),
        Column("population_stability_index", "double", "population stability index of a numeric column"),
        Column("chi_squared_test", _TEST, "chi-squared test of a categorical column"),
        Column("tv_distance", "double", "total variation distance of a categorical column"),
        Column("l_infinity_distance", "double", "greatest difference of a share of a categorical column"),
    )


PROFILE_METRICS = profile_metrics("model_version")
DRIFT_METRICS = drift_metrics("model_version")


def as_arrow(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pa.Table:
    """Rows of a metric table; what a row does not have is null."""
    return pa.Table.from_pylist(list(rows), pa.schema([(column.name, _ARROW[column.type]) for column in columns]))


_MOMENT = pa.timestamp("us", "UTC")
_SHARES = pa.map_(pa.string(), pa.float64())
_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "array<double>": pa.list_(pa.float64()),
    "array<string>": pa.list_(pa.string()),
    WINDOW: pa.struct([("start", _MOMENT), ("end", _MOMENT)]),
    _ITEMS: pa.list_(pa.struct([("item", pa.string()), ("count", pa.int64())])),
    _CONFUSION: pa.list_(pa.struct([("prediction", pa.string()), ("label", pa.string()), ("count", pa.int64())])),
    _CHANGED_COLUMNS: pa.struct([("added", pa.int32()), ("missing", pa.int32())]),
    _TEST: pa.struct([("statistic", pa.float64()), ("pvalue", pa.float64())]),
    _BY_CLASS: pa.struct([("one_vs_all", _SHARES), ("macro", pa.float64()), ("weighted", pa.float64())]),
    _RATES: _SHARES,
}
