"""run.py under a runner as hostile as Databricks': no __file__, foreign working directory, its folder on sys.path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ml_code.conftest import CATALOG, ROOT, Place, Services

RUNNER = """
import json, sys
path, folder, argv = json.loads(sys.argv[1])
sys.path[:] = [folder, *[entry for entry in sys.path if entry not in ("", {root!r})]]
sys.argv = [path, *argv]
code = compile(open(path).read(), path, "exec")
scope = {{"__name__": "__main__"}}
assert "__file__" not in scope
exec(code, scope)
import platform
assert platform.python_version(), "the standard library's platform is hidden by ours"
"""


def run_hostile(
    argv: list[str], cwd: Path, environment: dict[str, str] | None = None, checkout: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    script = checkout / "ml_code" / "run.py"
    arguments = json.dumps([str(script), str(script.parent), argv])
    # -P and an own runner: neither the script's folder nor an installed copy of ours comes first.
    command = [sys.executable, "-P", "-c", RUNNER.format(root=str(ROOT)), arguments]
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=cwd, env=inherited | (environment or {}), capture_output=True, text=True, check=False, timeout=200
    )


def test_wrong_arguments_exit_with_2_and_one_line(tmp_path: Path) -> None:
    done = run_hostile(["hrob.fly"], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown step 'hrob.fly'")
    assert "Traceback" not in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "ml_code", tmp_path / "checkout" / "ml_code")
    return tmp_path / "checkout"


def test_a_step_runs_from_its_checkout(place: Place, services: Services, checkout: Path, tmp_path: Path) -> None:
    common = ["--environment", "dev", "--catalog", CATALOG, "--schema", place.schema, "--date", "2026-01-03"]
    landed = run_hostile(["hrob.land", *common, "--through", "2026-01-03"], tmp_path, services.environment, checkout)
    assert landed.returncode == 0, landed.stderr
    assert "3 files with" in landed.stdout
    ingested = run_hostile(["hrob.ingest", *common], tmp_path, services.environment, checkout)
    assert ingested.returncode == 0, ingested.stderr
    assert "births read from 3 files" in ingested.stdout


def test_a_bad_configuration_names_file_and_key(place: Place, services: Services, checkout: Path) -> None:
    configs = checkout / "ml_code/projects/hrob/configs.yml"
    configs.write_text(configs.read_text().replace("rounds: 150", "rounds: many"))
    common = ["--environment", "dev", "--catalog", CATALOG, "--schema", place.schema, "--date", "2026-01-03"]
    done = run_hostile(["hrob.ingest", *common], checkout, services.environment, checkout)
    assert done.returncode == 1
    assert "configs.yml (environment dev): search.rounds: should be a valid integer" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unexpected_error_is_short_with_the_traceback_in_the_log(checkout: Path, services: Services) -> None:
    ingest = checkout / "ml_code/projects/hrob/ingest.py"
    ingest.write_text("def run(context, **_):\n    raise ValueError('it broke\\nand more')\n")
    common = ["--environment", "dev", "--catalog", CATALOG, "--schema", "x", "--date", "2026-01-03"]
    done = run_hostile(["hrob.ingest", *common], checkout, services.environment, checkout)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: hrob.ingest: ValueError: it broke"
    assert "Traceback" in done.stderr
