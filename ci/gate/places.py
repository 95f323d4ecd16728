"""Where in the repository a finding is put right: the stack's source, or the settings that decide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from ci.gate.model import Place
from infra.policies.environments import environment_of
from infra.policies.policy import Policy

_SETTINGS = "infra/settings"
_SOURCES = "stacks"
_ENTRY = "stacks/compose.py"
_TABLES = "ml_code/tables.yaml"


class Places:
    """Finds places in the files of one clone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._text = cache(self._read)

    def of(
        self, policy: Policy, stack: str | None, resource: str | None, file: str | None
    ) -> tuple[Place, Place | None]:
        """The place to show, and a second one to look at: the settings come first where they decide."""
        if file is not None and self._text(file):
            return Place(file=file), None
        if stack is None:
            return Place(file=_ENTRY), None
        source = self._of_source(stack, resource)
        setting = self._of_setting(policy.setting, environment_of(stack)) if policy.setting else None
        return (setting, source) if setting else (source, None)

    def _of_setting(self, key: str, environment: str) -> Place | None:
        for name in (environment, "project"):
            file = f"{_SETTINGS}/{name}.yaml"
            if line := _line_of_key(self._text(file), key):
                return Place(file=file, line=line)
        return None

    def _of_source(self, stack: str, resource: str | None) -> Place:
        own = f"{_SOURCES}/{'admin' if stack.endswith('-admin') else 'project'}.py"
        kind, _, name = (resource or "").removeprefix("data.").partition(".")
        if name:
            for pattern, file in self._looked_for(own, environment_of(stack), kind, name):
                if found := re.search(pattern, self._text(file)):
                    return Place(file=file, line=self._text(file).count("\n", 0, found.start(1)) + 1)
        heading = re.search(r"^(class )", self._text(own), re.MULTILINE)
        if heading is None:
            return Place(file=_ENTRY)
        return Place(file=own, line=self._text(own).count("\n", 0, heading.start(1)) + 1)

    def _looked_for(self, own: str, environment: str, kind: str, name: str) -> Iterator[tuple[str, str]]:
        """A job by the name of its definition, a table and an alert by the entry that asks for it, anything else by the
        name that its construct is given.
        """
        words = name.partition("[")[0]
        if kind in ("databricks_job", "databricks_permissions"):
            for file in ("jobs", "monitoring_jobs"):
                yield rf'(name="{re.escape(words.replace("_", "-"))}")', f"{_SOURCES}/{file}.py"
        if kind == "databricks_sql_table":
            yield rf"\n  ({re.escape(words)}):", _TABLES
        if kind == "databricks_alert_v2":
            yield rf"- (name: {re.escape(words)})\n", f"{_SETTINGS}/{environment}.yaml"
        for file in (own, f"{_SOURCES}/parts.py", f"{_SOURCES}/monitoring.py"):
            yield rf'\(\s*(?:(?:self|stack|scope),\s*)?(?:"{re.escape(kind)}",\s*)?("{re.escape(words)}")', file

    def _read(self, file: str) -> str:
        path = self._root / file
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _line_of_key(text: str, key: str) -> int | None:
    """The line of the last part of a dotted key, or None if the file has no such key."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader) if text else None, None
    for part in key.split("."):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == part), None)
        if found is None:
            return None
        line, node = found[0].start_mark.line + 1, found[1]
    return line
