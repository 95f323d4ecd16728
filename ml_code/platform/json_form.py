"""Values as JSON can hold them: numbers that JSON does not know (NaN, infinities) become null."""

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any


def json_form(value: Any) -> Any:
    """Dataclasses and mappings as dicts with text keys, sequences as lists, undefined numbers as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return json_form(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): json_form(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_form(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
