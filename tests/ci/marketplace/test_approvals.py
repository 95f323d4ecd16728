"""The check of approvals.yaml in a pull request, on a repository of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.errors import Trouble
from ci.marketplace.approvals import FILE, Judgement, judge_approvals
from infra.settings.marketplace import Wanted

TODAY = date(2026, 11, 21)
Judge = Callable[..., Judgement]


def entry(**more: Any) -> dict[str, Any]:
    return {
        "model": "east__line",
        "principals": ["ward-analysts"],
        "workspaces": ["west"],
        "until": "2027-03-31",
        "approved_by": "risk.board@example.com",
        "reason": "validated on the data of West's wards",
        **more,
    }


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Commits the entries as `author` and judges them; the settings know east and west."""

    def run(
        *entries: dict[str, Any], author: str = "scientist@example.com", wanted: Sequence[Wanted] = (), text: str = ""
    ) -> Judgement:
        (tmp_path / FILE).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / FILE).write_text(text or yaml.safe_dump({"approvals": list(entries)}, sort_keys=False))
        name = ["-c", f"user.name={author}", "-c", f"user.email={author}"]
        for arguments in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "Approve"]):
            subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)
        return judge_approvals(tmp_path, {"east": (), "west": wanted}, TODAY)

    return run


def test_a_whole_approval_has_no_problems(judge: Judge) -> None:
    judged = judge(entry(), entry(model="east__stays", workspaces=[]))
    assert (judged.problems, judged.notes) == ([], [])
    assert [(each.model, each.until, each.first_line) for each in judged.approvals] == [
        ("east__line", date(2027, 3, 31), 2),
        ("east__stays", date(2027, 3, 31), 10),
    ]


def test_nobody_approves_an_entry_of_their_own(judge: Judge) -> None:
    (problem,) = judge(entry(), author="Risk.Board@example.com").problems
    assert problem.startswith(f"{FILE}:2: east__line: risk.board@example.com wrote the entry")


def test_an_approval_ends_within_a_year_and_an_ended_one_is_noted(judge: Judge) -> None:
    judged = judge(entry(until="2027-11-23"), entry(model="b", until="2026-11-20"))
    assert [problem.partition(": ")[2] for problem in judged.problems] == [
        "east__line: until 2027-11-23 is more than a year ahead"
    ]
    assert "ended on 2026-11-20" in judged.notes[0]


def test_a_workspace_that_the_settings_do_not_have_is_told(judge: Judge) -> None:
    (problem,) = judge(entry(workspaces=["wset"])).problems
    assert "has no workspace 'wset'; did you mean 'west'?" in problem


def test_what_the_settings_bring_must_be_approved(judge: Judge) -> None:
    line, second = Wanted(model="east__line"), Wanted(model="east__line", version=2, name="pinned")
    assert judge(entry(), wanted=[line]).problems == []
    assert judge(entry(versions=[2]), wanted=[line, second]).problems == []
    (problem,) = judge(entry(versions=[1, 3]), wanted=[second]).problems
    assert "west wants version 2 of east__line; approved are 1, 3" in problem
    for ended_or_elsewhere in (entry(until="2026-11-20"), entry(workspaces=["east"])):
        (problem,) = judge(ended_or_elsewhere, wanted=[line]).problems
        assert "west wants east__line, which is not approved for it" in problem


def test_a_file_that_cannot_be_read_is_told_with_file_and_key(judge: Judge) -> None:
    (problem,) = judge(entry(until="tomorrow")).problems
    assert problem.startswith(f"{FILE}: approvals.0.until: ")
    (problem,) = judge(text="approvals: [").problems
    assert "is not valid YAML" in problem


def test_uncommitted_entries_are_their_writers(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(entry())
    with (tmp_path / FILE).open("a") as file:
        file.write("# looked at\n")
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().replace("West's wards", "all of West's wards"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Board")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "risk.board@example.com")
    (problem,) = judge_approvals(tmp_path, {"west": ()}, TODAY).problems
    assert "wrote the entry" in problem


def test_a_checkout_whose_code_does_not_run_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "ml_code"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('broken')")
    with pytest.raises(Trouble, match=r"cannot be read.*broken"):
        judge_approvals(tmp_path, {}, TODAY)
