"""Fetches what a request asks for into a folder, by pinned revision or sum."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml_code.platform.marketplace.intake.findings import Finding, Rejected
from ml_code.platform.marketplace.intake.hugging_face import fetch_repository
from ml_code.platform.marketplace.intake.kinds import unsafe_path
from ml_code.platform.marketplace.intake.policy import Policy
from ml_code.platform.marketplace.intake.request import Files, HuggingFace, Request
from ml_code.platform.marketplace.intake.scan import sum_of
from ml_code.platform.marketplace.intake.unpack import unpack
from ml_code.platform.marketplace.intake.web import fetch_path, fetch_url

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Fetched:
    """What was fetched: the licence that the source states ("" where it states none), and notes."""

    licence: str
    notes: tuple[Finding, ...]


def fetch(request: Request, folder: Path, policy: Policy) -> Fetched:
    """Writes the source's files into the empty folder and holds them against the request's sums.

    Raises Rejected, or StepError where the source does not answer.
    """
    if isinstance(request.source, HuggingFace):
        found = fetch_repository(request.source, request.format, folder, policy)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        fetched = Fetched(found.licence, found.notes)
    else:
        _fetch_files(request.source, folder, policy)
        fetched = Fetched("", ())
    _compare(request, folder)
    return fetched


def _fetch_files(source: Files, folder: Path, policy: Policy) -> None:
    get = fetch_url if source.kind == "https" else fetch_path
    left = policy.limits.total * _MIB
    for file in source.files:
        if not file.unpack:
            unsafe_path(file.target, file.at)
            if (folder / file.target).exists():
                raise Rejected("source", "two files of the request have this path", file.target)
            left -= get(file, folder / file.target, left, policy)
            continue
        if file.target:
            unsafe_path(file.target, file.at)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            archive = Path(aside) / "archive"
            left -= get(file, archive, left, policy)
            unpack(archive, folder / file.target, policy, file.at.rpartition("/")[2])


def _compare(request: Request, folder: Path) -> None:
    for path, known in request.sums.items():
        unsafe_path(path, path)
        if not (folder / path).is_file():
            raise Rejected("sum", "the request has a sum of it, but the source has no such file", path)
        if (found := sum_of(folder / path)) != known:
            raise Rejected("sum", f"SHA-256 is {found}, and the request says {known}", path)
