"""When data is trained on, and which versions are promoted: limits beside the floor and the threshold."""

from typing import Any, Literal

from pydantic import Field

from infra.settings.base import Strict, Text


class Limits(Strict):
    """Limits that a step is given as JSON; what is null is not tested, or keeps the step's own default."""

    def as_parameter(self) -> dict[str, Any]:
        """Those that are set."""
        return self.model_dump(mode="json", exclude_none=True)


class DataLimits(Limits):
    """The gate's limits: the first four ask for a training, the others refuse one. Null: the gate's own default."""

    new_rows: float | None = Field(None, ge=0, description="new rows, as a share of the last training set's")
    drift: float | None = Field(None, ge=0, description="population stability index of any column")
    label_rate: float | None = Field(None, ge=0, description="change of the label's mean, as a share of what it was")
    missing: float | None = Field(None, ge=0, le=1, description="change of a column's share of missing values")
    least_rows: float | None = Field(
        None, ge=0, le=1, description="rows, as a share of the last training set's: fewer are refused"
    )
    torn: float | None = Field(None, ge=0, description="population stability index from which on a column is refused")
    torn_js: float | None = Field(
        None, ge=0, le=1, description="Jensen-Shannon distance from which on a column is refused"
    )
    missing_jump: float | None = Field(
        None, ge=0, le=1, description="growth of a column's share of missing values from which on it is refused"
    )
    ignore: tuple[Text, ...] | None = Field(None, description="columns that are not judged; the label always is")


class DataGate(Strict):
    """What happens before a training, by the training set and the last one."""

    when_unchanged: Literal["train", "skip"] = Field(
        "skip", description="where neither data nor code changed: train all the same, or skip"
    )
    limits: DataLimits = Field(
        DataLimits(), description="how much a training set must, and may, differ from the last one"
    )


class FairnessLimits(Limits):
    """How far the groups of one sensitive column may be apart on held-out rows."""

    demographic_parity_difference: float | None = Field(
        None, ge=0, le=1, description="largest rate of positive decisions of a group less the smallest"
    )
    demographic_parity_ratio: float | None = Field(
        None, ge=0, le=1, description="smallest rate of positive decisions over the largest: at least this"
    )
    equal_opportunity_difference: float | None = Field(
        None, ge=0, le=1, description="largest share of outcomes that are found less the smallest"
    )
    equalized_odds_difference: float | None = Field(
        None, ge=0, le=1, description="the larger of the differences of true and of false positive rates"
    )
    calibration_difference: float | None = Field(
        None, ge=0, le=1, description="largest of (mean risk less observed rate) less the smallest"
    )
    calibration_error: float | None = Field(None, ge=0, le=1, description="largest calibration error of a group")
    worse_than_champion: float | None = Field(
        None,
        ge=0,
        le=1,
        description="how much a challenger may lose to the champion, in the promotion metric, for any group",
    )
    smallest_outcomes: int | None = Field(
        None, ge=1, description="outcomes, and non-outcomes, that a group needs to be judged by its errors"
    )


class ModelLimits(Limits):
    """What a version may cost where it is used, as its model profile measures it."""

    latency_ms_1: float | None = Field(None, gt=0, description="median milliseconds for one row")
    latency_ms_32: float | None = Field(None, gt=0, description="median milliseconds for 32 rows")
    latency_ms_1000: float | None = Field(None, gt=0, description="median milliseconds for 1,000 rows")
    memory_mb: float | None = Field(None, gt=0, description="megabytes of memory to load it and predict")
    size_mb: float | None = Field(None, gt=0, description="megabytes on disk")
    load_seconds: float | None = Field(None, gt=0, description="seconds to load it from disk")
