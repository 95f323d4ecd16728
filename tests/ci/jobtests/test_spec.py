"""Specs are read whole or refused with all that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.jobtests.baselines import Outcome, accept, baseline
from ci.jobtests.compare import compare
from ci.jobtests.spec import FOLDER, read_specs


def test_the_projects_own_specs_are_read_and_have_accepted_results() -> None:
    specs = read_specs([])
    assert "hrob-sample" in [spec.name for spec in specs]
    for spec in specs:
        accepted = baseline(spec.name)
        assert accepted is not None, f"{spec.name} has no baseline in {FOLDER}"
        assert {name.partition(".")[0] for name in accepted.values} == set(spec.results)


def test_everything_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "description: d\nenvironment: dev\njobs: []\n"
        "results: {a: {query: SELECT 1, metrics_of: x}, b: {tolerence: 1}}\n"
    )
    with pytest.raises(Trouble) as caught:
        read_specs([], tmp_path)
    for said in ("bad.yaml", "jobs", "results.a", "exactly one of query and metrics_of", "results.b", "tolerence"):
        assert said in str(caught.value)


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("x")
    with pytest.raises(Trouble, match="has one"):
        read_specs(["two"], tmp_path)


def test_what_is_accepted_is_the_baseline(tmp_path: Path) -> None:
    outcome = Outcome(commit="c", values={"births.rows": 12, "births.share": 0.25, "x.y": None, "x.z": "text"})
    accept("one", outcome, tmp_path)
    found = baseline("one", tmp_path)
    assert found == outcome
    spec = read_specs(["hrob-sample"])[0]
    assert all(each.passed for each in compare(spec, found.values, outcome.values))
