"""What commands found out about a commit, kept beside the clone: a release attaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def keep_all(commit: str, texts: Mapping[str, str], asked: Sequence[Path | None], root: Path = ROOT) -> None:
    """Writes files of evidence, and each also where the caller asked for it (None: nowhere else)."""
    for (name, text), path in zip(texts.items(), asked, strict=True):
        keep(commit, name, text, root)
        if path is not None:
            path.write_text(text, encoding="utf-8")
