"""Engines and task processes: they start, they answer, and they end with whoever started them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.workspace.compute.engine import start_engine
from infra.workspace.compute.launcher import Launcher, interpreter
from infra.workspace.compute.processes import ProcessRegistry
from infra.workspace.gateway.errors import Unavailable
from infra.workspace.process_identity import start_time
from infra.workspace.store.database import Store


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 15
    while start_time(pid) is not None:
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_an_engine_answers_spark_and_imports_the_checkouts_code(tmp_path: Path) -> None:
    (tmp_path / "branch_code.py").write_text("def double(number):\n    return 2 * number\n")
    registry = ProcessRegistry(Store(tmp_path / "db"))
    engine = start_engine(registry, tmp_path, tmp_path / "engine.log", {}, paths=[tmp_path])
    script = """
import sys
sys.path.insert(0, sys.argv[2])
from branch_code import double
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
print([row[0] for row in spark.range(3).select(udf(double, "long")("id")).collect()])
"""
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, engine.remote, str(tmp_path)], capture_output=True, text=True, check=True
        )
    finally:
        engine.stop()
    assert done.stdout.strip() == "[0, 2, 4]"
    assert not engine.alive
    assert registry.end_orphans() == 0


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not start"):
        start_engine(
            ProcessRegistry(Store(tmp_path / "db")), tmp_path, tmp_path / "log", {"SAIL_CATALOG__LIST": "nonsense"}
        )


@pytest.mark.faults
def test_an_engine_ends_when_its_workspace_is_killed(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from infra.workspace.compute.engine import start_engine
from infra.workspace.compute.processes import ProcessRegistry
from infra.workspace.store.database import Store
folder = Path(sys.argv[1])
engine = start_engine(ProcessRegistry(Store(folder / "db")), folder, folder / "log", {})
print(engine.process.pid, flush=True)
time.sleep(600)
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[4], stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert start_time(pid) is not None
    owner.kill()
    owner.wait()
    wait_until_gone(pid)


def description(folder: Path, code: str) -> Path:
    (folder / "run.py").write_text(code)
    file = folder / "task.json"
    body = {
        "interpreter": interpreter(),
        "file": str(folder / "run.py"),
        "parameters": [],
        "environment": {},
        "widgets": {},
        "task_values": {},
        "values_file": str(folder / "values.json"),
        "result_file": str(folder / "result.json"),
    }
    file.write_text(json.dumps(body))
    return file


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1), ("import os; os.kill(os.getpid(), 9)", -9), ("x = (", 1)],
)
def test_exit_statuses(tmp_path: Path, code: str, status: int, fresh: bool) -> None:
    launcher = Launcher(tmp_path)
    try:
        with (tmp_path / "log").open("wb") as log:
            process = launcher.start(description(tmp_path, code), log.fileno(), "m", fresh)
            assert process.wait(30) == status
    finally:
        launcher.close()


def test_exit_handlers_run_and_warm_packages_are_not_random_twins(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path)
    code = "import atexit, sys\nwarm = 'numpy' in sys.modules\nimport numpy\nprint(warm, numpy.random.rand())\n"
    code += "atexit.register(print, 'bye')"
    outputs = []
    try:
        launcher.warm(["numpy"])
        for _ in range(2):
            with (tmp_path / "log").open("wb") as log:
                process = launcher.start(description(tmp_path, code), log.fileno(), "m")
                assert process.wait(60) == 0
            outputs.append((tmp_path / "log").read_text().split())
    finally:
        launcher.close()
    assert [(warm, bye) for warm, _, bye in outputs] == [(str(sys.platform == "linux"), "bye")] * 2
    assert outputs[0][1] != outputs[1][1]


def test_another_process_with_an_old_id_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    registry = ProcessRegistry(store)
    with store.write() as tx:
        tx.execute("INSERT INTO processes VALUES (?, ?, ?)", (os.getpid(), "another start", "marker"))
    assert registry.end_orphans() == 0
    assert store.rows("SELECT * FROM processes") == []
