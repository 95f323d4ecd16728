"""Work of several calls that a broken connection cut short: what is half made goes, and it is begun anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ml_code.platform.marketplace.registry.http import Refused, Unreachable

_ATTEMPTS = 4
_PAUSE = 0.5
"""Seconds before the second attempt; doubles."""

_MET = "BAD_REQUEST"

Made = TypeVar("Made")


def again(make: Callable[[], Made], clear: Callable[[], object]) -> Made:
    """What `make` makes; where the server broke off, `clear` removes what is there of it. Raises the last error."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return make()
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and not is_passing(error):
                raise
            time.sleep(_PAUSE * 2 ** (attempt - 1))
            clear()
    return make()


def is_passing(error: Refused) -> bool:
    """Whether the server may say otherwise next time.

    MLflow answers 400 BAD_REQUEST where two calls met in its database, as two runs with the same dataset do.
    """
    return error.status >= 500 or error.code == _MET
