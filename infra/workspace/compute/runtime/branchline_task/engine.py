"""Starts Sail's Spark Connect server with the checkout of one run on its import path."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from . import bootstrap


def main() -> None:
    """`sys.argv[1]` is the path of the engine's description: `interpreter`, `paths`, `folder`."""
    description = json.loads(Path(sys.argv[1]).read_text())
    bootstrap.prepare_interpreter(description["interpreter"])
    sys.path[:0] = description["paths"]
    sys.dont_write_bytecode = True
    os.chdir(description["folder"])
    threading.Thread(target=_end_with_the_workspace, daemon=True).start()

    from pysail import _native

    _native.main(["sail", "spark", "server", "--ip", "127.0.0.1", "--port", "0"])


def _end_with_the_workspace() -> None:
    """Standard input is a pipe that the workspace holds: it ends when the workspace does, however that came."""
    while os.read(0, 1024):
        continue
    os._exit(0)
