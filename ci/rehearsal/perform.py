"""The process that rehearses: started by `rehearse` with an environment that holds no secret."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from ci.errors import Trouble
from ci.rehearsal.request import ANSWER, REQUEST, Answer, Progress, Request
from ci.rehearsal.stage import Stage
from ci.rehearsal.steps import Steps
from infra.workspace import launch


def main() -> int:
    """Reads the request in the folder named on the command line, rehearses, and leaves the answer there."""
    folder = Path(sys.argv[1])
    request = Request.model_validate_json((folder / REQUEST).read_text(encoding="utf-8"))
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    steps = Steps(folder / "logs", _announce)
    try:
        answer = Answer(rehearsal=Stage(request, steps).play())
    except (Trouble, launch.LaunchError) as error:
        answer = Answer(trouble=str(error))
    except SystemExit:
        launch.stop(request.workspace)
        shutil.rmtree(folder, ignore_errors=True)  # who asked may be gone, and with it who would have done this
        raise
    (folder / ANSWER).write_text(answer.model_dump_json(), encoding="utf-8")
    return 0


def _announce(progress: Progress) -> None:
    with contextlib.suppress(BrokenPipeError):  # who listened is gone: the end of the other pipe says so
        print(progress.model_dump_json(), flush=True)


def _end_with_the_caller() -> None:
    """The caller holds the other end of this pipe as long as it lives and waits."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends what this process has started in its own group, Terraform first of all; then goes by way of `finally`."""
    signal.signal(number, signal.SIG_IGN)
    os.killpg(os.getpgrp(), number)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
