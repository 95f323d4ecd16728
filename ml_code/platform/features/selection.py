"""feature_selection_config.yml: which groups and features a model uses, and what stands in for missing values."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ml_code.platform.configuration import Section, parse, read_yaml
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.features.mappings import Mappings

Method = Literal["none", "median", "mean", "most_frequent", "constant"]


class Imputation(Section):
    """What stands in for a missing value; `none` leaves it to the model (LightGBM has its own way with them)."""

    method: Method
    value: float | None = None

    @model_validator(mode="after")
    def _value_with_constant(self) -> "Imputation":
        if (self.method == "constant") != (self.value is not None):
            raise ValueError("expected a value with the method constant, and only with it")
        return self


class SelectionFile(Section):
    """The whole file. Names are of groups or of single features; a single feature outranks its group."""

    keep: tuple[str, ...] = Field(min_length=1)
    drop: tuple[str, ...] = ()
    imputation: dict[str, Imputation] = Field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """The features that a model uses, in the mappings' order, with their imputation."""

    features: tuple[str, ...]
    imputation: dict[str, Imputation]

    def as_dict(self) -> dict[str, Any]:
        """For a run's parameters and artifacts."""
        methods = {name: imputation.model_dump(exclude_none=True) for name, imputation in self.imputation.items()}
        return {"features": list(self.features), "imputation": methods}


def select(mappings: Mappings, file: SelectionFile, name: str = "feature_selection_config.yml") -> Selection:
    """Resolve the lists: a feature named itself is decided by that, else its group is; what nobody keeps is out.

    Raises ConfigurationError: an unknown name, a name both kept and dropped, nothing left.
    """
    _known(mappings, file.keep, f"{name}: keep")
    _known(mappings, file.drop, f"{name}: drop")
    _known(mappings, (key for key in file.imputation if key != "default"), f"{name}: imputation")
    if both := sorted(set(file.keep) & set(file.drop)):
        raise ConfigurationError(f"{name}: {', '.join(both)} is both in keep and in drop")
    default = file.imputation.get("default", Imputation(method="none"))
    chosen: dict[str, Imputation] = {}
    for group, content in mappings.groups.items():
        for feature in content.features:
            named = feature if feature in file.keep or feature in file.drop else group
            if named in file.keep and named not in file.drop:
                by_group = file.imputation.get(group, default)
                chosen[feature] = file.imputation.get(feature, by_group)
    if not chosen:
        raise ConfigurationError(f"{name}: keep and drop leave no feature")
    return Selection(tuple(chosen), chosen)


def read_selection(path: Path, mappings: Mappings) -> Selection:
    """The resolved file. Raises ConfigurationError."""
    return select(mappings, parse(SelectionFile, read_yaml(path), path.name), path.name)


def _known(mappings: Mappings, names: Iterable[str], where: str) -> None:
    known = [*mappings.groups, *mappings.features]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where}: {name} is neither a group nor a feature of feature_mappings.yml")
