"""The Python packages that a commit is locked to: this environment if it has them, else one made for that lock."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from ci.errors import Trouble
from ci.repository import ROOT

LOCK = "uv.lock"
_DONE = ".complete"
_PATIENCE_SECONDS = 1800
_SHOWN = 4


@dataclass(frozen=True)
class Environment:
    """An interpreter, and in words where its packages come from."""

    python: Path
    told: str


def environment_for(checkout: Path, root: Path = ROOT) -> Environment:
    """The environment of a checkout's lock. Raises Trouble where it cannot be made, with uv's own words."""
    lock = checkout / LOCK
    if not lock.exists():
        raise Trouble(f"the commit has no {LOCK}: nothing says which packages it ran with")
    content = lock.read_bytes()
    apart = differences(tomllib.loads(content.decode()), installed())
    if not apart:
        return Environment(Path(sys.executable), f"this one: its packages are those of the commit's {LOCK}")
    digest = hashlib.sha256(content).hexdigest()[:16]
    folder = root / ".branchline" / "environments" / digest
    python = folder / "bin" / "python"
    shown = "; ".join(apart[:_SHOWN]) + (f"; and {len(apart) - _SHOWN} more" if len(apart) > _SHOWN else "")
    if not (folder / _DONE).exists():
        _sync(checkout, folder, root)
        (folder / _DONE).touch()
    return Environment(python, f"made from the commit's {LOCK} ({digest}), for this one differs: {shown}")


def installed() -> dict[str, str]:
    """The packages of this environment, by normalised name."""
    return {_normal(found.metadata["Name"] or ""): found.version for found in distributions()}


def differences(lock: Mapping[str, object], packages: Mapping[str, str]) -> list[str]:
    """In which packages an environment differs from a lock: other versions, and direct requirements that are absent.

    Packages that the lock does not name do not count, nor do those that it names for other systems.
    """
    entries = [entry for entry in _tables(lock.get("package")) if "name" in entry]
    versions: dict[str, set[str]] = {}
    for entry in entries:
        if "version" in entry and not _is_project(entry):
            versions.setdefault(_normal(str(entry["name"])), set()).add(str(entry["version"]))
    apart = [
        f"{name} {packages[name]}, locked {' or '.join(sorted(locked))}"
        for name, locked in sorted(versions.items())
        if name in packages and packages[name] not in locked
    ]
    needed = {
        _normal(str(dependency["name"]))
        for entry in entries
        if _is_project(entry)
        for dependency in _tables(entry.get("dependencies"))
        if "marker" not in dependency
    }
    return apart + [f"{name} is not installed" for name in sorted(needed - packages.keys())]


def _sync(checkout: Path, folder: Path, root: Path) -> None:
    uv = root / ".bootstrap" / "bin" / "uv"
    found = str(uv) if uv.exists() else shutil.which("uv")
    if found is None:
        raise Trouble("uv is missing: run 'make setup', which installs it into .bootstrap")
    command = [found, "sync", "--locked", "--no-dev", "--no-install-project", "--python", sys.executable]
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder), "UV_PYTHON_DOWNLOADS": "never"}
    variables.pop("VIRTUAL_ENV", None)
    try:
        done = subprocess.run(
            command, cwd=checkout, env=variables, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(f"uv sync has not ended within {_PATIENCE_SECONDS // 60} minutes") from error
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        said = " ".join(done.stderr.split())[-600:]
        raise Trouble(f"uv could not install the commit's {LOCK} (it needs the package index, or its cache): {said}")


def _is_project(entry: Mapping[str, object]) -> bool:
    source = entry.get("source")
    return isinstance(source, dict) and "editable" in source


def _tables(value: object) -> list[dict[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
