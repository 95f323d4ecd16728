"""The command lines of the three CI systems' pipelines, as they stand in their files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMMAND = ".venv/bin/branchline"
_STEP_OF_JENKINS = re.compile(r"""\bsh\s*\(?\s*(?:script:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")


@dataclass(frozen=True)
class Line:
    """One line of shell; `identity` is the environment as which its job logs in (GitHub only), None: as nobody."""

    text: str
    file: str
    identity: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it calls our command or a make target; other lines only carry files and words around."""
        return self.text.startswith((f"{COMMAND} ", "make "))


def github_files() -> list[Path]:
    return sorted((ROOT / ".github").glob("**/*.yml"))


def azure_files() -> list[Path]:
    return sorted((ROOT / "azure-pipelines").glob("**/*.yml"))


def github_lines() -> list[Line]:
    found = []
    for path in github_files():
        content = yaml.safe_load(path.read_text())
        if "runs" in content:
            found += _lines_of_steps(content["runs"]["steps"], path, None)
        for job in content.get("jobs", {}).values():
            found += _lines_of_steps(job.get("steps", []), path, job.get("environment"))
    return found


def azure_lines() -> list[Line]:
    return [
        Line(line, path.name)
        for path in azure_files()
        for step in _mappings(yaml.safe_load(path.read_text()))
        for key in ("bash", "script")
        for line in _lines(step.get(key))
    ]


def jenkins_lines() -> list[Line]:
    text = (ROOT / "Jenkinsfile").read_text()
    steps = (found[1] if found[1] is not None else found[2] for found in _STEP_OF_JENKINS.finditer(text))
    return [Line(line, "Jenkinsfile") for step in steps for line in _lines(step)]


def _lines_of_steps(steps: list[dict[str, Any]], path: Path, identity: str | None) -> Iterator[Line]:
    for step in steps:
        for line in _lines(step.get("run")):
            yield Line(line, path.name, identity)


def _lines(script: Any) -> list[str]:
    return [line.strip() for line in script.splitlines() if line.strip()] if isinstance(script, str) else []


def _mappings(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield content
    for each in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _mappings(each)
