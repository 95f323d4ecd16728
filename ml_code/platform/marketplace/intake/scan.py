"""Every file of a folder by its content, and modelscan's own judgement on top; nothing is opened as a model."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_code.platform.marketplace.intake.findings import CheckedFile, Finding, Rejected
from ml_code.platform.marketplace.intake.kinds import kind_of
from ml_code.platform.marketplace.intake.policy import Policy

EXECUTABLE = frozenset(("pickle", "torch", "skops"))
"""Kinds whose loading calls functions that the file names."""

_BLOCK = 1024 * 1024
_OWN_CACHE = ".cache/"  # huggingface_hub's notes beside what it fetched


def scan_files(folder: Path, policy: Policy) -> tuple[dict[str, str], list[Finding]]:
    """What each file is, by its path, and what is against it."""
    kinds: dict[str, str] = {}
    findings: list[Finding] = []
    for path, name in files_of(folder):
        try:
            kinds[name] = kind_of(path, name, policy)
        except Rejected as error:
            findings.append(error.finding)
    if not kinds and not findings:
        findings.append(Finding("source", "refused", "there is no file in it"))
    return kinds, findings


def scan_with_modelscan(folder: Path) -> list[Finding]:
    """modelscan's findings; what it cannot read is refused as well."""
    from modelscan.modelscan import ModelScan  # type: ignore[import-untyped]

    logging.getLogger("modelscan").setLevel(logging.CRITICAL)
    found: dict[str, Any] = ModelScan().scan(folder)
    findings = [
        Finding(
            "modelscan",
            "refused",
            f"{issue.get('severity')}: {issue.get('description') or issue.get('operator')}",
            str(issue.get("source", "")),
        )
        for issue in found["issues"]
    ]
    for error in found["errors"]:
        told = f"cannot be read: {error.get('description') or error.get('category')}"
        findings.append(Finding("modelscan", "refused", str(told)[:500], str(error.get("source", ""))))
    return findings


def scanner() -> str:
    """modelscan and its version."""
    from importlib.metadata import version

    return f"modelscan {version('modelscan')}"


def checked_files(folder: Path, kinds: dict[str, str]) -> tuple[CheckedFile, ...]:
    """The files with their sizes and sums, in the order of their paths."""
    return tuple(
        CheckedFile(name, path.stat().st_size, sum_of(path), kinds[name]) for path, name in sorted(files_of(folder))
    )


def sum_of(path: Path) -> str:
    """SHA-256 of a file."""
    known = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            known.update(block)
    return known.hexdigest()


def files_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files below the folder and their paths in it. Raises Rejected at what is neither file nor folder."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(_OWN_CACHE):
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Rejected("traversal", "a link or a device", name)
        if path.is_file():
            yield path, name
