"""Starts Sail's Spark Connect server with the checkout of one run on its import path."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from . import bootstrap


def main() -> None:
    """`sys.argv[1]` is the path of the engine's description: `interpreter`, `paths`, `folder`."""
    description = json.loads(Path(sys.argv[1]).read_text())
    bootstrap.prepare_interpreter(description["interpreter"])
    sys.path[:0] = description["paths"]
    sys.dont_write_bytecode = True
    os.chdir(description["folder"])

    from pysail import _native

    _native.main(["sail", "spark", "server", "--ip", "127.0.0.1", "--port", "0"])
