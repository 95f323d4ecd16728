"""Takes secrets' values out of text before anyone reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

REDACTED: Final = "[REDACTED]"
# A line of a longer secret is hidden too (logs come line by line), unless it is so short that it says nothing.
_LEAST_LINE = 8

Redactor = Callable[[str], str]


def redactor(values: Iterable[str]) -> Redactor:
    """Replaces each value, the longest first, and each longer line of values that have several."""
    hidden: set[str] = set()
    for value in values:
        stripped = value.strip()
        if stripped:
            hidden.add(stripped)
        lines = [line.strip() for line in stripped.splitlines()]
        if len(lines) > 1:
            hidden.update(line for line in lines if len(line) >= _LEAST_LINE)
    if not hidden:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(value) for value in sorted(hidden, key=len, reverse=True)))
    return lambda text: pattern.sub(REDACTED, text)
