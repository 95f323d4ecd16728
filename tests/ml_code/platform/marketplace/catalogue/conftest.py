"""A catalogue as a hub would have it: a judged model, one from outside, and one with nothing but a name."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.json_form import json_form
from ml_code.platform.marketplace.catalogue.records import (
    Approval,
    Catalogue,
    Entry,
    Evidence,
    Intake,
    Refusal,
    Use,
    Version,
)
from ml_code.platform.registry.findings import Finding
from ml_code.platform.registry.promotion import Verdict

DAY = datetime.date(2026, 11, 20)
BAD = '<script>document.title = "a script ran"</script>'
CARD = (
    "<!doctype html><html><head><style>h1 { color: teal }</style></head><body><h1>Card of readmission</h1>"
    f"<p>Meant for discharge planning.</p>{BAD}</body></html>"
)


def moment(days_ago: int) -> datetime.datetime:
    return datetime.datetime(2026, 11, 20, 6, 30, tzinfo=datetime.UTC) - datetime.timedelta(days=days_ago)


def version(number: int, workspace: str, model: str, **more: Any) -> Version:
    tags = {
        "marketplace.workspace": workspace,
        "marketplace.model": model,
        "marketplace.version": str(number + 3),
        "marketplace.manifest": "ab" * 32,
        "marketplace.content": "cd" * 32,
        **more.pop("tags", {}),
    }
    given = {"aliases": (), "stage": "", "description": "", **more}
    return Version(number=number, created=moment(30 - number), tags=tags, **given)


def validation() -> Any:
    metrics = {"auc": Estimate(0.7421, 0.7105, 0.7733), "brier": Estimate(0.1182, 0.1049, 0.1313)}
    findings = (
        Finding("floor", "met", 0.742, 0.7, "auc is 0.742, at least 0.7 is asked for"),
        Finding("fairness.sex.calibration_error", "missed", 0.12, 0.1, "calibration error between groups is 0.12"),
        Finding("profile.latency_ms_32", "not judged", None, 50, "was not measured"),
    )
    verdict = Verdict("promote", "first champion", "auc", 0.7, 0.0, 4, metrics["auc"], 1832, 214, findings=findings)
    return json_form({"verdict": verdict, "candidate": {"rows": 1832, "positives": 214, "metrics": metrics}})


def readmission() -> Entry:
    lasting = datetime.date(2027, 3, 31)
    return Entry(
        name="hub.marketplace.cardiology__readmission",
        description="Risk that a patient comes back within thirty days of discharge. Scores are calibrated by ward.",
        versions=[
            version(2, "cardiology", "main.ward.readmission", tags={"verdict": "refuse"}),
            version(
                1,
                "cardiology",
                "main.ward.readmission",
                aliases=("champion",),
                description="Exported Already On 2026-11-02, previous description: trained on two years of discharges",
                tags={"verdict": "promote", "team": "cardiology"},
            ),
        ],
        approvals=[
            Approval(moment(9), "ward-analysts", "granted", lasting, "risk.board@example.com", "report 114", "1f" * 20),
            Approval(moment(3), "students", "revoked", DAY, "risk.board@example.com", "approval ended", "2e" * 20),
        ],
        uses=[
            *(Use(moment(days), 1, "oncology", "batch", "oncology-jobs", 1200) for days in range(0, 40, 2)),
            Use(moment(41), 1, "oncology", "brought", "oncology-jobs", 1),
            Use(moment(8), 1, "emergency", "brought", "emergency-jobs", 1),
            Use(moment(5), 1, "emergency", "endpoint", "emergency-jobs", 310),
        ],
        evidence=Evidence(
            flavors=("lightgbm", "python_function"),
            size=5_421_337,
            files=14,
            manifest=f"versions/cardiology/main.ward.readmission/4/{'ab' * 32}.json",
            signature={"inputs": '[{"name": "age", "type": "double"}, {"name": "stays", "type": "long"}]'},
            host="https://cardiology.cloud.example.com",
            mlflow="3.17.0",
            run_id="9" * 32,
            user="dr.a@example.com",
            metrics={"auc": 0.7421, "log_loss": 0.3812},
            lineage={
                "repository": "https://git.example.com/ward.git",
                "commit": "c0ffee",
                "tables": ["main.ward.stays"],
            },
            inputs=({"name": "stays", "digest": "77ab"},),
            results={
                "validation": validation(),
                "fairness": json_form(
                    {
                        "columns": [
                            {
                                "candidate": {
                                    "column": "sex",
                                    "disparities": {"calibration_error": Estimate(0.12, 0.04, 0.2)},
                                }
                            }
                        ]
                    }
                ),
                "profile": {
                    "latency_ms": {"1": {"median": 1.23, "p95": 2.0}},
                    "memory_mb": 41.5,
                    "size_mb": 5.2,
                    "load_seconds": 0.8,
                },
            },
            card=CARD,
        ),
    )


def from_outside() -> Entry:
    intake = Intake(
        request="tiny-sentiment",
        source="https://models.example.com/acme/tiny-sentiment",
        revision="d" * 40,
        licence="Apache-2.0",
        purpose="sorting of patients' letters",
        owner="nlp@example.com",
        verdict="accepted",
        reasons=(),
        checked_at=moment(4),
        report={
            "model": "tiny-sentiment",
            "version": 4,
            "scanner": "modelscan 0.8.5",
            "findings": [
                {"rule": "format", "level": "note", "told": "weights are safetensors", "file": "a.safetensors"}
            ],
            "files": [{"path": "a.safetensors", "size": 90_000, "sha256": "e" * 64, "kind": "safetensors"}],
            "loaded": {"state": "loaded", "told": "answered an example", "guards": ["memory"]},
        },
    )
    return Entry(
        name="hub.marketplace.open-source__tiny-sentiment",
        description="",
        versions=[version(1, "open-source", "tiny-sentiment", description=f"Sentiment of short texts. {BAD}")],
        intake=intake,
        evidence=Evidence(flavors=("transformers",), size=90_400, files=3, readme=f"# Tiny sentiment\n{BAD}"),
    )


@pytest.fixture
def catalogue() -> Catalogue:
    bare = Entry(name="hub.marketplace.Lab Results", description="", versions=[Version(1, None, (), "", "", {})])
    accepted = from_outside().intake
    assert accepted is not None
    reason = "weights.bin: calls posix.system when it is loaded"
    refused = replace(accepted, request="miner", verdict="refused", reasons=(reason,), revision="f" * 40)
    return Catalogue(
        date=DAY,
        hub="hub.marketplace",
        entries=[bare, from_outside(), readmission()],
        intakes=[refused, accepted],
        refusals=[Refusal(DAY, "oncology", "main.onco.stage", 7, "refused", "its MLmodel cannot be read")],
    )
