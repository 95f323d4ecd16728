"""`branchline marketplace check`: which requests a branch changes, and what is told of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ci.errors import Trouble
from ci.main import app
from ci.marketplace import intake
from ci.marketplace.intake import POLICY, REQUESTS, Change, as_markdown, changed_since, run_check
from ci.repository import ROOT, git
from tests.support.model_hub import ModelHub, serving
from tests.support.model_requests import TRANSFORMERS, of_hub, policy, request, transformer_files

EVIL = b"cos\nsystem\n(S'id'\ntR."


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(files=transformer_files()) as found:
        yield found


@pytest.fixture
def clone(tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose ML code is this one's, with a policy of its own; the base is tagged."""
    root = tmp_path / "clone"
    (root / REQUESTS).mkdir(parents=True)
    (root / POLICY).write_text(policy(hub.url).model_dump_json())
    git_in(root, "init", "-q", "-b", "main")
    commit(root, "base")
    git(root, "tag", "base")
    monkeypatch.setattr(intake, "ROOT", root)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return root


def git_in(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git_in(root, "add", "-A")
    git_in(root, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", message)


def ask(root: Path, hub: ModelHub, name: str, version: int) -> None:
    content = request(of_hub(hub.url), name, **TRANSFORMERS, version=version).request.model_dump_json()
    (root / REQUESTS / f"{name}.yaml").write_text(content)


def test_requests_that_a_branch_changes(clone: Path, hub: ModelHub) -> None:
    assert changed_since(clone, "base") == Change([], policy=False)
    ask(clone, hub, "old", 1)
    commit(clone, "old")
    git(clone, "tag", "later")
    ask(clone, hub, "new", 2)
    (clone / REQUESTS / "old.yaml").unlink()
    (clone / REQUESTS / "README.md").write_text("words")
    commit(clone, "new")
    assert changed_since(clone, "later") == Change(["new"], policy=False)
    (clone / POLICY).write_text("{}")
    commit(clone, "rules")
    assert changed_since(clone, "later").policy


def test_an_accepted_and_a_refused_request(clone: Path, hub: ModelHub, tmp_path: Path) -> None:
    ask(clone, hub, "notes", 1)
    commit(clone, "asked")
    files = {name: str(tmp_path / "out" / f"report.{name}") for name in ("json", "markdown")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    done = CliRunner().invoke(app, ["marketplace", "check", "--base", "base", *options])
    assert done.exit_code == 0, done.output
    assert "accepted" in done.output
    (report,) = json.loads(Path(files["json"]).read_text())
    assert report["verdict"] == "accepted"
    text = Path(files["markdown"]).read_text()
    assert "| notes | note-sorter v1 |" in text
    assert report["files"][0]["sha256"] in text
    assert git(clone, "status", "--porcelain") == "", "nothing is taken in"

    hub.files["vocab.txt"] = EVIL
    done = CliRunner().invoke(app, ["marketplace", "check", "notes", *options])
    assert done.exit_code == 3, done.output
    assert "vocab.txt" in done.output
    assert "os.system" in Path(files["markdown"]).read_text()


def test_nothing_to_check_is_no_failure(clone: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.md"
    done = CliRunner().invoke(app, ["marketplace", "check", "--base", "base", "--markdown", str(out)])
    assert done.exit_code == 0, done.output
    assert "No request to check" in out.read_text()


def test_a_source_that_does_not_answer_is_a_failure_and_no_verdict(clone: Path, hub: ModelHub) -> None:
    with serving() as gone:
        nowhere = gone.url
    (clone / POLICY).write_text(policy(nowhere).model_dump_json())
    content = request(of_hub(nowhere), **TRANSFORMERS).request.model_dump_json()
    (clone / REQUESTS / "notes.yaml").write_text(content)
    done = CliRunner().invoke(app, ["marketplace", "check"])
    assert done.exit_code == 1, done.output
    assert "cannot be fetched" in done.output


def test_a_request_that_cannot_be_read_is_told(clone: Path) -> None:
    (clone / REQUESTS / "notes.yaml").write_text("model: 1\n")
    with pytest.raises(Trouble, match=r"requests/notes\.yaml: version: missing"):
        run_check(clone, ())


def test_words_of_a_report_cannot_break_out_of_the_comment() -> None:
    report = {
        "request": "a|b", "model": "m", "version": 1, "source": "https://x/<img src=x>", "revision": "0" * 40,
        "licence": "MIT", "verdict": "refused", "files": [],
        "findings": [{"level": "refused", "rule": "r", "file": "<b>", "told": "`x` | y"}],
    }  # fmt: skip
    text = as_markdown([report], Change((), policy=True))
    assert "<img" not in text
    assert "<b>" not in text
    assert "a\\|b" in text
    assert f"**{POLICY} changes" in text
