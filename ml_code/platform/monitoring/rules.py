"""Alert rules of the settings: what they may say, read strictly from their JSON.

A rule looks at one metric of one metric table. It fires when `breaches` of the last `of` windows are beyond its limit,
the latest among them, in at least `at_least_columns` columns. Windows that are not over yet, and windows with fewer
than `minimum_rows` rows, are not looked at.

`adjust` takes the chance of a false alarm over many columns and few rows out of the number before it is held against
the limit (see `noise`); it is there for the PSI and for p-values.
"""

import json
import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ml_code.platform.configuration import Section, parse
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.monitoring.metric_tables import DRIFT_METRICS, PROFILE_METRICS
from ml_code.platform.monitoring.metric_tables import TABLE as WHOLE
from ml_code.platform.monitoring.model_metrics import METRICS
from ml_code.platform.tables import Column

PSI = "population_stability_index"
P_VALUES = ("ks_test.pvalue", "chi_squared_test.pvalue")
EVERY = "*"
"""Every column that is not bookkeeping of the log."""

DAYS = {"1 hour": 1 / 24, "1 day": 1.0, "1 week": 7.0}
# What the profile table has of labelled rows.
_OF_LABELS = ("accuracy", "precision", "recall", "f1_score", "log_loss", "roc_auc", "mean_", "root_mean", "r2_score")
_NUMBERS = ("double", "float", "bigint", "int")
# A day's windows are judged once a day; labels come up to four months after their prediction.
_FRESH_DAYS = 2
_LATE_LABELS_DAYS = 180

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Rule(Section):
    """One rule. `stale_days`: how old the latest window may be that is judged at all; null: by metric and window."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    metric: str
    table: Literal["drift", "profile", "model"]
    columns: tuple[str, ...] = ()
    at_least_columns: Positive = 1
    slice: str | None = None
    above: float | None = None
    below: float | None = None
    granularity: Literal["1 hour", "1 day", "1 week"] = "1 week"
    breaches: Positive = 1
    of: Positive = 1
    drift_type: Literal["BASELINE", "CONSECUTIVE"] | None = None
    minimum_rows: Whole = 0
    adjust: bool = False
    stale_days: Positive | None = None
    action: Literal["notify", "retrain"] = "notify"
    cool_down_days: Whole = 7

    @model_validator(mode="after")
    def _limits(self) -> "Rule":
        if self.above is None and self.below is None:
            raise ValueError("expected a limit: above, below or both")
        if not all(math.isfinite(limit) for limit in (self.above, self.below) if limit is not None):
            raise ValueError("expected finite limits in above and below")
        if self.above is not None and self.below is not None and self.above < self.below:
            raise ValueError(f"every value is above {self.above:g} or below {self.below:g}: swap the two")
        if self.breaches > self.of:
            raise ValueError(f"{self.breaches} breaches cannot be among {self.of} windows: breaches must not exceed of")
        return self

    @model_validator(mode="after")
    def _metric_is_there(self) -> "Rule":
        if self.metric not in METRICS_OF[self.table]:
            raise ValueError(
                f"metric {self.metric!r} is not in the {self.table} table; it has {', '.join(METRICS_OF[self.table])}"
            )
        if self.drift_type is not None and self.table != "drift":
            raise ValueError(f"drift_type belongs to rules on the drift table, this one is on {self.table}")
        if self.adjust and not (self.table == "drift" and self.metric in (PSI, *P_VALUES)):
            raise ValueError(f"adjust is there for {', '.join((PSI, *P_VALUES))} of the drift table only")
        return self

    @model_validator(mode="after")
    def _columns_suffice(self) -> "Rule":
        if EVERY in self.columns and len(self.columns) > 1:
            raise ValueError('columns: "*" stands for every column and cannot be combined with names')
        if self.looked_at != (EVERY,) and self.at_least_columns > len(self.looked_at):
            raise ValueError(f"at_least_columns is {self.at_least_columns}, columns has {len(self.looked_at)}")
        return self

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The columns named, else every column, or the table as a whole where the metric is of nothing less."""
        if self.columns in ((), (EVERY,)):
            return (WHOLE,) if self._of_whole else (EVERY,)
        return self.columns

    @property
    def _of_whole(self) -> bool:
        if self.table == "model":
            return not METRICS[self.metric].by_column
        return self.table == "profile" and self.metric.startswith(_OF_LABELS)

    @property
    def kind_of_drift(self) -> str:
        """What the drift is from, where the rule is on the drift table."""
        return self.drift_type or "BASELINE"

    @property
    def fresh_days(self) -> float:
        """How old, in days, the end of the latest window may be for the rule to say anything."""
        if self.stale_days is not None:
            return self.stale_days
        late = METRICS[self.metric].needs_labels if self.table == "model" else self.metric.startswith(_OF_LABELS)
        return _LATE_LABELS_DAYS if late else max(_FRESH_DAYS, 2 * DAYS[self.granularity])

    def beyond(self, value: float) -> float:
        """How far the value is beyond the nearer limit; 0 and less: within."""
        over = [value - self.above] if self.above is not None else []
        under = [self.below - value] if self.below is not None else []
        return max(over + under)

    def bound(self, value: float | None) -> float | None:
        """The limit that a value is held against: the one it is nearest to or beyond."""
        if self.above is None or self.below is None or value is None:
            return self.above if self.above is not None else self.below
        return self.above if value - self.above >= self.below - value else self.below

    def limits(self) -> str:
        """The limits in words."""
        words = [f"above {self.above:g}"] if self.above is not None else []
        words += [f"below {self.below:g}"] if self.below is not None else []
        return " or ".join(words)


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a JSON list. Raises ConfigurationError naming the rule, its key and what was expected."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"--rules: not valid JSON: {error}") from None
    if not isinstance(raw, list):
        raise ConfigurationError(f"--rules: expected a list of rules, found {type(raw).__name__}")
    rules = [parse(Rule, one, _place(one, number)) for number, one in enumerate(raw, 1)]
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"--rules: two rules have the name {', '.join(twice)}: give each its own")
    return tuple(rules)


def _place(raw: Any, number: int) -> str:
    name = raw.get("name") if isinstance(raw, dict) else None
    return f"rule {name}" if name else f"rule {number} of the list"


def _numeric(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Columns with a number, and the fields with a number of those that are structs."""
    found = []
    for column in columns:
        if column.type in _NUMBERS:
            found.append(column.name)
        elif column.type.startswith("struct<"):
            fields = [field.split(":") for field in column.type[len("struct<") : -1].split(", ")]
            found += [f"{column.name}.{field[0]}" for field in fields if field[-1].strip() in _NUMBERS]
    versions = {"monitor_version", "logging_table_commit_version"}
    return tuple(name for name in found if name not in versions)


METRICS_OF: dict[str, tuple[str, ...]] = {
    "drift": _numeric(DRIFT_METRICS),
    "profile": _numeric(PROFILE_METRICS),
    "model": tuple(METRICS),
}
