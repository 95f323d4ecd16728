"""Synthesized stacks, and clones to synthesize feature branches from."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.settings.loader import FOLDER, REPOSITORY
from stacks.compose import compose
from stacks.plan import plan

Stacks = dict[str, dict[str, Any]]
Synthesize = Callable[..., Stacks]

ML_CODE = REPOSITORY / "ml_code"


def git(clone: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {"GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z"}
    command = ["git", "-C", str(clone), *arguments]
    done = subprocess.run(command, env={**os.environ, **who, **when}, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def pristine_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with steps and tables on main, dev, release, feature/x and feature/y; main is checked out."""
    path = tmp_path_factory.mktemp("clone")
    (path / "ml_code").mkdir()
    for file in ("steps.yaml", "tables.yaml"):
        shutil.copy(ML_CODE / file, path / "ml_code" / file)
    git(path, "init", "--quiet", "--initial-branch", "main")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "first")
    for branch in ("dev", "release", "feature/x", "feature/y"):
        git(path, "branch", branch)
    return path


@pytest.fixture
def clone(pristine_clone: Path, tmp_path: Path) -> Path:
    """The same, for one test to change."""
    shutil.copytree(pristine_clone, tmp_path / "clone")
    return tmp_path / "clone"


def synthesize(outdir: Path, repository: Path, folder: Path = FOLDER, **variables: str) -> Stacks:
    """Every stack by its name, as Terraform would read it."""
    compose(plan(folder=folder, repository=repository, variables=variables), outdir, root=repository).synth()
    return {p.parent.name: json.loads(p.read_text()) for p in (outdir / "stacks").glob("*/cdk.tf.json")}


@pytest.fixture(scope="session")
def stacks(pristine_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """All stacks of all environments."""
    return synthesize(tmp_path_factory.mktemp("out"), pristine_clone)


@pytest.fixture
def synthesized(tmp_path: Path) -> Synthesize:
    """Synthesizes a clone with the given variables; each call for itself."""

    def run(repository: Path, folder: Path = FOLDER, **variables: str) -> Stacks:
        outdir = tmp_path / f"out-{len(list(tmp_path.glob('out-*')))}"
        outdir.mkdir()
        return synthesize(outdir, repository, folder, **variables)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the settings, for a test to change."""
    target = tmp_path / "settings"
    target.mkdir()
    for file in FOLDER.glob("*.yaml"):
        shutil.copy(file, target)
    return target
