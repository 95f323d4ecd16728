"""Whether main is green: its tip runs where it is proven, with every hook done, and its gate has not failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ci.deployments.record import Deployment
from ci.repository import find_commit, git

if TYPE_CHECKING:
    from collections.abc import Mapping

_DONE = ("succeeded", "skipped")


def what_is_red(repository: Path, tip: str, environment: str, latest: Deployment | None) -> list[str]:
    """Every reason for which this commit may not be released; none: it is green."""
    return [*_deployment(repository, tip, environment, latest), *_gate(repository, tip)]


def _deployment(repository: Path, tip: str, environment: str, latest: Deployment | None) -> list[str]:
    if latest is None:
        return [f"nothing has been deployed to {environment} by 'branchline apply {environment}'"]
    if latest.commit != tip:
        return [f"{environment} runs {latest.commit[:12]}, {_distance(repository, latest.commit, tip)}"]
    found = []
    if latest.state != "applied":
        left = f", not applied: {', '.join(latest.left)}" if latest.left else ""
        why = f": {latest.problem}" if latest.problem else ""
        found.append(f"its deployment to {environment} ({latest.id}) is {latest.state}{left}{why}")
    for hook in latest.hooks:
        if hook.state not in _DONE:
            run = f", run {hook.run_id}" if hook.run_id else ""
            found.append(
                f"hook {hook.name} of its deployment to {environment} is {hook.state}{run}"
                + (f": {hook.message}" if hook.message else "")
            )
    return found


def _distance(repository: Path, deployed: str, tip: str) -> str:
    if find_commit(repository, deployed) is None:
        return "which this repository does not have"
    behind, ahead = git(repository, "rev-list", "--left-right", "--count", f"{tip}...{deployed}").split()
    return f"{behind} {'commit' if behind == '1' else 'commits'} behind" + (
        f", and {ahead} that main does not have" if ahead != "0" else ""
    )


def _gate(repository: Path, tip: str) -> list[str]:
    path = repository / ".branchline" / "evidence" / tip / "gate.json"
    if not path.is_file():
        return []
    try:
        verdict: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return [f"{path} is not the gate's verdict: {error}"]
    return [] if verdict.get("passed") is True else [f"its gate did not pass: {path.with_suffix('.md')} says why"]
