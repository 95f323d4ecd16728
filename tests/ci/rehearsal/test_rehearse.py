"""Real rehearsals through the command: a change that alters a job, a table and the code, and changes that fail."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.rehearsal.model import Rehearsal, Verdict
from infra.workspace import launch
from tests.support.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

_COMMAND = [".venv/bin/python", "-c", "from ci.main import main; main()", "rehearse"]
_FEATURE = """
  thresholds:
    description: Thresholds of other features
    features:
      many_visits: {words: more than fifteen prenatal visits, expression: cast(npvis > 15 as int), low: 0, high: 1}
"""
_SECRETS = {"GITHUB_TOKEN": "s3cret-1", "AWS_SECRET_ACCESS_KEY": "s3cret-2", "TF_VAR_databricks_token": "s3cret-3"}


@dataclass(frozen=True)
class Done:
    """The command, ended."""

    clone: Clone
    code: int
    out: str
    err: str

    @property
    def found(self) -> Rehearsal:
        return Rehearsal.model_validate_json((self.clone.path / "out/rehearsal.json").read_text())


def _rehearse(clone: Clone, *options: str) -> Done:
    files = [f"--{kind}=out/rehearsal.{end}" for kind, end in (("json", "json"), ("markdown", "md"), ("html", "html"))]
    done = subprocess.run(
        [*_COMMAND, *files, *options], cwd=clone.path, env={**os.environ, **_SECRETS}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    return Done(clone, done.returncode, done.stdout, done.stderr)


def _read(clone: Clone, path: str, *replacements: tuple[str, str]) -> dict[str, str]:
    text = (clone.path / path).read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return {path: text}


def _change(clone: Clone, environment_dump: Path) -> dict[str, str]:
    """A shorter timeout, a new feature, for whose column the table is made anew, and code that looks for secrets."""
    mappings = "ml_code/projects/hrob/feature_mappings.yml"
    dump = f"Path({str(environment_dump)!r}).write_text(repr(dict(os.environ)))\n\n\ndef plan("
    return {
        **_read(clone, "infra/settings/staging.yaml", ("timeout_minutes: 120", "timeout_minutes: 90")),
        **_read(
            clone, "ml_code/projects/hrob/feature_selection_config.yml", ("  - child\n", "  - child\n  - thresholds\n")
        ),
        **_read(clone, "stacks/plan.py", ("def plan(", dump)),
        mappings: (clone.path / mappings).read_text().rstrip("\n") + "\n" + _FEATURE,
    }


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("rehearsed")
    clone = Clone(folder)
    commit = clone.commit("feature/visits", _change(clone, folder / "environment.txt"), "Visits above fifteen")
    # The base goes on meanwhile: what is rehearsed is the merge.
    clone.commit("main", {"docs/note.md": "a note\n"})
    clone.git("checkout", "-q", "feature/visits")
    done = _rehearse(clone)
    assert done.code == 0, done.out + done.err
    assert done.found.change.sha == commit
    return done


def test_the_update_applies_in_place(passed: Done) -> None:
    found = passed.found
    assert found.verdict is Verdict.PASSED
    assert {change.address for _, change in found.changes} == {
        "databricks_job.landing",
        "databricks_job.training",
        "databricks_job.batch_inference",
        "databricks_job.monitoring",
        "databricks_job.quality_monitor",
    }
    assert {change.action.value for _, change in found.changes} == {"update"}
    assert ("timeout_seconds", 7200, 5400) in {
        (field.path, field.before, field.after) for _, change in found.changes for field in change.fields
    }
    assert found.destroyed == ()
    assert found.settled is True


def test_the_jobs_run_the_base_and_then_the_merged_change(passed: Done) -> None:
    found = passed.found
    assert found.merged
    assert "not an ancestor" in found.notes[0]
    assert [pair.name for pair in found.jobs] == [
        f"staging-hrob-{job}" for job in ("landing", "training", "batch-inference", "monitoring")
    ]
    for pair in found.jobs:
        assert pair.before is not None
        assert pair.after is not None
        assert (pair.before.succeeded, pair.before.commit) == (True, found.base.sha)
        assert (pair.after.succeeded, pair.after.commit) == (True, found.rehearsed)
        ran = [task for task in (*pair.before.tasks, *pair.after.tasks) if task.state == "SUCCESS"]
        assert ran
        assert all(task.seconds is not None for task in ran)


def test_tables_are_compared(passed: Done) -> None:
    tables = {pair.name: pair for pair in passed.found.tables}
    changes = tables["staging.hrob.features"].column_changes()
    assert [(change.name, change.before, change.after and change.after.type) for change in changes] == [
        ("many_visits", None, "double")
    ]
    assert [name for name, pair in tables.items() if pair.made_anew] == ["staging.hrob.features"]
    births = tables["staging.hrob.births"]
    assert births.column_changes() == ()
    assert births.row_change == 0
    assert births.before is not None
    assert (births.before.rows, births.before.version) == (1646, 1)


def test_champion_and_challenger_are_measured_on_the_same_rows(passed: Done) -> None:
    (pair,) = passed.found.models
    assert pair.name == "staging.hrob.risk"
    assert (pair.champion and pair.champion.version, pair.challenger and pair.challenger.version) == ("1", "2")
    assert pair.decision in ("promote", "refuse")
    assert (pair.metric, pair.floor, pair.threshold) == ("auc", 0.5, 0.01)
    for side in (pair.champion, pair.challenger):
        assert side is not None
        auc = side.metrics["auc"]
        assert auc.low is not None
        assert auc.high is not None
        assert auc.low < auc.value < auc.high
    assert pair.difference is not None
    assert pair.champion_after == ("2" if pair.decision == "promote" else "1")


def test_the_report_is_written_and_kept_as_evidence(passed: Done) -> None:
    found, path = passed.found, passed.clone.path
    evidence = path / ".branchline/evidence" / found.change.sha
    for end in ("json", "md", "html"):
        assert (evidence / f"rehearsal.{end}").read_text() == (path / f"out/rehearsal.{end}").read_text()
    assert passed.out.splitlines()[0].startswith("✅ **Rehearsal passed** · staging · 5 updated in place")
    assert "ok" in passed.err
    assert "run staging-hrob-training again" in passed.err


def test_no_secret_reaches_the_changes_code(passed: Done) -> None:
    seen = (passed.clone.path.parent / "environment.txt").read_text()
    assert "CDKTF_OUTDIR" in seen
    assert "s3cret" not in seen


def test_nothing_is_left_behind(passed: Done) -> None:
    home = passed.clone.path / ".branchline"
    assert [path.name for path in (home / "rehearsal").iterdir()] == [".lock"]
    assert not (home / "state").exists(), "the settings' own state was not touched"
    assert passed.clone.git("status", "--porcelain", "--untracked-files=no") == ""
    assert json.loads((passed.clone.path / "out/rehearsal.json").read_text())["kept"] is None


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The project with its landing job alone, which is not tried again: what fails, fails soon."""
    clone = Clone(tmp_path_factory.mktemp("small"))
    every = "[_landing(settings, manifest), _training(settings, manifest, gated=monitored), _batch_inference(settings)]"
    alone = [(every, "[_landing(settings, manifest)]"), ("    if monitored:\n", "    if not monitored:\n")]
    files = {
        **_read(clone, "stacks/jobs.py", *alone),
        **_read(clone, "infra/settings/staging.yaml", ("retries: 1", "retries: 0")),
    }
    clone.commit("main", files, "Landing alone")
    return clone


