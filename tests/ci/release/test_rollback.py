"""Rolling back on real repositories and a real workspace; Terraform's part is played by `Stacks`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ci.apply.report import Report
from ci.apply.request import Request
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.release.checkout import checked_out, settings_at
from ci.release.journal import JournalFile
from ci.release.models import Models
from ci.release.remote import Remote
from ci.release.rollback import prepare, roll_back
from ci.release.scene import Scene, Wish
from ci.release.undo import RollbackFailed
from ci.repository import git, uncommitted
from infra.settings.hooks import When
from infra.settings.loader import FOLDER
from tests.ci.release.prod import Prod, Stacks, scene
from tests.ci.release.repo import Project

APPROVER = "An Approver <approver@example.com>"


class Killed(BaseException):
    """Ends a call where a kill -9 would: nothing after it runs, no handler either."""


@dataclass
class Released:
    """Two releases in prod, each with a champion; prod runs the second."""

    prod: Prod
    project: Project
    stacks: Stacks
    versions: tuple[int, int]

    @property
    def scene(self) -> Scene:
        return scene(self.prod, self.project, self.stacks)

    def wish(self, tag: str = "v1.0.0") -> Wish:
        """With the approval of what `--dry-run` shows."""
        digest = prepare(self.scene, Wish(tag)).plan.digest("prod")
        return Wish(tag, approved=digest, approver=APPROVER)

    def tip(self) -> str:
        return self.project.ask().branch("release") or ""

    def champion(self) -> int | None:
        found = self.prod.models.champion()
        return found.number if found else None


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, which every test takes a copy of."""
    folder = tmp_path_factory.mktemp("template")
    project = Project(folder)
    project.begin()
    # The real ones: a rollback reads the hooks of the restored tree.
    project.commit({f"infra/settings/{path.name}": path.read_text() for path in FOLDER.glob("*.yaml")})
    for number in (1, 2):
        project.merge_pull_request(number, f"Change {number}", {"ml_code/step.py": f"version = {number}\n"})
        project.cut(f"v{number}.0.0")
    return folder


@pytest.fixture
def released(prod: Prod, template: Path, tmp_path: Path) -> Released:
    project = Project.copy(template, tmp_path / "project")
    versions = []
    for tag in ("v1.0.0", "v2.0.0"):
        commit = git(project.path, "rev-parse", f"{tag}^{{commit}}")
        versions.append(prod.version(commit))
        prod.deploy(commit, tag=tag)
        prod.models.set_champion(versions[-1])
    return Released(prod, project, Stacks(prod), (versions[0], versions[1]))


def test_tree_champion_and_stacks_are_those_of_the_release(released: Released) -> None:
    before = released.tip()
    report = roll_back(released.scene, released.wish())
    first, second = released.versions
    tip = released.tip()
    assert git(released.project.path, "rev-parse", f"{tip}^") == before, "a further commit, nothing rewritten"
    assert released.project.tree(tip) == released.project.tree("v1.0.0")
    assert released.champion() == first
    assert released.stacks.applied == [tip]
    record = released.prod.records.latest()
    assert record == report.deployment
    assert (record.release_of, record.approved_by, record.champion_before, record.champion_after) == (
        "v1.0.0",
        APPROVER,
        str(second),
        str(first),
    )
    journal = released.prod.journal.read()
    assert journal is not None
    assert journal.state == "done"


def test_once_more_it_says_the_same_and_leaves_a_champion_of_later_alone(released: Released) -> None:
    wish = released.wish()
    roll_back(released.scene, wish)
    later = released.prod.version(released.tip())
    released.prod.models.set_champion(later)
    before = released.prod.state(released.project)
    assert roll_back(released.scene, wish).deployment == released.prod.records.latest()
    assert released.prod.state(released.project) == before


def test_rolling_forward_again_brings_the_later_model_back(released: Released) -> None:
    roll_back(released.scene, released.wish("v1.0.0"))
    roll_back(released.scene, released.wish("v2.0.0"))
    assert released.champion() == released.versions[1]
    assert released.project.tree(released.tip()) == released.project.tree("v2.0.0")


