from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from ci.main import app

runner = CliRunner()


def test_help_names_every_command() -> None:
    said = runner.invoke(app, ["--help"]).output
    for command in ("doctor", "workspace", "run", "jobs", "compare", "demo"):
        assert f" {command} " in said


def test_what_the_user_can_mend_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    ended = runner.invoke(app, ["workspace", "env", "--data-dir", str(tmp_path)])
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert ended.stderr.strip().splitlines() == [
        f"no workspace runs on {tmp_path}: start it with 'branchline workspace up'"
    ]


def test_what_the_user_cannot_mend_keeps_its_traceback() -> None:
    from ci.main import ErrorsForPeople

    class Broken(ErrorsForPeople):
        pass

    import typer

    broken = typer.Typer(cls=Broken)

    @broken.command("a")
    def fails() -> None:
        raise ZeroDivisionError("ours")

    @broken.command("b")
    def works() -> None:
        pass

    assert isinstance(runner.invoke(broken, ["a"]).exception, ZeroDivisionError)
