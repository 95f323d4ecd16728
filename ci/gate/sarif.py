"""The report as SARIF 2.1.0 (OASIS), as code scanning reads it: relative addresses, fingerprints, suppressions."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ci.gate.model import Finding, GateReport, Place, UsedException
from infra.policies.policy import Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_SCORES = {Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}
"""GitHub's own scale of severities."""


def as_sarif(report: GateReport) -> dict[str, Any]:
    """One run; a finding that an exception covers is a suppressed result."""
    rules = {policy.id: index for index, policy in enumerate(report.policies)}
    results = [_result(finding, rules) for finding in report.findings]
    results += [_suppressed(used, rules) for used in report.exceptions_used]
    run = {
        "tool": {"driver": {"name": "branchline gate", "rules": _rules(report)}},
        "invocations": [{"executionSuccessful": True}],
        "automationDetails": {"id": f"branchline-gate/{report.purpose}/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the root of the repository"}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "commit": report.commit,
            "bases": report.bases,
            "purpose": report.purpose,
            "passed": report.passed,
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules(report: GateReport) -> list[dict[str, Any]]:
    return [
        {
            "id": policy.id,
            "name": "".join(re.findall(r"\w+", policy.name.title())),
            "shortDescription": {"text": policy.name},
            "fullDescription": {"text": f"{policy.name}. {policy.advice}"},
            "help": {"text": policy.advice},
            "defaultConfiguration": {"level": "error" if policy.severity.refuses else "warning"},
            "properties": {
                "tags": ["security", "infrastructure"],
                "security-severity": _SCORES[policy.severity],
            },
        }
        for policy in report.policies
    ]


def _result(finding: Finding, rules: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules[finding.rule],
        "level": "error" if finding.refuses else "warning",
        "message": {"text": f"{finding.object}: {finding.message}" if finding.object else finding.message},
        "locations": [_location(finding.place, finding.object)],
        "partialFingerprints": {"branchlineFinding/v1": _fingerprint(finding)},
    }
    if finding.related:
        result["relatedLocations"] = [{"id": 1, **_location(finding.related, None)}]
    return result


def _suppressed(used: UsedException, rules: dict[str, int]) -> dict[str, Any]:
    why = f"{used.reason} (approved by {used.approver}, until {used.until})"
    suppression = {"kind": "external", "status": "accepted", "justification": why}
    return {**_result(used.finding, rules), "suppressions": [suppression]}


def _location(place: Place, named: str | None) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": place.file, "uriBaseId": _ROOT},
            "region": {"startLine": place.line},
        }
    }
    if named:
        location["logicalLocations"] = [{"fullyQualifiedName": named, "kind": "resource"}]
    return location


def _fingerprint(finding: Finding) -> str:
    """Of rule and object, so that other words or another line are no new alert; of the message where there is none."""
    about = (finding.rule, finding.object or f"{finding.place.file} {finding.message}")
    return hashlib.sha256("\0".join(about).encode()).hexdigest()
