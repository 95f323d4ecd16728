"""Putting a failed rollback back: branch, champion and stacks, as far as each of them had come."""

from __future__ import annotations

from collections.abc import Callable

from ci.apply.request import Request
from ci.deployments.record import Deployment
from ci.errors import Trouble
from ci.release.checkout import checked_out, settings_at
from ci.release.journal import Journal
from ci.release.scene import Scene, Wish
from ci.repository import git


class RollbackFailed(Trouble):
    """The rollback ended without success; the message says why, and what was put back."""


def put_back(scene: Scene, wish: Wish, journal: Journal) -> RollbackFailed:
    """Undoes what has been done, each part whatever becomes of the others; returns the error to raise.

    What could not be put back stays in the journal: the same command tries it again.
    """
    journal = journal.model_copy(update={"state": "putting back"})
    done: list[str] = []
    failed: list[str] = []
    _try("journal", lambda: _write(scene, journal), done, failed)
    _try(scene.settings.branch, lambda: _put_branch_back(scene, journal), done, failed)
    _try("champion", lambda: _put_champion_back(scene, journal), done, failed)
    _try("stacks", lambda: _put_stacks_back(scene, wish, journal), done, failed)
    if not failed:
        _try("journal", lambda: _write(scene, journal.model_copy(update={"state": "put back"})), done, failed)
    lines = [f"the rollback of {journal.environment} to {journal.tag} failed: {journal.problem}", ""]
    lines += ["Everything is as it was before:" if not failed else "Put back:"] + [f"- {line}" for line in done]
    if failed:
        again = f"branchline release rollback {journal.tag}"
        lines += ["Not put back:", *(f"- {line}" for line in failed), f"Mend that, then run again: {again}"]
    return RollbackFailed("\n".join(lines))


def _try(part: str, step: Callable[[], str], done: list[str], failed: list[str]) -> None:
    """Whatever a part raises, the others are put back all the same."""
    try:
        said = step()
    except (Exception, KeyboardInterrupt) as error:
        failed.append(f"{part}: {str(error) or type(error).__name__}")
        return
    if said:
        done.append(f"{part}: {said}")


def _write(scene: Scene, journal: Journal) -> str:
    scene.journal.write(journal)
    return ""


def _put_branch_back(scene: Scene, journal: Journal) -> str:
    """By a further commit: what was pushed is never taken from under those who fetched it."""
    remote, branch = scene.ask(), scene.settings.branch
    tip = remote.branch(branch)
    if tip is None or not scene.contains(tip, journal.restored):
        return "not moved"
    if tip != journal.restored:
        if scene.tree(tip) == scene.tree(journal.before):
            return f"at {tip[:12]}, with the tree from before"
        raise Trouble(f"has gone on to {tip[:12]}, which is left as it is: deploy that")
    message = f"Take back the rollback to {journal.tag}\n\nIt failed; the tree is that of {journal.before}.\n"
    author = _author(scene, journal)
    undone = scene.commit_on(journal.restored, scene.tree(journal.before), message, author)
    remote.push({f"refs/heads/{branch}": undone})
    return f"at {undone[:12]}, a further commit with the tree of {journal.before[:12]}"


def _put_champion_back(scene: Scene, journal: Journal) -> str:
    present = scene.models.champion()
    number = present.number if present else None
    if number == journal.champion_before:
        return f"version {number}" if number else "none"
    if number != journal.champion:
        raise Trouble(f"version {number} was made champion meanwhile, which is left as it is")
    scene.models.set_champion(journal.champion_before)
    return f"version {journal.champion_before} again" if journal.champion_before else "none again"


def _put_stacks_back(scene: Scene, wish: Wish, journal: Journal) -> str:
    """Deploys what was there, if the restored stacks were begun with. It was approved once, and nothing else is."""
    tip = scene.ask().branch(scene.settings.branch) or journal.before
    latest = scene.deployments.latest()
    if latest is None or latest.commit not in (journal.restored, tip) or latest.commit == journal.before:
        return "not touched"
    if latest.commit == journal.restored:
        # Else it would tell later rollbacks which champion belongs to the release.
        scene.deployments.write(
            latest.model_copy(update={"state": "failed", "problem": f"put back: {journal.problem}"})
        )
    former = scene.deployments.get(journal.former) if journal.former else None
    environment = journal.environment
    with checked_out(tip, scene.settings, scene.root) as path:
        plan = scene.plan(path, scene.settings, wish.kinds, None, scene.credentials, scene.log)
        for stack in plan.stacks:
            if former and former.stacks.get(stack.stack, stack.stack_digest) != stack.stack_digest:
                raise Trouble(f"{stack.stack} synthesizes to something else than was deployed by {former.id}")
        request = Request(
            environment,
            root=path,
            approved=plan.digest(environment),
            approver=wish.approver,
            author=_author(scene, journal),
            release_of=_name(former, journal),
            kinds=wish.kinds,
        )
        settings = settings_at(path, scene.settings)
        report = scene.deploy(request, settings, scene.credentials, scene.say, scene.log)
    return f"{report.headline} ({report.deployment.id})"


def _name(former: Deployment | None, journal: Journal) -> str:
    """What is restored; named, it lets no hook train."""
    return (former.tag or former.release_of if former else None) or journal.before


def _author(scene: Scene, journal: Journal) -> str:
    return git(scene.root, "show", "--no-patch", "--format=%an <%ae>", journal.restored)
