"""Run by the peer's interpreter: its bulk export of all models or its bulk import, with threads.

run.py export|import <tracking uri> <folder>

Another release's sources may stand before the installed one on PYTHONPATH.
"""

import contextlib
import json
import logging
import re
import sys
import time
import warnings
from pathlib import Path

import mlflow


def main() -> None:
    """The last line of standard output is JSON: seconds and peak memory. What the peer prints goes to the other one."""
    what, uri, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    logging.basicConfig(stream=sys.stderr)
    mlflow.set_tracking_uri(uri)
    with contextlib.redirect_stdout(sys.stderr):
        work = _export if what == "export" else _import
        call = work(folder)
        started = time.perf_counter()
        call()
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_gb": round(_peak_gb(), 3)}))


def _export(folder):
    _mend()
    from mlflow_export_import.bulk import export_models

    # As its command line has them: the function's own default for stages is a stage that no version is in.
    options = {"model_names": "all", "output_dir": folder, "stages": None, "use_threads": True}
    return lambda: export_models.export_models(**_client(export_models.export_models), **options)


def _import(folder):
    from mlflow_export_import.bulk import import_models

    call = getattr(import_models, "import_models", None) or import_models.import_all
    return lambda: call(**_client(call), input_dir=folder, delete_model=False, use_threads=True)


def _client(call):
    """The client, by the name that this release gives it."""
    name = "client" if call.__code__.co_varnames[0] == "client" else "mlflow_client"
    return {name: mlflow.MlflowClient()}


def _mend() -> None:
    """Sources of December 2025 ask for an option by a name that it does not have; their commands cannot start."""
    from mlflow_export_import.common import click_options

    if hasattr(click_options, "opt_until") and not hasattr(click_options, "opt_runs_until"):
        click_options.opt_runs_until = click_options.opt_until


def _peak_gb() -> float:
    # Not getrusage: that begins with the peak of the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 / 1e9 if found else 0.0


if __name__ == "__main__":
    main()
