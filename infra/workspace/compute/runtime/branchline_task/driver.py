"""Runs one Python file as Databricks does: no `__file__`, its own folder as working directory, parameters as argv."""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, TextIO

from . import bootstrap

MAX_ERROR = 10_000


def main() -> None:
    """`sys.argv[1]` is the path of the task's description, a JSON file that only this user can read."""
    description = json.loads(Path(sys.argv[1]).read_text())
    bootstrap.prepare_interpreter(description["interpreter"])
    run(description)


def run(description: Mapping[str, Any]) -> None:
    """Runs the file that `description` names and leaves the interpreter with its exit status.

    Keys used: `file`, `parameters`, `environment`, `widgets`, `task_values`, `values_file`, `result_file`.
    """
    _enter(description)
    status = 1
    try:
        status = _execute(Path(description["file"]), Path(description["result_file"]))
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    bootstrap.quick_exit.expect(status)
    raise SystemExit(status)


def _enter(description: Mapping[str, Any]) -> None:
    file = Path(description["file"])
    os.environ.clear()
    os.environ.update(description["environment"])
    os.chdir(file.parent)
    os.umask(0o077)
    sys.argv[:] = [str(file), *description["parameters"]]
    sys.path.insert(0, str(file.parent))
    sys.dont_write_bytecode = True
    # New streams, as a fork's old ones still believe that they stand on the zygote's own log file.
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)

    dbruntime = importlib.import_module("dbruntime")  # of the folder that prepare_interpreter added

    dbruntime.enter_task(
        widgets=description["widgets"],
        task_values=description["task_values"],
        values_file=Path(description["values_file"]),
    )


def _stream(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _execute(file: Path, result_file: Path) -> int:
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    try:
        code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 # running the task's own code is what this process is for
    except SystemExit as stop:
        status = _exit_status(stop)
        if status != 0:
            _report(result_file, f"SystemExit: {stop.code}", "")
        return status
    except BaseException as error:
        trace = _trace(error)
        sys.stderr.write(trace)
        _report(result_file, "".join(traceback.format_exception_only(error)).strip(), trace)
        return 1
    return 0


def _exit_status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)
    return 1


def _trace(error: BaseException) -> str:
    """The traceback from the task's own first line on."""
    own = Path(__file__).resolve()
    position: TracebackType | None = error.__traceback__
    while position is not None and Path(position.tb_frame.f_code.co_filename).resolve() == own:
        position = position.tb_next
    return "".join(traceback.format_exception(type(error), error, position))


def _report(result_file: Path, error: str, trace: str) -> None:
    body = json.dumps({"error": error[:MAX_ERROR], "error_trace": trace[-10 * MAX_ERROR :]})
    result_file.write_text(body)
