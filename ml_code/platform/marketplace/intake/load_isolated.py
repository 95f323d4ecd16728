"""Loads a model to see whether it does; run by path in a process of its own, never imported by the check.

Reads what to do from stdin and writes what came of it to the file that it is told.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/os-release"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/sys/devices/system"),
    *("/sys/fs/cgroup", "/dev/urandom", "/dev/random"),
)


def main() -> None:
    """One request, one answer."""
    request = json.load(sys.stdin)
    answer = Path(request["answer"])
    sys.path.insert(0, request["root"])
    from ml_code.platform.marketplace.intake.isolation import lock_down

    guards = lock_down(
        [*_SYSTEM, sys.prefix, sys.base_prefix, *sys.path, request["folder"]],
        [request["scratch"], "/dev/null"],
        request["memory"],
        request["seconds"],
    )
    answer.write_text(json.dumps({"state": "failed", "told": "it ended without an answer", "guards": guards}))
    began = time.monotonic()
    if request["executable"] and "network" not in guards:
        told = "a pickle is only loaded where its process can be shut in: check it on Linux"
        result: dict[str, Any] = {"state": "failed", "told": told}
    else:
        result = _try(Path(request["folder"]), tuple(request["flavors"]))
    result |= {"guards": guards, "seconds": round(time.monotonic() - began, 2)}
    answer.write_text(json.dumps(result))


def _try(folder: Path, flavors: tuple[str, ...]) -> dict[str, Any]:
    try:
        state, told = _load(folder, flavors)
    except MemoryError:
        state, told = "failed", "it takes more memory than it may"
    except Exception as error:  # whatever the model makes its library raise
        state, told = "failed", f"{type(error).__name__}: {str(error).strip()[:500]}"
    return {"state": state, "told": told}


def _load(folder: Path, flavors: tuple[str, ...]) -> tuple[str, str]:
    from importlib.util import find_spec

    if "transformers" in flavors and not find_spec("transformers"):
        read = _read_tensors(folder)
        if read:
            return "loaded", f"layout of {read} tensors is whole; no pipeline: transformers is not installed here"
        return "skipped", "transformers is not installed here"
    import mlflow

    model = mlflow.pyfunc.load_model(str(folder))
    schema = model.metadata.get_input_schema()
    if schema is None or not schema.has_input_names() or "transformers" in flavors:
        return "loaded", "it loads"
    model.predict(_row(schema))
    return "loaded", "it loads and answers a row of its signature"


def _row(schema: Any) -> Any:
    """A row of nothing in particular: zeros, and a word where text is taken."""
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    for column in schema.inputs:
        kind = column.type.to_numpy() if hasattr(column.type, "to_numpy") else np.dtype(object)
        columns[column.name] = pd.Series(["text"]) if kind == np.dtype(object) else pd.Series(np.zeros(1, kind))
    return pd.DataFrame(columns)


def _read_tensors(folder: Path) -> int:
    from safetensors import safe_open

    read = 0
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, framework="numpy") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a mapping
                tensors.get_slice(name).get_shape()
                read += 1
    return read


if __name__ == "__main__":
    main()
