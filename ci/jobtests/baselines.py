"""Accepted results beside the specs, and each test's last results, kept to be accepted."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ci.errors import Trouble
from ci.jobtests.compare import Value
from ci.jobtests.spec import FOLDER
from ci.repository import ROOT


class Outcome(BaseModel):
    """What one execution of a test gave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    """The commit that the jobs ran."""
    values: dict[str, Value]


def baseline(name: str, folder: Path = FOLDER) -> Outcome | None:
    """What was accepted last, or None."""
    return _read(_baseline(name, folder))


def accept(name: str, outcome: Outcome, folder: Path = FOLDER) -> Path:
    """Makes these results the baseline; the change is then reviewed as any other."""
    path = _baseline(name, folder)
    _write(path, outcome)
    return path


def last(name: str, root: Path = ROOT) -> Outcome | None:
    """The last execution on this machine, or None."""
    return _read(_last(name, root))


def keep(name: str, outcome: Outcome, root: Path = ROOT) -> None:
    """Remembers an execution for `accept`."""
    _write(_last(name, root), outcome)


def _baseline(name: str, folder: Path) -> Path:
    return folder / "baselines" / f"{name}.json"


def _last(name: str, root: Path) -> Path:
    return root / ".branchline" / "jobtests" / f"{name}.json"


def _read(path: Path) -> Outcome | None:
    if not path.exists():
        return None
    try:
        return Outcome.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise Trouble(f"{path} holds no results: {error}; 'branchline jobtests accept' writes it anew") from error


def _write(path: Path, outcome: Outcome) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome.model_dump(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
