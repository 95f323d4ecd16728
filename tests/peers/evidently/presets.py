"""Run by evidently's interpreter: a preset on Parquet files, timed from reading them to its result as a dict.

presets.py drift <present> <baseline> <answer>: DataDriftPreset; the answer has each column's measure.
presets.py summary <table>: DataSummaryPreset, and pandas' hash of the rows, added up.
"""

import json
import re
import sys
import time

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset


def main() -> None:
    """The last line printed is the seconds and the peak memory."""
    started = time.perf_counter()
    answer = drift(*sys.argv[2:4]) if sys.argv[1] == "drift" else summary(sys.argv[2])
    seconds = time.perf_counter() - started
    if sys.argv[1] == "drift":
        with open(sys.argv[4], "w") as file:  # noqa: PTH123
            json.dump(answer, file)
    print(json.dumps({"seconds": seconds, "peak_gb": peak_gb()}))


def drift(present: str, baseline: str) -> dict[str, list]:
    """Method and value by column."""
    now, before = pd.read_parquet(present), pd.read_parquet(baseline)
    run = Report([DataDriftPreset()]).run(dataset(now), dataset(before))
    measured = [metric for metric in run.dict()["metrics"] if "column" in metric["config"]]
    return {each["config"]["column"]: [each["config"]["method"], float(each["value"])] for each in measured}


def summary(path: str) -> dict[str, int]:
    """Rows and the sum of their hashes."""
    table = pd.read_parquet(path)
    Report([DataSummaryPreset()]).run(dataset(table), None).dict()
    return {"rows": len(table), "hash": int(pd.util.hash_pandas_object(table, index=False).to_numpy().sum())}


def dataset(table: pd.DataFrame) -> Dataset:
    """Columns by the kind that their names tell."""
    numbers, texts = ([name for name in table.columns if name[0] == letter] for letter in "nc")
    return Dataset.from_pandas(table, DataDefinition(numerical_columns=numbers, categorical_columns=texts))


def peak_gb() -> float:
    """The kernel's high-water mark of this process's resident memory."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    return round(int(found[1]) * 1024 / 1e9, 3) if found else 0.0


if __name__ == "__main__":
    main()
