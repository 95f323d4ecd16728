"""A rehearsal from outside: chooses the commits, has them rehearsed by a process without secrets, tidies up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from ci import evidence
from ci.errors import Trouble
from ci.rehearsal.commits import prepare
from ci.rehearsal.environment import sealed
from ci.rehearsal.folders import keep_folder, own_folder
from ci.rehearsal.model import Rehearsal
from ci.rehearsal.request import ANSWER, ERRORS, REQUEST, Answer, Progress, Request
from ci.repository import ROOT, find_commit
from infra.settings import Settings, load_all, load_settings

DAY = "2026-11-20"
"""The sample's days are simulated, all of them in one year: every rehearsal is of the same day."""

_LAST_WORDS = 15


def rehearse(
    base: str | None = None,
    change: str = "HEAD",
    environment: str = "staging",
    *,
    root: Path = ROOT,
    day: str = DAY,
    trials: int | None = None,
    keep: bool = False,
    progress: Callable[[Progress], None] = lambda step: None,
) -> Rehearsal:
    """Deploys base to a fresh local workspace, runs its jobs, then the same with the change over it.

    `base` is the environment's branch at origin (else the clone's own) unless given. The result is also kept as
    evidence of the change. Raises Trouble where nothing can be rehearsed: a revision that is not in the clone, a
    conflict, settings that cannot be read.
    """
    _check_day(day)
    settings = _settings(environment, root)
    branch = settings[environment].values.branch
    with own_folder(root / ".branchline" / "rehearsal") as folder:
        commits = prepare(root, base or _base_of(root, branch), change, branch, folder / "repository.git")
        request = Request(
            folder=folder,
            environment=environment,
            environments=_deployed(settings, environment),
            branch=branch,
            base=commits.base,
            change=commits.change,
            rehearsed=commits.rehearsed,
            notes=commits.notes,
            day=day,
            trials=trials,
            keep=keep,
            tools=_tools(root),
        )
        found = _perform(request, progress)
        if keep:
            keep_folder(folder)
    _keep_evidence(found, root)
    return found


def _check_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise Trouble(f"{day!r} is no day: expected one such as {DAY}") from error


def _settings(environment: str, root: Path) -> dict[str, Settings]:
    """Every environment of the clone, none as a feature branch's copy."""
    folder = root / "infra" / "settings"
    own = load_settings(environment, folder=folder, repository=root, variables={})
    return load_all(folder=folder, repository=root, variables={"BRANCH": own.values.branch})


def _base_of(root: Path, branch: str) -> str:
    for revision in (f"origin/{branch}", branch):
        if find_commit(root, revision):
            return revision
    raise Trouble(f"neither origin/{branch} nor {branch} is in this clone: fetch it, or name the base with --base")


def _deployed(settings: dict[str, Settings], environment: str) -> tuple[str, ...]:
    """The environment, after the one that makes groups and folder where that is another."""
    makers = [name for name, each in settings.items() if each.values.workspace.makes_shared_objects]
    return (environment,) if environment in makers else (*makers[:1], environment)


def _tools(root: Path) -> dict[str, Path]:
    """What a checkout needs beside its files: this Python with its packages, and Node's."""
    tools = {".venv": Path(sys.prefix)}
    modules = root / "node_modules"
    return tools | ({"node_modules": modules.resolve()} if modules.exists() else {})


def _perform(request: Request, progress: Callable[[Progress], None]) -> Rehearsal:
    """Runs the process that does it, and hears its progress; the process ends when this one does."""
    home = request.folder / "home"
    home.mkdir()
    (request.folder / REQUEST).write_text(request.model_dump_json(), encoding="utf-8")
    with (request.folder / ERRORS).open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "ci.rehearsal.perform", str(request.folder.absolute())],
            cwd=ROOT,
            env=sealed(os.environ, home, ROOT),
            stdin=subprocess.PIPE,  # its end tells the process that nobody waits any more
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe: we asked for one
            for line in process.stdout:
                progress(Progress.model_validate_json(line))
        finally:
            assert process.stdin is not None  # noqa: S101 - as above
            process.stdin.close()
            process.wait()
    return _answer(request.folder, process.returncode)


def _answer(folder: Path, returncode: int) -> Rehearsal:
    try:
        answer = Answer.model_validate_json((folder / ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        words = (folder / ERRORS).read_text(errors="replace").splitlines()[-_LAST_WORDS:]
        raise Trouble(
            "\n".join([f"the rehearsal broke off (exit code {returncode}), its last words:", *words])
        ) from error
    if answer.rehearsal is None:
        raise Trouble(answer.trouble or "the rehearsal broke off")
    return answer.rehearsal


def _keep_evidence(found: Rehearsal, root: Path) -> None:
    commit = found.change.sha
    evidence.keep(commit, "rehearsal.json", found.model_dump_json(indent=2) + "\n", root)
    evidence.keep(commit, "rehearsal.md", found.to_markdown(), root)
    evidence.keep(commit, "rehearsal.html", found.to_html(), root)