@pytest.mark.faults
def test_a_change_whose_job_fails_does_not_pass(small: Clone) -> None:
    run = "    landing = read_project"
    files = _read(small, "ml_code/projects/hrob/land.py", (run, f'    raise ValueError("</script> no births")\n{run}'))
    small.commit("feature/broken", files)
    done = _rehearse(small, "--change", "feature/broken")
    assert done.code == 3, done.out + done.err
    (problem,) = done.found.problems
    assert (problem.side, problem.step, problem.reason) == ("change", "run staging-hrob-landing", "FAILED in land")
    assert "ValueError: </script> no births" in problem.log
    assert "</script>" not in (small.path / "out/rehearsal.html").read_text()
    assert done.out.startswith("❌ **The change fails its rehearsal** · staging · run staging-hrob-landing failed")


@pytest.mark.faults
def test_a_change_that_does_not_deploy_does_not_pass(small: Clone) -> None:
    """Nor does it come to its jobs; the base's did run."""
    files = _read(small, "infra/settings/staging.yaml", ("retries: 0", "retries: many"))
    small.commit("feature/undeployable", files)
    done = _rehearse(small, "--change", "feature/undeployable")
    assert done.code == 3, done.out + done.err
    (problem,) = done.found.problems
    assert (problem.side, problem.step) == ("change", "synthesize the change")
    assert "infra/settings/staging.yaml" in problem.reason
    assert [(pair.before is None, pair.after) for pair in done.found.jobs] == [(False, None)]


@pytest.mark.faults
def test_a_base_that_fails_is_said_to_be_the_base_and_its_workspace_can_be_kept(small: Clone) -> None:
    files = _read(small, "infra/settings/staging.yaml", ("retries: 0", "retries: many"))
    small.commit("broken-base", files)
    done = _rehearse(small, "--base", "broken-base", "--change", "main", "--keep")
    assert done.code == 1, done.out + done.err
    assert done.found.verdict is Verdict.BASE_FAILED
    assert done.out.startswith("⚠️ **Nothing is known of the change: its base fails**")
    assert "synthesize the base" in done.out
    workspace = Path(done.found.kept or "") / "workspace"
    try:
        assert launch.find(workspace) is not None
        assert f"workspace reset --data-dir {workspace}" in done.err
    finally:
        launch.reset(workspace)
