"""approvals.yaml: what it may say, and how wrong entries are told."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.governance.approvals import FILE, parse_approvals, read_approvals
from ml_code.platform.marketplace.governance.check import told

ROOT = Path(__file__).parents[5]
DAY = datetime.date(2026, 11, 21)


def entry(**more: Any) -> dict[str, Any]:
    return {
        "model": "east__readmission",
        "principals": ["ward-analysts"],
        "workspaces": ["west"],
        "until": "2027-03-31",
        "approved_by": "risk.board@example.com",
        "reason": "validated on the data of West's wards",
        **more,
    }


def test_the_repositorys_own_file_is_right() -> None:
    read_approvals(ROOT)


def test_the_example_in_the_comment_is_an_approval(tmp_path: Path) -> None:
    lines = (ROOT / FILE).read_text().splitlines()
    example = [line.removeprefix("# ") for line in lines if line.startswith(("#   - ", "#     "))]
    text = "approvals:\n" + "\n".join(example)
    (approval,) = parse_approvals(yaml.safe_load(text))
    assert approval.model == "east__readmission"
    assert approval.versions == (3,)


@given(st.integers(-400, 400))
def test_an_approval_holds_through_its_last_day(days: int) -> None:
    (approval,) = parse_approvals({"approvals": [entry()]})
    day = datetime.date(2027, 3, 31) + datetime.timedelta(days=days)
    assert approval.holds(day) == (days <= 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (entry(principals=[]), "approvals.0.principals"),
        (entry(until="soon"), "approvals.0.until"),
        (entry(until=None), "approvals.0.until"),
        (entry(model="main.models.*"), "approvals.0.model"),
        (entry(approved_by="the board"), "approvals.0.approved_by"),
        (entry(reason="ok"), "approvals.0.reason"),
        (entry(versions=[0]), "approvals.0.versions.0"),
        (entry(wokspaces=["west"]), "approvals.0.wokspaces: unknown key"),
        (entry(principals=["a", "a"]), "a is named twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_approvals({"approvals": [wrong]})
    assert str(FILE) in str(caught.value)
    assert said in str(caught.value)


def test_one_principal_has_one_approval_for_a_model() -> None:
    with pytest.raises(
        ConfigurationError, match=r"approvals\.1: .* is approved for ward-analysts already by approvals\.0"
    ):
        parse_approvals({"approvals": [entry(), entry(versions=[2])]})
    parse_approvals({"approvals": [entry(), entry(model="east__stays")]})


def test_the_lines_of_each_entry_are_told(tmp_path: Path) -> None:
    text = (
        "approvals:\n"
        "  - model: a\n    principals:\n      - one\n      - two\n    until: 2027-01-01\n"
        "    approved_by: b@example.com\n    reason: >\n      some words\n      and more\n"
        "  # a comment\n"
        "  - {model: b, principals: [x], until: 2027-01-01, approved_by: b@example.com, reason: long enough}\n"
    )
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(text)
    found = told(tmp_path)
    assert found["problems"] == []
    assert [(each["first_line"], each["last_line"]) for each in found["approvals"]] == [(2, 10), (12, 12)]


def test_all_problems_are_told_without_a_traceback(tmp_path: Path) -> None:
    assert told(tmp_path)["problems"] == [f"approvals.yaml: file not found; expected at {tmp_path / FILE}"]
