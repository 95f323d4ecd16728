"""Compiled modules, kept: without them each synthesis compiles the generated classes anew, for longer than it works."""

import sys
from pathlib import Path


def keep_bytecode(folder: Path) -> None:
    """Keeps compiled modules in `folder` where Python was told not to write them beside the sources."""
    if sys.dont_write_bytecode:
        sys.pycache_prefix, sys.dont_write_bytecode = str(folder), False
