"""The training job's steps one after the other in one process, for the benchmark `pipeline`.

Arguments: the checkout, then the job's parameters as JSON. Task values are kept in memory in place of the
run's, so that `promote` takes the verdict of `validate` as it does in the job.
"""

from __future__ import annotations

import json
import sys
from typing import Any

STEPS = ("hrob.ingest", "hrob.features", "hrob.train", "hrob.validate", "hrob.promote")


def main(root: str, parameters: dict[str, str]) -> None:
    sys.path.insert(0, root)
    from ml_code.context import Context
    from ml_code.platform.steps import read_manifest

    told: dict[str, Any] = {}

    class InOneProcess(Context):
        def set_task_value(self, key: str, value: Any) -> None:
            told[key] = value

        def task_value(self, task: str, key: str) -> Any:
            return told.get(key)

    manifest = read_manifest(root)
    for name in STEPS:
        takes = manifest.steps[name].parameters
        arguments = [text for key, value in parameters.items() if key in takes for text in (f"--{key}", value)]
        step, values = manifest.parse([name, *arguments])
        step.call(InOneProcess.from_parameters(name, root, values), values)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
