"""Limits that settings hand to a step as JSON text."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from ml_code.platform.errors import StepError


def read_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object in a parameter. Raises StepError naming the parameter."""
    try:
        raw = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise StepError(f"{where}: not valid JSON ({error.msg}, character {error.pos}): {text[:80]!r}") from None
    if not isinstance(raw, dict):
        raise StepError(f"{where}: expected a JSON object, found {type(raw).__name__}")
    return raw


def numbers(raw: Mapping[str, Any], known: Collection[str], where: str) -> dict[str, float]:
    """The limits by name. Raises StepError for an unknown name and for what is no number from 0 on."""
    if unknown := sorted(set(raw) - set(known)):
        raise StepError(f"{where}: unknown {', '.join(unknown)}; expected some of {', '.join(known)}")
    for name, value in raw.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise StepError(f"{where}.{name}: expected a number from 0 on, found {value!r}")
    return {name: float(value) for name, value in raw.items()}
