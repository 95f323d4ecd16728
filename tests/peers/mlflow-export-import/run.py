"""Run by the peer's interpreter: its bulk export of all models or its bulk import, with threads.

run.py export|import <tracking uri> <folder>
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
        started, worked = time.perf_counter(), time.process_time()
        call()
        took = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - worked}
    print(json.dumps({**took, "peak_gb": round(_peak_gb(), 3)}))


def _export(folder):
    from mlflow_export_import.bulk import export_models

    # As its command line has them: the function's own default for stages is a stage that no version is in.
    options = {"model_names": "all", "output_dir": folder, "stages": None, "use_threads": True}
    return lambda: export_models.export_models(mlflow.MlflowClient(), **options)


def _import(folder):
    from mlflow_export_import.bulk import import_models

    return lambda: import_models.import_all(mlflow.MlflowClient(), folder, delete_model=False, use_threads=True)


def _peak_gb() -> float:
    # Not getrusage: that begins with the peak of the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 / 1e9 if found else 0.0


if __name__ == "__main__":
    main()
