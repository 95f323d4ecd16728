"""What makes a synthesis quick beside the lazy provider package: kept bytecode, and Node starting meanwhile."""

import sys
import threading
from pathlib import Path

MODULES = ("provider", "job")
"""The generated modules that every stack needs; `job` is by far the largest."""


def keep_bytecode(folder: Path) -> None:
    """Keeps compiled modules in `folder` where Python was told not to write them beside the sources.

    Compiling the generated classes takes longer than all else in a synthesis, and they change with their version only.
    """
    if sys.dont_write_bytecode:
        sys.pycache_prefix, sys.dont_write_bytecode = str(folder), False


def load_library() -> threading.Thread:
    """Loads the library and its Node process in the background; join the thread before the process ends."""
    thread = threading.Thread(target=_load, name="load-cdk")
    thread.start()
    return thread


def _load() -> None:
    from infra.synth.library import provider  # imported here: the import is the work

    for module in MODULES:
        provider(module)
