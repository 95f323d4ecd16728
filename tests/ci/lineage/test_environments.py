from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.lineage.environments import differences, environment_for, installed
from tests.support.clone import ROOT

UV = ROOT / ".bootstrap/bin/uv"
PROJECT = """
[project]
name = "some-project"
version = "1"
requires-python = ">=3.11"
dependencies = [{dependencies}]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.uv.sources]
nothing-at-all = {{ path = "nothing", package = false }}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone as far as environments go: with the uv of its set-up."""
    if not UV.exists():
        pytest.skip("uv is not set up: make setup")
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone/.bootstrap").symlink_to(UV.parents[1])
    return tmp_path / "clone"


def checkout_with(folder: Path, *dependencies: str) -> Path:
    """A project whose lock uv made without a network."""
    (folder / "nothing").mkdir(parents=True)
    (folder / "nothing/pyproject.toml").write_text('[project]\nname = "nothing-at-all"\nversion = "1"\n')
    listed = ", ".join(f'"{each}"' for each in dependencies)
    (folder / "pyproject.toml").write_text(PROJECT.format(dependencies=listed))
    subprocess.run([str(UV), "lock", "--offline", "--quiet", "--python", sys.executable], cwd=folder, check=True)
    return folder


def test_this_environment_is_the_one_of_this_projects_lock() -> None:
    made = environment_for(ROOT)
    assert made.python == Path(sys.executable)
    assert made.told.startswith("this one")


def test_another_version_and_an_absent_requirement_are_differences() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = installed()
    assert differences(lock, packages) == []
    without = {name: version for name, version in packages.items() if name != "typer"}
    assert differences(lock, {**without, "mlflow": "1.0"}) == [
        f"mlflow 1.0, locked {packages['mlflow']}",
        "typer is not installed",
    ]
    assert differences(lock, {**packages, "something-of-mine": "1"}) == []


def test_an_environment_is_made_once_for_another_lock(tmp_path: Path, root: Path) -> None:
    checkout = checkout_with(tmp_path / "checkout", "nothing-at-all")
    made = environment_for(checkout, root)
    assert "nothing-at-all is not installed" in made.told
    assert made.python.is_relative_to(root / ".branchline/environments")
    code = "import sys, importlib.util as u; print(sys.prefix, u.find_spec('numpy'))"
    said = subprocess.run([str(made.python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(made.python.parents[1]), "None"]
    before = made.python.parents[1].stat().st_mtime_ns
    assert environment_for(checkout, root) == made
    assert made.python.parents[1].stat().st_mtime_ns == before


def test_a_lock_that_cannot_be_installed_is_said_in_uvs_words(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = checkout_with(tmp_path / "checkout", "nothing-at-all")
    (checkout / "pyproject.toml").write_text((checkout / "pyproject.toml").read_text().replace('"1"', '"2"'))
    with pytest.raises(Trouble, match=r"uv could not install the commit's uv\.lock .*lock"):
        environment_for(checkout, root)
    assert not list((root / ".branchline/environments").glob("*"))
    with pytest.raises(Trouble, match=r"the commit has no uv\.lock"):
        environment_for(tmp_path, root)