def test_a_deleted_model_refuses_before_anything_changes(released: Released) -> None:
    name = released.prod.settings.model_full_name
    released.prod.client.model_versions.delete(name, released.versions[0])
    before = released.prod.state(released.project)
    with pytest.raises(Trouble, match=rf"version {released.versions[0]} of {name} .* was deleted: v1.0.0 cannot"):
        roll_back(released.scene, Wish("v1.0.0"))
    assert released.prod.state(released.project) == before
    assert released.stacks.applied == []


def test_without_records_the_model_is_known_by_its_commit(released: Released) -> None:
    for record in released.prod.records.all():
        released.prod.client.workspace.delete(released.prod.records.path(record.id))
    released.prod.version(git(released.project.path, "rev-parse", "v1.0.0"), verdict="refuse: worse")
    roll_back(released.scene, released.wish())
    assert released.champion() == released.versions[0]


def test_refused_before_anything_changes(released: Released) -> None:
    wish = released.wish()
    cases = {
        "changed with an approval only": Wish("v1.0.0"),
        "demands an approval by somebody": replace(wish, approver=None),
        "was approved, and prod now plans": replace(wish, approved="a" * 64),
        "approved a change of their own": replace(wish, approver="engineer@example.com"),
        "was not cut by": Wish("v9.0.0"),
        "nothing to roll back: release .* has the tree of v2.0.0 already": Wish("v2.0.0"),
    }
    before = released.prod.state(released.project)
    for said, refused in cases.items():
        with pytest.raises(Trouble, match=said):
            roll_back(released.scene, refused)
        assert released.prod.state(released.project) == before


def test_an_approval_does_not_outlive_the_release_that_it_was_given_on(released: Released) -> None:
    wish = released.wish()
    released.project.commit({"ml_code/step.py": "cannot be planned\n"})
    released.project.cut("v3.0.0")
    before = released.prod.state(released.project)
    with pytest.raises(Trouble, match="an approval holds for its own commit only"):
        roll_back(released.scene, wish)
    released.project.commit({"ml_code/step.py": "version = 4\n"})
    cut = released.project.cut("v4.0.0")
    broken = git(released.project.path, "rev-parse", "v3.0.0^{commit}")
    released.prod.deploy(broken, tag="v3.0.0")
    released.prod.deploy(cut.release.commit, tag="v4.0.0")
    before = released.prod.state(released.project)
    with pytest.raises(Trouble, match="cannot be planned as it was"):
        roll_back(released.scene, Wish("v3.0.0"))
    assert released.prod.state(released.project) == before


def test_what_fails_is_put_back_by_a_further_commit(released: Released) -> None:
    before, wish = released.tip(), released.wish()

    def fail(request: Request) -> None:
        if request.release_of == "v1.0.0":
            assert released.champion() == released.versions[0], "hooks meet the restored model"
            raise Trouble("the workspace answers 500")

    released.stacks.fails = fail
    with pytest.raises(RollbackFailed) as failed:
        roll_back(released.scene, wish)
    said = str(failed.value)
    assert "failed: the workspace answers 500" in said
    assert "Everything is as it was before:" in said
    assert f"champion: version {released.versions[1]} again" in said
    tip = released.tip()
    assert git(released.project.path, "log", "--first-parent", "--format=%H", f"{before}..{tip}").count("\n") == 1
    assert released.project.tree(tip) == released.project.tree(before)
    assert released.champion() == released.versions[1]
    assert released.stacks.applied == [tip], "the stacks from before are applied again"
    released.stacks.fails = lambda request: None
    roll_back(released.scene, released.wish())
    assert released.champion() == released.versions[0]


def test_a_rollback_that_was_put_back_says_nothing_of_a_release_s_champion(released: Released) -> None:
    roll_back(released.scene, released.wish("v1.0.0"))

    def too_late(request: Request, *others: Any) -> Report:
        report = released.stacks.deploy(request, *others)
        if request.release_of == "v2.0.0":
            raise Trouble("the workspace answers 500")
        return report

    wish = released.wish("v2.0.0")
    with pytest.raises(RollbackFailed, match="Everything is as it was before"):
        roll_back(replace(released.scene, deploy=too_late), wish)
    assert released.champion() == released.versions[0]
    for tag, version in zip(("v2.0.0", "v1.0.0"), reversed(released.versions), strict=True):
        roll_back(released.scene, released.wish(tag))
        assert released.champion() == version


