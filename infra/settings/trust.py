"""When data is trained on, and which versions are promoted: limits beside the floor and the threshold."""

from typing import Any, Literal

from pydantic import Field

from infra.settings.base import Strict


class Limits(Strict):
    """Limits that a step is given as JSON; what is null is not tested, or keeps the step's own default."""

    def as_parameter(self) -> dict[str, Any]:
        """Those that are set."""
        return self.model_dump(mode="json", exclude_none=True)


class DataLimits(Limits):
    """How far a training set may differ from the last one before it is no longer trusted."""


class DataGate(Strict):
    """What happens before a training, by the training set and the last one."""

    when_unchanged: Literal["train", "skip"] = Field(
        "skip", description="where neither data nor code changed: train all the same, or skip"
    )
    limits: DataLimits = Field(DataLimits(), description="beyond these the training stops; null: the gate's own default")


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


class ModelLimits(Limits):
    """What a version may cost where it is used, as its model profile measures it."""
