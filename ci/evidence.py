"""What commands found out about a commit, kept beside the clone: a release attaches it."""

from __future__ import annotations

from pathlib import Path

from ci.repository import ROOT


def folder(commit: str, root: Path = ROOT) -> Path:
    """Where the evidence of a commit (its full hash) lies; made if it is not there."""
    found = root / ".branchline" / "evidence" / commit
    found.mkdir(parents=True, exist_ok=True)
    return found


def keep(commit: str, name: str, text: str, root: Path = ROOT) -> Path:
    """Writes one file of evidence, whole or not at all; returns where it lies."""
    target = folder(commit, root) / name
    draft = target.with_name(f".{target.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(target)
    return target