def test_what_cannot_be_put_back_is_named_and_tried_again(released: Released) -> None:
    wish = released.wish()

    def broken(request: Request) -> None:
        raise Trouble("the workspace answers 500")

    released.stacks.fails = broken
    with pytest.raises(RollbackFailed, match=r"Not put back:\n- stacks: the workspace answers 500"):
        roll_back(released.scene, wish)
    with pytest.raises(Trouble, match=r"a rollback of prod to v1\.0\.0 was begun at"):
        roll_back(released.scene, Wish("v2.0.0"))
    released.stacks.fails = lambda request: None
    with pytest.raises(RollbackFailed, match="Everything is as it was before"):
        roll_back(released.scene, wish)
    assert released.project.tree(released.tip()) == released.project.tree("v2.0.0")
    assert released.champion() == released.versions[1]


def test_killed_after_any_step_the_same_command_converges(released: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back to v1, forward to v2 and so on, each time with a kill after another step."""
    for at, step in enumerate(("journal", "push", "champion", "stacks", "record", "end")):
        tag, version = f"v{at % 2 + 1}.0.0", released.versions[at % 2]
        wish, before = released.wish(tag), released.tip()
        with monkeypatch.context() as patched:
            kill_after(step, patched)
            with pytest.raises(Killed):
                roll_back(released.scene, wish)
        roll_back(released.scene, wish)
        tip, record, journal = released.tip(), released.prod.records.latest(), released.prod.journal.read()
        assert git(released.project.path, "rev-list", "--count", f"{before}..{tip}") == "1", step
        assert released.project.tree(tip) == released.project.tree(tag), step
        assert released.champion() == version, step
        assert record is not None, step
        assert (record.state, record.commit, record.champion_after) == ("applied", tip, str(version)), step
        assert journal is not None, step
        assert journal.state == "done", step


def kill_after(step: str, patched: pytest.MonkeyPatch) -> None:
    """The first time that a step has been done, the process is as good as dead."""
    owner, name = {
        "journal": (JournalFile, "write"),
        "push": (Remote, "push"),
        "champion": (Models, "set_champion"),
        "stacks": (Stacks, "deploy"),
        "record": (Deployments, "write"),
        "end": (JournalFile, "write"),
    }[step]
    real = getattr(owner, name)
    # The third record of a deployment is the one with both champions; the second journal says that it is done.
    last = {"record": 3, "end": 2}.get(step, 1)
    calls = []

    def once(*arguments: object, **options: object) -> object:
        answer = real(*arguments, **options)
        calls.append(name)
        if len(calls) == last:
            raise Killed
        return answer

    patched.setattr(owner, name, once)


def test_a_checkout_has_its_branch_and_its_own_hooks_and_trains_nothing(released: Released) -> None:
    settings = released.prod.settings
    hooks = "hooks:\n  - {name: train, run_job: training, when: always}\n  - {name: score, run_job: batch-inference}\n"
    text = (FOLDER / "prod.yaml").read_text()
    text = text[: text.index("\nhooks:") + 1] + hooks + text[text.index("\nstorage:") :]
    commit = released.project.commit({"infra/settings/prod.yaml": text.replace("approval: required", "approval: none")})
    with checked_out(commit, settings, released.project.path) as path:
        assert git(path, "branch", "--show-current") == "release"
        assert git(path, "rev-parse", "HEAD") == commit
        assert uncommitted(path) == []
        restored = settings_at(path, settings)
    assert not path.exists()
    assert {hook.name: hook.when for hook in restored.values.hooks} == {"train": When.CODE, "score": When.CHANGE}
    assert restored.values.approval == "required"


def test_a_named_author_makes_the_same_commit_on_every_machine(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = Wish("v1.0.0", author="octocat")
    first = prepare(released.scene, wish).journal.restored
    git(released.project.path, "config", "--unset", "user.name")
    git(released.project.path, "config", "--unset", "user.email")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert prepare(released.scene, wish).journal.restored == first
    assert git(released.project.path, "show", "--no-patch", "--format=%an %cn", first) == "octocat octocat"
    with_mail = prepare(released.scene, replace(wish, author="A Writer <writer@example.com>")).journal.restored
    assert (
        git(released.project.path, "show", "--no-patch", "--format=%an %ae", with_mail) == "A Writer writer@example.com"
    )
