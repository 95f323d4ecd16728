"""feature_mappings.yml: which features there are, in which groups, from what they are computed and what they mean."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ml_code.platform.configuration import Section, parse, read_yaml


class Feature(Section):
    """One feature: a Spark SQL expression over the source table, and what it means in words.

    `low` and `high` span the values that can occur; synthetic examples are drawn from them, never from data.
    """

    words: str
    expression: str
    low: float
    high: float
    type: Literal["double", "float", "int", "bigint"] = "double"
    sensitive: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "Feature":
        if self.low >= self.high:
            raise ValueError(f"low must be less than high ({self.low:g} and {self.high:g})")
        return self


class Group(Section):
    """Features that are kept or dropped together."""

    description: str
    features: dict[str, Feature] = Field(min_length=1)


class Mappings(Section):
    """The whole file."""

    primary_key: str
    day: str
    description: str
    groups: dict[str, Group] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "Mappings":
        seen = {self.primary_key: "primary_key", self.day: "day"}
        for group, content in self.groups.items():
            for name in content.features:
                if name in seen:
                    raise ValueError(f"feature {name} of group {group} is there already, in {seen[name]}")
                seen[name] = group
        if clash := sorted(set(seen) & set(self.groups)):
            raise ValueError(f"{', '.join(clash)} names both a group and a feature")
        return self

    @property
    def features(self) -> dict[str, Feature]:
        """All features by name, in the order of the file."""
        return {name: feature for group in self.groups.values() for name, feature in group.features.items()}


def read_mappings(path: Path) -> Mappings:
    """The typed file. Raises ConfigurationError."""
    return parse(Mappings, read_yaml(path), path.name)
