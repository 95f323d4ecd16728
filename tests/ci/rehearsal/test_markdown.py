"""The summary for a pull request's comment."""

from __future__ import annotations

import re

import pytest

from ci.rehearsal.markdown import LONGEST
from ci.rehearsal.model import Commit, Verdict
from tests.ci.rehearsal import sample

HOSTILE = (
    "](https://evil.example) ![x](https://evil.example/x.png) <img src=x> @everyone `code` | cell\n"
    "# head \u202egnp\x1b[2J"
)


@pytest.mark.parametrize(
    ("verdict", "side", "words"),
    [
        (Verdict.PASSED, None, "Rehearsal passed"),
        (Verdict.FAILED, "change", "The change fails its rehearsal"),
        (Verdict.BASE_FAILED, "base", "Nothing is known of the change: its base fails"),
    ],
)
def test_the_first_line_is_the_verdict(verdict: Verdict, side: str | None, words: str) -> None:
    problems = (sample.problem(side=side),) if side else ()
    first = sample.rehearsal(verdict=verdict, problems=problems).to_markdown().splitlines()[0]
    assert f"**{words}** · staging" in first
    assert ("run staging-hrob-training failed" in first) is bool(side)


def test_it_tells_update_model_tables_and_durations() -> None:
    text = sample.rehearsal().to_markdown()
    assert "1 updated in place, nothing destroyed. A second plan is empty." in text
    assert "| `databricks_job.training` | `staging` | updated in place | `timeout_seconds: 7200 → 5400` |" in text
    assert "Version 2 promoted: auc 0.652 [0.550, 0.770] against 0.615 [0.509, 0.746] of champion v1." in text
    assert "Difference in auc, challenger less champion: 0.037 [-0.020, 0.090]. Threshold 0.01, floor 0.5." in text
    assert "| `staging.hrob.features` | `age: int → double` | 100 → 90 | -10 | 1 → 2 |" in text
    assert "| **`staging-hrob-training`** | 30 s | 30 s |" in text


def test_what_failed_stands_there_with_the_end_of_its_log() -> None:
    problem = sample.problem(log="Traceback\nValueError: no rows")
    text = sample.rehearsal(verdict=Verdict.FAILED, problems=(problem,)).to_markdown()
    assert "### change: run staging-hrob-training failed" in text
    assert "```text\nTraceback\nValueError: no rows\n```" in text


def test_text_of_the_change_is_never_markup() -> None:
    found = sample.rehearsal(
        change=Commit(sha="b" * 40, subject=HOSTILE, revision="HEAD"),
        verdict=Verdict.FAILED,
        problems=(sample.problem(step=HOSTILE, reason=f"```\n{HOSTILE}\n```"),),
        update=(sample.stack(sample.update(path=HOSTILE)),),
        jobs=(sample.job(name=HOSTILE),),
        models=(sample.model(name=HOSTILE).model_copy(update={"reason": HOSTILE, "metric": HOSTILE}),),
        tables=(sample.table(name=HOSTILE),),
        notes=(HOSTILE,),
    )
    text = found.to_markdown()
    fenced = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    prose = re.sub(r"`[^`\n]*`", "", fenced)
    assert "```" not in prose
    assert "<img" not in prose
    assert "@everyone" not in prose
    assert not re.search(r"(?<!\\)\]\(", prose)
    assert not re.search(r"(?m)^# head", prose)
    assert "\x1b" not in text
    assert "\u202e" not in text
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| ")}
    assert cells <= {4, 5, 6}, "no name adds a cell to its table"


def test_a_log_cannot_leave_its_block() -> None:
    text = sample.rehearsal(problems=(sample.problem(log="a\n````\n# out"),)).to_markdown()
    assert "`````text\na\n````\n# out\n`````" in text


def test_a_long_report_is_cut_with_a_note() -> None:
    many = tuple(sample.update(f"job_{number}", "x" * 80) for number in range(1000))
    text = sample.rehearsal(update=(sample.stack(*many),)).to_markdown()
    assert sum(len(change.address) + 80 for change in many) > LONGEST
    assert len(text) < LONGEST + 200
    assert text.rstrip().endswith("the page and the JSON have all of it.")
