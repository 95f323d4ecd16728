"""How an environment watches its models: windows, slices, how long rows are kept, and the alert rules."""

from typing import Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Strict, Text
from infra.settings.rules import AlertRule, Granularity


class Monitoring(Strict):
    """What the monitoring job does, and what its quality monitor is told."""

    engine: Literal["quality_monitor", "job"] = Field(
        "quality_monitor",
        description="who computes profile and drift: the workspace's quality monitor, or a task of the monitoring job",
    )
    granularities: tuple[Granularity, ...] = Field(("1 day", "1 week"), min_length=1, description="lengths of windows")
    slices: tuple[Text, ...] = Field(
        ("age_group",), description="slicing expressions: columns of the inference log, or conditions on them"
    )
    horizon_days: int = Field(130, ge=1, description="days after a prediction in which its label may come")
    retention_days: int = Field(730, ge=1, description="days for which predictions and attributions are kept")
    payload_table: str | None = Field(
        None,
        pattern=r"^\w+(\.\w+){2}$",
        description="inference table of a serving endpoint, catalog.schema.table; null: there is none",
    )
    embed_credentials: bool = Field(
        False, description="true: who may open the dashboard sees its numbers without rights on the tables"
    )
    rules: tuple[AlertRule, ...] = Field((), description="alert rules")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Rules look at windows and slices that are computed, and at rows that are still there."""
        if self.retention_days < self.horizon_days:
            raise ValueError(
                f"retention_days: expected at least horizon_days ({self.horizon_days}), found {self.retention_days}:"
                " a prediction would be gone before its label comes"
            )
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rules: two have the name {', '.join(twice)}")
        for rule in self.rules:
            if rule.granularity not in self.granularities:
                known = ", ".join(self.granularities)
                raise ValueError(
                    f"rules: {rule.name} looks at windows of {rule.granularity}; granularities are {known}"
                )
            if rule.slice and rule.slice not in self.slices:
                raise ValueError(f"rules: {rule.name} looks at slice '{rule.slice}', which is not among slices")
        return self
