"""One prediction made again from its commit, environment, data version and model version, and compared."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ci.errors import Trouble
from ci.lineage.code import UNCOMMITTED
from ci.lineage.data import Reading, feature_row, find_reading, present_row
from ci.lineage.environments import Environment, environment_for
from ci.lineage.models import version_tags
from ci.lineage.predictions import Prediction
from ci.lineage.sight import Missing, Sight, look
from ci.plan.model import Frozen
from ci.repository import find_commit, git
from ci.steps.execute import task_environment
from ci.tables import Row
from ci.target import Target
from ci.worktrees import worktree
from infra.settings import Settings

TOLERANCE = 1e-9
_DRIVER = Path(__file__).with_name("rescore.py")
_PATIENCE_SECONDS = 600
# Column types of Unity Catalog as Arrow calls them.
_TYPES = {"DOUBLE": "float64", "FLOAT": "float32", "INT": "int32", "LONG": "int64", "SHORT": "int16", "BOOLEAN": "bool"}

Part = Literal["code", "environment", "data", "model", "risk", "band", "reasons"]
FindingState = Literal["same", "differs", "missing", "note"]


class Finding(Frozen):
    """What became of one part: `missing` parts cannot be rebuilt, a `note` changes no result."""

    part: Part
    state: FindingState
    told: str


class Reproduction(Frozen):
    """The findings in the order in which they were made."""

    prediction: str
    findings: tuple[Finding, ...]
    computed: dict[str, Any] | None = Field(None, description="risk, band and reasons as they come out today")

    @property
    def reproduced(self) -> bool:
        """Whether the same number came out."""
        return self.computed is not None and not any(each.state in ("differs", "missing") for each in self.findings)


def reproduce(sight: Sight, target: Target, prediction: Prediction, tolerance: float = TOLERANCE) -> Reproduction:
    """Says of every part what it found; scores only if all parts could be rebuilt."""
    rebuilding = _Rebuilding(sight, target, prediction)
    with ExitStack() as stack:
        computed = rebuilding.score(stack)
        if computed is not None:
            rebuilding.findings += compare(prediction.row, computed, tolerance)
    return Reproduction(prediction=prediction.name, findings=tuple(rebuilding.findings), computed=computed)


def compare(stored: Row, computed: Mapping[str, Any], tolerance: float) -> list[Finding]:
    """What is stored and what came out; the risk bit by bit, else within a relative tolerance."""
    return [
        _risk(float(str(stored["risk"])), float(computed["risk"]), tolerance),
        *(_equal(part, stored[part], computed[part]) for part in ("band", "reasons") if part in stored),
    ]


def _risk(stored: float, computed: float, tolerance: float) -> Finding:
    both = f"stored {stored!r}, computed {computed!r}"
    if stored.hex() == computed.hex():
        return Finding(part="risk", state="same", told=f"{computed!r}, the same bit by bit")
    if math.isclose(stored, computed, rel_tol=tolerance, abs_tol=0.0):
        apart = abs(stored - computed) / max(abs(stored), abs(computed))
        return Finding(part="risk", state="same", told=f"{both}: {apart:.1e} apart, within {tolerance:g}")
    return Finding(part="risk", state="differs", told=f"{both}: more than {tolerance:g} apart")


def _equal(part: Literal["band", "reasons"], stored: object, computed: object) -> Finding:
    if stored == computed:
        told = ", ".join(map(str, computed)) if isinstance(computed, list) else str(computed)
        return Finding(part=part, state="same", told=told or "none")
    return Finding(part=part, state="differs", told=f"stored {stored}, computed {computed}")


class _Rebuilding:
    """The parts of one prediction, as far as they are still there; `findings` tells of each."""

    def __init__(self, sight: Sight, target: Target, prediction: Prediction) -> None:
        self._sight = sight
        self._target = target
        self._prediction = prediction
        self.findings: list[Finding] = []

    def score(self, stack: ExitStack) -> dict[str, Any] | None:
        """Risk, band and reasons as they come out today; None if a part is missing. `stack` keeps the checkout."""
        checkout = self._code(stack)
        environment = self._environment(checkout) if checkout else None
        data = self._data()
        settings = self._settings()
        self._model()
        if not (checkout and environment and data and settings) or self._lacks():
            return None
        name, number = self._prediction.model
        request = {
            "checkout": str(checkout),
            "project": settings.project.project,
            "environment": settings.environment,
            "model": name,
            "version": number,
            "row": dict(data[1]),
            "types": _types(self._sight, data[0].table),
        }
        answer = _ask(environment.python, checkout, request, self._target)
        if "reason" in answer:
            self._find(answer["part"], "missing", answer["reason"])
            return None
        self._libraries(answer)
        return {name: answer[name] for name in ("risk", "band", "reasons")}

    def _code(self, stack: ExitStack) -> Path | None:
        commit, clone = str(self._prediction.row["commit"] or ""), self._sight.clone
        reason = None
        if not commit:
            reason = "the row names no commit"
        elif commit.endswith(UNCOMMITTED):
            reason = f"{commit}: the code had changes that were not committed, so it is not kept anywhere"
        elif find_commit(clone, commit) is None:
            reason = (
                f"commit {commit} is not in this clone: fetch it (git fetch --all --tags), or it was rewritten away"
            )
        if reason:
            self._find("code", "missing", reason)
            return None
        checkout = stack.enter_context(worktree(commit, clone))
        subject = git(clone, "show", "--no-patch", "--format=%s", commit)
        self._find("code", "same", f"commit {commit[:12]} ({subject}), checked out")
        return checkout

    def _environment(self, checkout: Path) -> Environment | None:
        try:
            made = environment_for(checkout, self._sight.clone)
        except Trouble as error:
            self._find("environment", "missing", str(error))
            return None
        self._find("environment", "same", made.told)
        return made

    def _data(self) -> tuple[Reading, Row] | None:
        reading = find_reading(self._sight, self._prediction.table, self._prediction.row)
        if isinstance(reading, Missing):
            self._find("data", "missing", reading.reason)
            return None
        then = feature_row(self._sight, reading, self._prediction.key)
        if isinstance(then, Missing):
            self._find("data", "missing", then.reason)
            return None
        self._find("data", "same", f"{reading.table} at v{reading.version}, by time travel")
        if since := _since(present_row(self._sight, reading.table, self._prediction.key), then):
            self._find("data", "note", since)
        return reading, then

    def _settings(self) -> Settings | None:
        found = self._sight.settings_of(self._prediction.table)
        if found is None:
            told = f"{self._prediction.table} is of none of the project's environments: --branch names a branch's copy"
            self._find("code", "missing", told)
        return found

    def _model(self) -> None:
        name, number = self._prediction.model
        found = look(lambda: self._sight.client.model_versions.get(name, number))
        if isinstance(found, Missing):
            self._find("model", "missing", f"{name} v{number} is not in the registry (deleted?): {found.reason}")
        else:
            self._find("model", "same", f"{name} v{number}, by its number")

    def _libraries(self, answer: Mapping[str, Any]) -> None:
        """In which packages this differs from the training, whose run names them; the scoring keeps no list."""
        tags = version_tags(self._sight, *self._prediction.model)
        if isinstance(tags, Missing):
            return
        here = {"python": ("python_version", answer["python"])}
        here |= {each: (f"package_{each}", version) for each, version in answer["packages"].items()}
        apart = [f"{each} {tags[tag]}, here {now}" for each, (tag, now) in here.items() if tags.get(tag, now) != now]
        if apart:
            self._find("environment", "note", f"the model was trained with {'; '.join(apart)}")

    def _find(self, part: Part, state: FindingState, told: str) -> None:
        self.findings.append(Finding(part=part, state=state, told=told))

    def _lacks(self) -> bool:
        return any(each.state == "missing" for each in self.findings)


def _since(now: Row | Missing, then: Row) -> str | None:
    """How the row of features has changed since it was scored."""
    if isinstance(now, Missing):
        return f"the row is not in the table any more: {now.reason}"
    changed = [f"{name} {then[name]} → {now.get(name)}" for name in then if name in now and then[name] != now[name]]
    return f"the row has changed since: {', '.join(changed)}" if changed else None


def _types(sight: Sight, table: str) -> dict[str, str]:
    columns = sight.client.tables.get(table).columns or []
    return {
        each.name: _TYPES[each.type_name.value]
        for each in columns
        if each.name and each.type_name and each.type_name.value in _TYPES
    }


def _ask(python: Path, checkout: Path, request: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Runs the driver in an interpreter that sees neither this command's packages nor the user's own."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        try:
            done = subprocess.run(
                [str(python), "-I", str(_DRIVER)],
                cwd=checkout,
                env=task_environment(target, "", variables),
                input=json.dumps({**request, "answer": str(answer)}),
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"part": "code", "reason": f"its process did not run to its end: {error}"}
        if not answer.exists():
            said = " ".join(done.stderr.split())[-400:]
            return {"part": "code", "reason": f"its process ended without an answer: {said}"}
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
