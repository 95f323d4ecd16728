"""A card with everything missing, and one with what is dangerous on a page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.json_form import json_form
from ml_code.platform.model_card.facts import About, Facts
from ml_code.platform.model_card.render import render
from ml_code.platform.registry.findings import Finding
from ml_code.platform.registry.promotion import Verdict

NOTHING = float("nan")
BAD = '<script>alert("x")</script>'


@pytest.fixture
def bare() -> Facts:
    missed = Finding("fairness.group.calibration_error", "missed", 0.2, 0.1, "too far | off\nfor one")
    return Facts(
        model="dev.hrob.risk",
        version=3,
        run_id="0" * 32,
        owner="team@example.com",
        about=About(purpose="To be tested.", intended_use=("tests",), not_for=("people",), caveats=(f"made up {BAD}",)),
        verdict=Verdict("refuse", f"no {BAD}", "auc", 0.6, 0.0, 3, Estimate(0.5, 0.4, 0.6), 9, 3, findings=(missed,)),
        tags={},
        parameters={},
        files={},
        pictures={},
        period="all",
        kept={"birth_id": "hash", "age": "keep"},
        sensitive=("mother_black",),
        reproduction="python ml_code/run.py hrob.train",
    )


def test_a_card_says_what_is_not_known(bare: Facts) -> None:
    card = render(bare)
    for said in (
        "no profile of its data",
        "has not been validated",
        "Fairness has not been measured",
        "has not been explained",
        "has no profile.",
        "team@example.com",
        "mother_black",
    ):
        assert said in card.html
        assert said in card.markdown
    assert "| fairness.group.calibration_error | missed | 0.2 | 0.1 | too far \\| off for one |" in card.markdown


def test_the_page_is_self_contained_and_runs_nothing(bare: Facts) -> None:
    card = render(replace(bare, pictures={"roc": b"\x89PNG"}, files={"validation": validation()}))
    assert "<script" not in card.html
    assert "&lt;script&gt;" in card.html
    assert "data:image/png;base64,iVBORw" in card.html
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", card.html)
    assert "![ROC curve on the held-out rows](../evaluation/roc.png)" in card.markdown
    assert "0.700 [0.600, 0.800]" in card.html
    assert card.html.count("<section") == len(re.findall(r"^## ", card.markdown, re.MULTILINE)) == 12


def validation() -> Any:
    metrics = {"auc": Estimate(0.7, 0.6, 0.8), "brier": Estimate(NOTHING, NOTHING, NOTHING)}
    return json_form({"candidate": {"rows": 9, "positives": 3, "metrics": metrics}, "champion": None})
