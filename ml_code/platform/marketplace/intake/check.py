"""The whole check of one request: policy, source, sums, content, modelscan, MLmodel, and loading in isolation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ml_code.platform.marketplace.intake.fetch import fetch
from ml_code.platform.marketplace.intake.findings import CheckedFile, Finding, Loaded, Rejected, Report
from ml_code.platform.marketplace.intake.loading import load_isolated
from ml_code.platform.marketplace.intake.mlmodel import check_mlmodel, describe
from ml_code.platform.marketplace.intake.package import package
from ml_code.platform.marketplace.intake.policy import Policy
from ml_code.platform.marketplace.intake.request import HuggingFace, NamedRequest
from ml_code.platform.marketplace.intake.scan import (
    EXECUTABLE,
    checked_files,
    scan_files,
    scan_with_modelscan,
    scanner,
)


@dataclass(frozen=True)
class Checked:
    """The report, and the folder of the MLflow model; None where it is refused."""

    report: Report
    folder: Path | None


def check(
    named: NamedRequest,
    policy: Policy,
    work: Path,
    say: Callable[[str], None] = lambda line: None,
    *,
    load: bool = True,
) -> Checked:
    """Fetches into the empty folder `work` and checks. A model that is not harmless is never opened as one.

    Raises StepError where the source does not answer: then nothing is known.
    """
    report = _begin(named, policy)
    if findings := refused_unseen(named, policy):
        return Checked(replace(report, findings=tuple(findings)), None)
    try:
        return _check(named, policy, work, say, report, load)
    except Rejected as error:
        return Checked(replace(report, findings=(*report.findings, error.finding)), None)


def _check(
    named: NamedRequest, policy: Policy, work: Path, say: Callable[[str], None], report: Report, load: bool
) -> Checked:
    request, folder = named.request, work / "model"
    folder.mkdir(parents=True)
    say(f"{named.name}: fetching {report.source} at {report.revision[:12]}")
    fetched = fetch(request, folder, policy)
    findings = [*fetched.notes, *_compare_licences(request.licence, fetched.licence)]
    report = replace(report, stated_licence=fetched.licence)
    say(f"{named.name}: scanning")
    kinds, against = scan_files(folder, policy)
    findings += [*against, *scan_with_modelscan(folder)]
    if _are_against(findings):
        return Checked(replace(report, findings=tuple(findings)), None)
    model = package(request, folder, kinds)
    # Once more, for what is handed on is what was packaged; unchanged files cost one more reading.
    kinds, against = scan_files(model, policy)
    findings += against
    if _are_against(findings):
        return Checked(replace(report, findings=tuple(findings)), None)
    check_mlmodel(model, kinds)
    flavors, signature = describe(model)
    files = checked_files(model, kinds)
    executable = not EXECUTABLE.isdisjoint(kinds.values())
    if executable:
        findings.append(
            Finding("preference", "note", "it holds pickles; safetensors are preferred where there are any")
        )
    if signature is None:
        findings.append(Finding("mlmodel", "refused", "it has no signature, which Unity Catalog demands", "MLmodel"))
    report = replace(report, findings=tuple(findings), files=files, flavors=flavors, signature=signature)
    report = replace(report, content_sha256=_content(files))
    if report.verdict == "refused" or not load:
        return Checked(report, model if report.verdict == "accepted" else None)
    say(f"{named.name}: loading in isolation")
    report = _load(report, model, policy, executable)
    return Checked(report, model if report.verdict == "accepted" else None)


def _load(report: Report, model: Path, policy: Policy, executable: bool) -> Report:
    loaded: Loaded = load_isolated(model, report.flavors, policy.loading, executable=executable)
    if loaded.state == "loaded":
        return replace(report, loaded=loaded)
    level: Literal["refused", "note"] = "refused" if loaded.state == "failed" else "note"
    return replace(report, loaded=loaded, findings=(*report.findings, Finding("loading", level, loaded.told)))


def refused_unseen(named: NamedRequest, policy: Policy) -> list[Finding]:
    """What is against a request before anything is fetched."""
    request, findings = named.request, []
    if not policy.knows_licence(request.licence):
        told = f"licence {request.licence} is not on the list: {', '.join(policy.licences)}"
        findings.append(Finding("licence", "refused", told))
    if isinstance(request.source, HuggingFace):
        places = [request.source.endpoint]
    else:
        places = [file.at for file in request.source.files] if request.source.kind == "https" else []
    for place in sorted(set(places)):
        if not policy.is_source(place):
            told = f"{place} is not of an address that the policy allows: {', '.join(policy.sources)}"
            findings.append(Finding("source", "refused", told))
    return findings


def _compare_licences(requested: str, stated: str) -> list[Finding]:
    if not stated:
        return [
            Finding("licence", "note", f"the source states no licence: that it is {requested} is the request's word")
        ]
    if stated.casefold() == requested.casefold():
        return []
    return [Finding("licence", "refused", f"the source states {stated!r}, the request says {requested!r}")]


def _are_against(findings: list[Finding]) -> bool:
    return any(each.level == "refused" for each in findings)


def _begin(named: NamedRequest, policy: Policy) -> Report:
    request = named.request
    return Report(
        request=named.name,
        digest=named.digest,
        policy=policy.digest,
        model=request.model,
        version=request.version,
        source=request.source.address,
        revision=request.source.revision,
        format=request.format,
        licence=request.licence,
        stated_licence="",
        purpose=request.purpose,
        owner=request.owner,
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        scanner=scanner(),
    )


def _content(files: tuple[CheckedFile, ...]) -> str:
    """SHA-256 over paths and sums."""
    return hashlib.sha256(json.dumps([[each.path, each.sha256] for each in files]).encode()).hexdigest()
