from __future__ import annotations

from pathlib import Path

import pytest

from ci.demo.display import LineDisplay, LiveDisplay, outcome_table
from ci.demo.steps import Step, StepFailed, StepLog, clean, reason, run_steps


class Recorder:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, index: int) -> None:
        self.seen.append(f"started {index}")

    def progress(self, index: int, line: str) -> None:
        self.seen.append(f"progress {index}: {line}")

    def ended(self, index: int, outcome: object) -> None:
        self.seen.append(f"ended {index}")


def works(log: StepLog) -> str:
    log.note("\x1b[32mhalf way\x1b[0m")
    return "3 added"


def fails(log: StepLog) -> str:
    raise StepFailed("no champion\nbecause")


def breaks(log: StepLog) -> str:
    raise ZeroDivisionError("ours")


def test_the_first_failure_ends_the_demo_and_has_a_log(tmp_path: Path) -> None:
    recorder = Recorder()
    outcomes = run_steps(
        [Step("Deploy dev", works), Step("dev: train", fails), Step("never", works)], tmp_path, recorder
    )
    assert [outcome.failed for outcome in outcomes] == [False, True]
    assert recorder.seen == ["started 0", "progress 0: half way", "ended 0", "started 1", "ended 1"]
    assert outcomes[0].log == tmp_path / "01-deploy-dev.log"
    assert outcomes[0].log.read_text() == "half way\n"
    assert outcomes[1].log == tmp_path / "02-dev-train.log"
    assert "no champion" in outcomes[1].log.read_text()


def test_a_fault_of_ours_leaves_its_trace_in_the_log(tmp_path: Path) -> None:
    (outcome,) = run_steps([Step("x", breaks)], tmp_path, Recorder())
    assert outcome.failed
    assert outcome.result == "ours"
    assert "ZeroDivisionError" in outcome.log.read_text()


def test_a_second_demo_writes_its_logs_anew(tmp_path: Path) -> None:
    for _ in range(2):
        (outcome,) = run_steps([Step("x", works)], tmp_path, Recorder())
    assert outcome.log.read_text() == "half way\n"


def test_the_reason_is_terraform_s_first_error() -> None:
    output = (
        "dev  Initializing\n"
        "[2026-01-31] [ERROR] default - There are some problems with the CLI configuration\n"
        "dev  ╷\ndev  │ Error: cannot create job: PERMISSION_DENIED\n"
        "dev  │ \ndev  │   with databricks_job.training,\ndev  ╵\n"
    )
    assert reason(output).splitlines()[0].endswith("Error: cannot create job: PERMISSION_DENIED")
    assert "Initializing" not in reason(output)


def test_without_an_error_the_reason_is_the_end() -> None:
    lines = [f"line {number}" for number in range(40)]
    assert reason("\n".join(lines)).splitlines()[-1] == "line 39"
    assert len(reason("\n".join(lines)).splitlines()) < 40


def test_clean_takes_colours_away() -> None:
    assert clean("\x1b[1m\x1b[31mError\x1b[0m\r") == "Error"


def test_plain_lines_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [Step("Deploy dev", works), Step("dev: train", fails)]
    with LineDisplay(steps) as display:
        run_steps(steps, tmp_path, display)
    said = capsys.readouterr().out
    assert "[ 1/2] Deploy dev …" in said
    assert "FAILED" in said
    assert "\x1b" not in said


def test_the_live_list_shows_every_step(tmp_path: Path) -> None:
    steps = [Step("Deploy dev", works), Step("dev: train", fails), Step("dev: score", works)]
    display = LiveDisplay(steps)
    run_steps(steps, tmp_path, display)
    assert display._table().row_count == 3


def test_the_table_ends_with_the_sum(tmp_path: Path) -> None:
    outcomes = run_steps([Step("Deploy dev", works)], tmp_path, Recorder())
    table = outcome_table(outcomes)
    assert list(table.columns[0].cells)[-1] == "all"
    assert table.row_count == 2
