"""Release notes, in Markdown: what was merged since the release before, by what it touches."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ci.release.changes import MergedChange

OTHER = "Other"
_GROUPS = (
    ("ML code", ("ml_code/",)),
    ("Infrastructure", ("infra/", "stacks/", "cdktf.json")),
    ("Release line", ("ci/", ".github/", ".ci/", "azure-pipelines", "Jenkinsfile", "Makefile")),
    ("Documentation and tests", ("docs/", "tests/", "README", "CHANGELOG", "CONTRIBUTING")),
)
_LONGEST = 200
_HEADING = re.compile(r"^## +\[?(?P<name>[^\]\n]+?)\]?(?: +[-–(].*)?$", re.MULTILINE)


def group_of(change: MergedChange) -> str:
    """The first group of which the change touches a file: code that runs in production comes first."""
    for name, prefixes in _GROUPS:
        if any(file.startswith(prefixes) for file in change.files):
            return name
    return OTHER


def release_notes(changes: Sequence[MergedChange], changelog: Sequence[str] = (), remark: str | None = None) -> str:
    """The notes; every change appears once, in the order in which it was merged."""
    parts = [remark] if remark else []
    grouped: dict[str, list[str]] = {}
    for change in changes[-_LONGEST:]:
        grouped.setdefault(group_of(change), []).append(_line(change))
    for name in [*(name for name, _ in _GROUPS), OTHER]:
        if name in grouped:
            parts.append("\n".join([f"### {name}", "", *grouped[name]]))
    if len(changes) > _LONGEST:
        parts.append(f"… and {len(changes) - _LONGEST} changes before these.")
    if changelog:
        parts.append("\n".join(["### From the changelog", "", *changelog]))
    return "\n\n".join(parts) or "No merged change."


def changelog_since(text: str, earlier: str, tag: str) -> list[str]:
    """The entries of a changelog's section for this release, else of its `Unreleased`, that `earlier` did not have."""
    sections = _sections(text)
    lines = sections.get(tag) or sections.get(tag.removeprefix("v")) or sections.get("Unreleased") or []
    known = set(earlier.splitlines())
    new = [line for line in lines if line not in known or line.startswith("###")]
    # A heading below which nothing is new says nothing.
    kept = [line for at, line in enumerate(new) if not line.startswith("###") or _entry_follows(new[at + 1 :])]
    return [line.replace("###", "####", 1) if line.startswith("###") else line for line in kept if line.strip()]


def _line(change: MergedChange) -> str:
    reference = f"#{change.pull_request}" if change.pull_request else change.commit[:8]
    return f"- {change.title} ({reference}, {change.author})"


def _sections(text: str) -> dict[str, list[str]]:
    found = list(_HEADING.finditer(text))
    starts = [heading.start() for heading in found[1:]]
    ends = [*starts, len(text)][: len(found)]
    return {heading["name"]: text[heading.end() : end].splitlines() for heading, end in zip(found, ends, strict=True)}


def _entry_follows(lines: Sequence[str]) -> bool:
    return next((not line.startswith("###") for line in lines if line.strip()), False)
