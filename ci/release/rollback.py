"""Rolling back: an earlier release's tree on the release branch, its model as champion, its stacks; or nothing of it.

Everything that can be known is checked before the first change. Then the journal says what is under way, the branch
moves (jobs pinned to it run the restored code from then on), the champion with it, and the stacks are deployed. What
fails is put back at once; what is killed goes on when the same command runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ci import evidence
from ci.apply.approval import authors_of, find_approval, require_other_person
from ci.apply.decide import decide
from ci.apply.report import Report, report_as_json, report_as_markdown
from ci.apply.request import Request
from ci.deployments.record import Deployment, utc
from ci.errors import Trouble
from ci.plan.files import plan_text
from ci.plan.model import Plan
from ci.release.checkout import checked_out, settings_at
from ci.release.journal import Journal
from ci.release.ledger import Release, find_release, releases
from ci.release.models import champion_of
from ci.release.scene import Scene, Wish
from ci.release.undo import put_back
from infra.settings import Settings


@dataclass(frozen=True)
class Prepared:
    """What a rollback would do; `plan` is what an approval names."""

    release: Release
    plan: Plan
    journal: Journal


def prepare(scene: Scene, wish: Wish) -> Prepared:
    """Everything that can be known before a change; raises Trouble if anything stands against it, but an approval."""
    _refuse_another(scene, wish)
    with _prepared(scene, wish) as (prepared, _):
        return prepared


def roll_back(scene: Scene, wish: Wish) -> Report:
    """Restores a release, or takes up the rollback to it that was interrupted.

    Raises Trouble where it was refused, with nothing changed; RollbackFailed where it failed and was put back.
    """
    begun = _refuse_another(scene, wish)
    if begun and begun.state == "done":
        with checked_out(begun.restored, scene.settings, scene.root) as path:
            return _deploy(scene, wish, begun, path)  # which says that it is deployed, or runs a hook that failed
    if begun and begun.state == "putting back":
        raise put_back(scene, wish, begun)
    if begun and _has_moved(scene, begun):
        scene.say(f"the rollback to {begun.tag} that was begun at {begun.started_at} goes on")
        with checked_out(begun.restored, scene.settings, scene.root) as path:
            return _carry_out(scene, wish, begun, path)
    with _prepared(scene, wish) as (prepared, path):
        _require_approval(scene, wish, prepared, path)
        return _carry_out(scene, wish, scene.journal.write(prepared.journal), path)


def _refuse_another(scene: Scene, wish: Wish) -> Journal | None:
    """The rollback that is to be gone on with, or is done and in force; raises Trouble if it is to another release."""
    journal = scene.journal.read()
    if journal is None or not journal.open:
        done = journal and (journal.state, journal.tag) == ("done", wish.tag)
        return journal if journal and done and scene.ask().branch(scene.settings.branch) == journal.restored else None
    if journal.tag != wish.tag:
        raise Trouble(
            f"a rollback of {journal.environment} to {journal.tag} was begun at {journal.started_at} and has not ended:"
            f" run it again first: branchline release rollback {journal.tag}"
        )
    return journal


def _has_moved(scene: Scene, journal: Journal) -> bool:
    """Whether the branch has the commit; before that, nothing has changed and all is checked anew."""
    tip = scene.ask().branch(scene.settings.branch)
    return scene.contains(tip, journal.restored)


@contextmanager
def _prepared(scene: Scene, wish: Wish) -> Iterator[tuple[Prepared, Path]]:
    remote, branch = scene.ask(), scene.settings.branch
    known = releases(remote)
    release = find_release(remote, wish.tag, known)
    before = remote.branch(branch)
    if before is None:
        raise Trouble(f"{remote.name} has no branch {branch}")
    _refuse_restored(scene, release, before)
    deployments = scene.deployments.all()
    champion = champion_of(release, deployments, scene.models)
    present = scene.models.champion()
    message = _message(wish, scene.settings, release, champion)
    restored = scene.commit_on(before, scene.tree(release.commit), message, wish.author)
    with checked_out(restored, scene.settings, scene.root) as path:
        plan = _plan(scene, wish, path, before)
        journal = Journal(
            tag=wish.tag,
            environment=scene.settings.environment,
            state="under way",
            before=before,
            restored=restored,
            champion_before=present.number if present else None,
            champion=champion,
            former=deployments[-1].id if deployments else None,
            started_at=utc(datetime.now(UTC)),
        )
        yield Prepared(release, plan, journal), path


def _refuse_restored(scene: Scene, release: Release, before: str) -> None:
    if scene.tree(before) == scene.tree(release.commit):
        environment = scene.settings.environment
        raise Trouble(
            f"nothing to roll back: {scene.settings.branch} ({before[:12]}) has the tree of {release.tag} already;"
            f" whether {environment} runs it, 'branchline release status' says, and 'branchline apply {environment}'"
            " deploys it"
        )


def _plan(scene: Scene, wish: Wish, path: Path, before: str) -> Plan:
    scene.say(f"planning {scene.settings.environment} as it was at {wish.tag}")
    plan = scene.plan(path, scene.settings, wish.kinds, before, scene.credentials, scene.log)
    evidence.keep(plan.commit, "plan.json", plan_text(plan), scene.root)
    return plan


def _require_approval(scene: Scene, wish: Wish, prepared: Prepared, path: Path) -> None:
    """What the deployment would refuse later, refused before the first change."""
    environment, plan = scene.settings.environment, prepared.plan
    approval = find_approval(environment, plan.commit, wish.approved, wish.plan_file, scene.root)
    if scene.settings.values.approval == "required":
        digest = plan.digest(environment)
        again = f"branchline release rollback {wish.tag} --approved {digest} --approver NAME"
        if approval is None:
            raise Trouble(
                f"{environment} is changed with an approval only; somebody else than the author runs: {again}"
            )
        if not wish.approver:
            raise Trouble(f"{environment} demands an approval by somebody: say who it was with --approver NAME")
    last = scene.deployments.latest_applied()
    authors = authors_of(path, plan.commit, last.commit if last else None)
    authors += [wish.author] if wish.author and wish.author not in authors else []
    require_other_person(wish.approver, authors)
    decide(plan, scene.settings, approval, scene.deployments.latest(), {}, lambda: wish.agreed(plan))


def _carry_out(scene: Scene, wish: Wish, journal: Journal, path: Path) -> Report:
    try:
        _move_branch(scene, journal)
        scene.say(f"champion: {journal.champion_before or 'none'} → {journal.champion}")
        scene.models.set_champion(journal.champion)
        report = _deploy(scene, wish, journal, path)
        deployment = _with_champions(report.deployment, journal)
        scene.deployments.write(deployment)
        report = report.model_copy(update={"deployment": deployment})
    except (Exception, KeyboardInterrupt) as error:
        said = str(error) or type(error).__name__
        raise put_back(scene, wish, journal.model_copy(update={"problem": said})) from error
    scene.journal.write(journal.model_copy(update={"state": "done"}))
    _keep(scene, report)
    return report


def _keep(scene: Scene, report: Report) -> None:
    name = f"apply-{scene.settings.environment}"
    for suffix, text in (("json", report_as_json(report)), ("md", report_as_markdown(report))):
        evidence.keep(report.deployment.commit, f"{name}.{suffix}", text, scene.root)


def _move_branch(scene: Scene, journal: Journal) -> None:
    remote, branch = scene.ask(), scene.settings.branch
    tip = remote.branch(branch)
    if tip == journal.restored:
        return
    if tip != journal.before:
        raise Trouble(f"{branch} has moved to {(tip or 'nothing')[:12]} meanwhile: somebody else has released")
    scene.say(f"{branch}: {journal.before[:12]} → {journal.restored[:12]}, the tree of {journal.tag}")
    remote.push({f"refs/heads/{branch}": journal.restored})


def _deploy(scene: Scene, wish: Wish, journal: Journal, path: Path) -> Report:
    request = Request(
        journal.environment,
        root=path,
        approved=wish.approved,
        plan_file=wish.plan_file,
        approver=wish.approver,
        author=wish.author,
        release_of=journal.tag,
        kinds=wish.kinds,
    )
    return scene.deploy(request, settings_at(path, scene.settings), scene.credentials, scene.say, scene.log)


def _with_champions(deployment: Deployment, journal: Journal) -> Deployment:
    """The alias moved before the stacks, so that hooks meet the restored model; the record tells both."""
    before = None if journal.champion_before is None else str(journal.champion_before)
    return deployment.model_copy(update={"champion_before": before, "champion_after": str(journal.champion)})


def _message(wish: Wish, settings: Settings, release: Release, champion: int) -> str:
    text = (
        f"Roll {settings.branch} back to {wish.tag}\n\nThe tree is that of {release.commit};"
        f" version {champion} of {settings.model_full_name}\nbecomes champion again.\n\nRolls-Back-To: {wish.tag}\n"
    )
    return text + "".join(f"Destroys: {settings.environment} {address}\n" for address in wish.destroys)
