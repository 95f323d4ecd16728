"""The way to jsii's kernel, the Node process in which the library really runs, made shorter (ADR 12).

Nothing of what is synthesized changes by it; where jsii comes to look different, its own way is taken.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PRELOAD = Path(__file__).with_name("preload.cjs")


@contextmanager
def preloaded() -> Iterator[None]:
    """A kernel that starts inside loads `preload.cjs`; no other Node is meant, so the variable goes back."""
    before = os.environ.get("NODE_OPTIONS")
    os.environ["NODE_OPTIONS"] = f'{before or ""} --preserve-symlinks --require="{PRELOAD.as_posix()}"'.strip()
    try:
        yield
    finally:
        if before is None:
            del os.environ["NODE_OPTIONS"]
        else:
            os.environ["NODE_OPTIONS"] = before


def send_what_is_set() -> None:
    """Has jsii read a struct's values where they lie.

    By itself it asks each of a struct's properties, set or not, and each of these builds the type that it returns,
    only to name it: more than half of what a job cost Python.
    """
    from jsii import _kernel

    name = "_make_reference_for_native"
    whole = getattr(_kernel, name, None)
    if whole is None or hasattr(whole, "__wrapped__"):
        return

    @functools.wraps(whole)
    def short(kernel: Any, value: Any) -> Any:
        # Not inherited: a class of one's own may have overridden a property.
        names = vars(type(value)).get("__jsii_name_mapping__")
        values = getattr(value, "_values", None)
        if names is None or not isinstance(values, dict) or not values.keys() <= names.keys():
            return whole(kernel, value)
        data = {names[key]: short(kernel, each) for key, each in values.items()}
        return {"$jsii.struct": {"fqn": value.__jsii_type__, "data": data}}

    setattr(_kernel, name, short)
