"""The SARIF file: what the standard demands (SARIF 2.1.0), and what code scanning needs of it."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from ci.gate import GateReport
from tests.ci.gate.conftest import Repository, lost
from tests.ci.gate.test_exceptions import BROKEN, ENTRY
from tests.infra.policies.samples import SAMPLES

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["physicalLocation"],
    "properties": {
        "id": {"type": "integer", "minimum": -1},
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["uri"],
                    "properties": {
                        "uri": {"type": "string", "format": "uri-reference"},
                        "uriBaseId": {"type": "string"},
                    },
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
        "logicalLocations": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}},
            },
        },
    },
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "shortDescription": _TEXT,
        "fullDescription": _TEXT,
        "help": _TEXT,
        "defaultConfiguration": {"properties": {"level": _LEVEL}},
        "properties": {"type": "object"},
    },
}
_RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": _LEVEL,
        "message": _TEXT,
        "locations": {"type": "array", "items": _LOCATION},
        "relatedLocations": {"type": "array", "items": _LOCATION, "uniqueItems": True},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "suppressions": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind"],
                "properties": {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": {"type": "string"},
                },
            },
        },
    },
}
# The parts of the standard's schema that we write; like it, closed against other properties.
ESSENTIALS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {"rules": {"type": "array", "items": _RULE, "uniqueItems": True}},
                            }
                        },
                    },
                    "invocations": {"type": "array", "items": {"required": ["executionSuccessful"]}},
                    "automationDetails": {"properties": {"id": {"type": "string"}}},
                    "originalUriBaseIds": {"type": "object"},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                    "properties": {"type": "object"},
                },
            },
        },
    },
}


@pytest.fixture
def report(repository: Repository) -> GateReport:
    """One of everything: failed checks, a broken rule, a used exception and one that has ended."""
    repository.synthesize(BROKEN, SAMPLES["BRL_DBX_12"].failing[1])
    repository.except_(**ENTRY)
    return repository.judge(repository.plan({"prod": (lost("databricks_volume.landing"),)}))


def run_of(report: GateReport) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(json.dumps(report.to_sarif()))["runs"][0]
    return run


def test_it_has_what_the_standard_demands(report: GateReport) -> None:
    jsonschema.validate(json.loads(json.dumps(report.to_sarif())), ESSENTIALS)


def test_each_result_is_of_a_rule_that_the_tool_describes(report: GateReport) -> None:
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert len({rule["id"] for rule in rules}) == len(rules)


def test_each_place_is_a_line_of_a_file_of_the_repository(report: GateReport, repository: Repository) -> None:
    for result in run_of(report)["results"]:
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            physical = location["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            assert not urlsplit(uri).scheme
            assert not PurePosixPath(uri).is_absolute()
            lines = (repository.path / uri).read_text().splitlines()
            assert physical["region"]["startLine"] <= len(lines)


def test_an_excepted_finding_is_a_suppressed_result_with_its_reason(report: GateReport) -> None:
    suppressed = [result for result in run_of(report)["results"] if "suppressions" in result]
    assert [result["ruleId"] for result in suppressed] == ["BRL_DBX_8"]
    assert ENTRY["reason"] in suppressed[0]["suppressions"][0]["justification"]


def test_a_fingerprint_stays_while_object_and_rule_do(report: GateReport) -> None:
    def prints(of: GateReport) -> list[str]:
        return [result["partialFingerprints"]["branchlineFinding/v1"] for result in run_of(of)["results"]]

    reworded = [finding.model_copy(update={"message": "in other words"}) for finding in report.findings]
    assert prints(report.model_copy(update={"findings": tuple(reworded)})) == prints(report)
    assert len(set(prints(report))) == len(prints(report))
