"""Cutting on real repositories: what moves at the remote, and what does not when it is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ci.deployments.record import HookResult
from ci.errors import Trouble
from ci.release import evidence
from ci.release.cut import Proof, complete, prepare, publish, unfinished
from ci.release.ledger import find_release, releases
from ci.release.remote import LEDGER
from ci.repository import git
from tests.ci.release.repo import Project, green


def keep(project: Project, commit: str, name: str, text: str) -> None:
    folder = project.path / ".branchline" / "evidence" / commit
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_release_is_main_with_a_tag_notes_and_the_evidence(project: Project) -> None:
    merge = project.merge_pull_request(7, "Weight in kilograms", {"ml_code/weight.py": "unit = 'kg'\n"})
    project.commit({"stacks/jobs.py": "retries = 2\n"}, "Retry jobs (#8)")
    tip = project.commit({"notes.txt": "by hand\n"}, "A note")
    keep(project, tip, "plan.json", '{"digests": {}}\n')
    keep(project, tip, ".gate.json.draft", "half")
    keep(project, git(project.path, "rev-parse", f"{merge}^2"), "candidate.json", '{"version": 3}\n')
    remote = project.ask()
    verdicts = [{"model": "staging.hrob.risk", "version": "3", "verdict": "promote: better"}]
    prepared = prepare(remote, project.line, Proof(green(tip), verdicts), tag="v1.0.0")
    assert project.refs() == dict(remote.refs) | {"HEAD": tip}, "preparing moves nothing"
    publish(remote, project.line, prepared)

    refs = project.refs()
    assert refs["refs/heads/release"] == refs["refs/tags/v1.0.0^{}"] == tip
    assert prepared.merged is False
    message = git(project.path, "for-each-ref", "--format=%(contents)", "refs/tags/v1.0.0")
    ml_code, stacks, other = (message.index(heading) for heading in ("### ML code", "### Infrastructure", "### Other"))
    assert ml_code < message.index("- Weight in kilograms (#7, An Engineer)") < stacks
    assert stacks < message.index("- Retry jobs (#8, An Engineer)") < other
    assert f"- A note ({tip[:8]}, An Engineer)" in message
    head = git(project.path, "rev-parse", f"{merge}^2")
    release = find_release(project.ask(), "v1.0.0", releases(project.ask()))
    paths = [path for path, _ in evidence.attached(project.path, release)]
    assert paths == [f"changes/{head}/candidate.json", "plan.json", "verdicts.json"]
    assert prepared.missing == ["gate.json", "rehearsal.json"]


def test_evidence_comes_out_as_it_went_in_and_its_digests_are_in_the_tag(project: Project, tmp_path: Path) -> None:
    tip = project.commit({"a.txt": "a"})
    keep(project, tip, "rehearsal.html", "<p>ends without a newline, with spaces  ")
    project.cut("v1.0.0")
    other = Project(tmp_path, "other")  # a clone that has only what the remote has
    (release,) = releases(other.ask())
    assert evidence.extract(other.path, release, tmp_path / "out") == [tmp_path / "out" / "rehearsal.html"]
    listed = [line.strip() for line in release.message.splitlines() if line.endswith("  rehearsal.html")]
    done = subprocess.run(["sha256sum", "--check"], cwd=tmp_path / "out", input="\n".join(listed) + "\n", text=True)
    assert done.returncode == 0
    assert git(other.path, "ls-remote", "origin", "refs/branchline/evidence/v1.0.0").split()[0] == release.record


def test_tags_are_dated_and_counted(project: Project) -> None:
    assert project.cut().release.tag.endswith("-1")
    project.commit({"a.txt": "a"})
    assert project.cut().release.tag.endswith("-2")
    with pytest.raises(Trouble, match="nothing to release: main is at"):
        project.prepare()


@pytest.mark.parametrize(
    ("tag", "said"),
    [("latest", "expected vX.Y.Z"), ("v1.0", "expected vX.Y.Z"), ("v1.0.0", "exists at origin already")],
)
def test_a_tag_that_cannot_be_used_is_refused(project: Project, tag: str, said: str) -> None:
    git(project.path, "push", "--quiet", "origin", "main:refs/tags/v1.0.0")
    with pytest.raises(Trouble, match=said):
        project.prepare(tag)


def test_a_red_main_is_refused_with_all_that_is_red(project: Project) -> None:
    old = project.ask().branch("main") or ""
    tip = project.commit({"a.txt": "a"})
    before = project.refs()
    keep(project, tip, "gate.json", json.dumps({"passed": False}))
    hooks = (
        HookResult(name="train", kind="run_job", state="failed", run_id=12, message="task validate: FAILED"),
        HookResult(name="sync", kind="sync_repo", state="succeeded"),
        HookResult(name="score", kind="run_job", state="skipped"),
    )
    left = ("staging: databricks_job.training",)
    cases = {
        "nothing has been deployed to staging": None,
        f"staging runs {old[:12]}, 1 commit behind": green(old),
        "is failed, not applied: staging: databricks_job.training: it broke": green(
            tip, state="failed", left=left, problem="it broke"
        ),
        "hook train of its deployment to staging is failed, run 12: task validate: FAILED": green(tip, hooks=hooks),
        "its gate did not pass": green(tip),
    }
    for said, latest in cases.items():
        with pytest.raises(Trouble) as refused:
            prepare(project.ask(), project.line, Proof(latest))
        assert said in str(refused.value)
        assert "sync" not in str(refused.value)
        assert "score" not in str(refused.value)
    assert project.refs() == before


def test_after_a_rollback_a_merge_brings_release_to_main_s_tree(project: Project) -> None:
    project.cut("v1.0.0")
    project.merge_pull_request(7, "Worse", {"ml_code/step.py": "version = 2\n"})
    project.cut("v2.0.0")
    restored = project.roll_back("v1.0.0")
    with pytest.raises(Trouble, match=r"released as v2\.0\.0 and rolled back since"):
        project.prepare()
    tip = project.merge_pull_request(8, "Mended", {"ml_code/step.py": "version = 3\n"})
    cut = project.cut("v3.0.0")
    assert cut.merged
    assert git(project.path, "rev-parse", "v3.0.0^1", "v3.0.0^2").split() == [restored, tip]
    assert project.tree("v3.0.0") == project.tree(tip)
    assert "rolled back to v1.0.0: what v2.0.0 brought comes again" in cut.notes
    assert [change.title for change in cut.changes] == ["Worse", "Mended"]
    project.merge_pull_request(9, "Next", {"ml_code/step.py": "version = 4\n"})
    following = project.cut("v4.0.0")
    assert [change.title for change in following.changes] == ["Next"]
    assert following.release.source == project.ask().branch("main")


def test_work_that_was_done_on_release_alone_is_not_lost(project: Project) -> None:
    project.cut("v1.0.0")
    hotfix = project.commit({"hotfix.py": "urgent = True\n"}, "Hotfix", branch="release")
    project.commit({"a.txt": "a"})
    before = project.refs()
    with pytest.raises(Trouble, match=rf"content that main never had.*\n- {hotfix[:7]}\w* Hotfix"):
        project.prepare()
    assert project.refs() == before


def test_of_two_cuts_at_once_one_wins_and_nothing_of_the_other_stays(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path, "other")
    first, second = project.prepare("v1.0.0"), other.prepare("v1.0.1")
    remote = other.ask()
    publish(project.ask(), project.line, first)
    won = project.refs()
    with pytest.raises(Trouble, match=r"v1\.0\.1 was not cut"):
        publish(remote, other.line, second)
    assert project.refs() == won
    assert "v1.0.1" not in git(other.path, "tag").split()


def test_main_that_moves_meanwhile_is_left_for_the_next_release(project: Project) -> None:
    prepared, remote = project.prepare("v1.0.0"), project.ask()
    later = project.commit({"a.txt": "a"})
    publish(remote, project.line, prepared)
    refs = project.refs()
    assert refs["refs/heads/main"] == later
    assert refs["refs/heads/release"] != later
    assert [change.commit for change in project.prepare("v1.1.0").changes] == [later]


def test_release_that_moves_meanwhile_stops_the_cut(project: Project) -> None:
    project.cut("v1.0.0")
    tip = project.commit({"a.txt": "a"})
    prepared, remote = project.prepare("v1.1.0"), project.ask()
    project.commit({"ml_code/step.py": "version = 'hot'\n"}, "Hotfix", branch="release")
    before = project.refs()
    with pytest.raises(Trouble, match="nothing of it has moved"):
        publish(remote, project.line, prepared)
    assert project.refs() == before
    assert before["refs/heads/main"] == tip


def test_a_host_without_transactions_is_served_and_what_it_half_did_is_completed(project: Project) -> None:
    git(project.remote, "config", "receive.advertiseAtomic", "false")
    hook = project.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/branchline/releases) exit 0;; esac\nexit 1\n')
    hook.chmod(0o755)
    with pytest.raises(Trouble, match=r"has moved, and one of refs/branchline/evidence/v1\.0\.0, .* was refused"):
        project.cut("v1.0.0")
    assert LEDGER in project.refs()
    assert "refs/tags/v1.0.0" not in project.refs()
    hook.unlink()
    half = unfinished(project.ask(), project.line)
    assert half is not None
    complete(project.ask(), project.line, half)
    assert unfinished(project.ask(), project.line) is None
    assert find_release(project.ask(), "v1.0.0", releases(project.ask())).commit == project.ask().branch("release")
    project.commit({"a.txt": "a"})
    project.cut("v1.1.0")
    assert project.tags() == ["v1.0.0", "v1.1.0"]


def test_a_first_release_makes_the_branch_and_a_shallow_clone_will_do(project: Project, tmp_path: Path) -> None:
    git(project.path, "push", "--quiet", "origin", ":release")
    project.merge_pull_request(7, "First", {"a.txt": "a"})
    shallow = Project.__new__(Project)
    shallow.path, shallow.remote, shallow.line = tmp_path / "shallow", project.remote, project.line
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{project.remote}", str(shallow.path))
    for key, value in {"user.name": "CI", "user.email": "ci@example.com"}.items():
        git(shallow.path, "config", key, value)
    cut = shallow.cut("v1.0.0")
    assert [change.title for change in cut.changes] == ["A change", "First"]
    assert project.ask().branch("release") == project.ask().branch("main")


def test_a_tag_that_was_moved_or_made_by_hand_is_no_release(project: Project) -> None:
    project.cut("v1.0.0")
    tip = project.commit({"a.txt": "a"})
    git(project.path, "push", "--quiet", "origin", f"{tip}:refs/tags/v0.9.0")
    git(project.path, "push", "--quiet", "--force", "origin", f"{tip}:refs/tags/v1.0.0")
    remote = project.ask()
    for tag, said in {
        "v0.9.0": "released: v1.0.0",
        "v1.0.O": "did you mean v1.0.0",
        "v1.0.0": f"names {tip[:12]} now",
    }.items():
        with pytest.raises(Trouble, match=said):
            find_release(remote, tag, releases(remote))
