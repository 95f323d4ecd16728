"""What a trail may be asked for, as people write it: one prediction row, or one model version."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ci.errors import Trouble
from infra.settings import Settings

PREDICTION_FORM = "<environment>:<key>=<value>[,…][@<day>] or <catalog>.<schema>.<table>/<key>=<value>[,…][@<day>]"
MODEL_FORM = "<environment> or <catalog>.<schema>.<model>, then @<alias> or /<version>"
PREDICTIONS = "predictions"
DAY = "date"
CHAMPION = "champion"

_NAME = r"[\w-]+\.[\w-]+\.[\w-]+"


@dataclass(frozen=True)
class PredictionRow:
    """One row of a table of predictions: what its columns must be."""

    table: str
    where: dict[str, str]

    @property
    def conditions(self) -> str:
        """As people write it."""
        return ",".join(f"{name}={value}" for name, value in self.where.items())


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model, by number or by alias."""

    model: str
    version: int | None
    alias: str | None


def parse(text: str, settings_of: Callable[[str], Settings]) -> PredictionRow | ModelVersion:
    """A prediction is what has an equals sign; `settings_of` knows environments by name. Raises Trouble."""
    return parse_prediction(text, settings_of) if "=" in text else _parse_model(text, settings_of)


def parse_prediction(text: str, settings_of: Callable[[str], Settings]) -> PredictionRow:
    """Raises Trouble that says how a prediction is written."""
    found = re.fullmatch(rf"(?:(?P<table>{_NAME})/|(?P<environment>[\w-]+):)(?P<where>[^@]+)(?:@(?P<day>.+))?", text)
    if found is None:
        raise Trouble(f"{text!r} names no prediction: expected {PREDICTION_FORM}")
    where: dict[str, str] = {}
    for pair in [*found["where"].split(","), *([f"{DAY}={found['day']}"] if found["day"] else [])]:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise Trouble(f"{text!r}: {pair!r} is not <key>=<value>; expected {PREDICTION_FORM}")
        if name in where:
            raise Trouble(f"{text!r} names {name} twice")
        where[name] = value
    return PredictionRow(found["table"] or f"{settings_of(found['environment']).schema_full_name}.{PREDICTIONS}", where)


def _parse_model(text: str, settings_of: Callable[[str], Settings]) -> ModelVersion:
    found = re.fullmatch(
        rf"(?:(?P<model>{_NAME})|(?P<environment>[\w-]+))(?:@(?P<alias>[\w-]+)|/(?P<version>[0-9]+))?", text
    )
    if found is None:
        raise Trouble(f"{text!r} names neither a prediction ({PREDICTION_FORM}) nor a model version ({MODEL_FORM})")
    model = found["model"] or settings_of(found["environment"]).model_full_name
    if found["version"]:
        return ModelVersion(model, int(found["version"]), None)
    return ModelVersion(model, None, found["alias"] or CHAMPION)
