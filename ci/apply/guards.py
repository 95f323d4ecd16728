"""What is refused before anything is applied: other files than the commit's, another branch, stacks without a plan."""

from __future__ import annotations

from pathlib import Path

from ci.deployments.record import Deployment
from ci.errors import Trouble
from ci.plan.model import Plan
from ci.repository import DEPLOYED, find_commit
from ci.terraform.synthesis import Synthesis
from infra.settings import Settings

_LISTED = 5


def require_committed(checked_out: Plan, settings: Settings, allowed: bool) -> None:
    """Raises Trouble for uncommitted files that would be deployed, or that jobs would be thought to run."""
    changed = [file for file in checked_out.uncommitted if file.startswith(DEPLOYED)]
    if not changed:
        return
    listed = ", ".join(changed[:_LISTED]) + (f" and {len(changed) - _LISTED} more" if len(changed) > _LISTED else "")
    if allowed and settings.values.approval == "none":
        return
    allow = "commit them" if settings.values.approval == "required" else "commit them, or give --allow-uncommitted"
    raise Trouble(f"not committed: {listed}. What is deployed must be what the commit says: {allow}")


def require_branch(checked_out: Plan, settings: Settings, root: Path) -> str | None:
    """Raises Trouble where an environment that demands approval is deployed from another branch than its own.

    A detached commit, as CI checks out, counts as the branch whose tip it is. Elsewhere it is a warning, returned.
    """
    if settings.copy_of or checked_out.branch == settings.branch:
        return None
    if checked_out.branch is None and checked_out.commit in _tips(settings.branch, root):
        return None
    found = checked_out.branch or f"the detached commit {checked_out.commit[:12]}"
    if settings.values.approval == "required":
        raise Trouble(
            f"{settings.environment} is deployed from {settings.branch} alone, and checked out is {found}:"
            f" merge into {settings.branch} and check that out"
        )
    return f"{settings.environment} is deployed from {found}; its jobs run {settings.branch}"


def require_plans(now: Plan, last: Deployment | None) -> None:
    """Raises Trouble where a stack cannot be planned; before its first deployment a project may wait for its admin."""
    waits = last is None and any(stack.kind == "admin" and stack.changes for stack in now.stacks)
    for stack in now.problems:
        if stack.kind == "admin" or not waits:
            raise Trouble(f"{stack.stack} cannot be planned, so nothing was applied: {stack.problem}")


def require_gate(now: Plan, synthesis: Synthesis, last: Deployment | None, root: Path) -> int:
    """Raises Trouble where the gate refuses what is planned; returns the number of its warnings.

    A stack that waits for its admin stack is judged once it is planned.
    """
    from ci.gate import Purpose, run_gate

    planned = tuple(stack for stack in now.stacks if not stack.problem)
    base = last.commit if last and last.commit != now.commit and find_commit(root, last.commit) else None
    judged = run_gate(now.model_copy(update={"stacks": planned}), synthesis.folder, Purpose.APPLY, base, root=root)
    if not judged.passed:
        listed = "\n".join(f"  {found.rule} {found.object or ''}: {found.message}" for found in judged.refusals)
        raise Trouble(f"the gate refuses this, so it was not applied:\n{listed}\n'branchline gate' tells more.")
    return len(judged.warnings)


def require_jobs_of_hooks(settings: Settings, synthesis: Synthesis) -> None:
    """Raises Trouble for a hook whose job the project stack does not have: better now than after the deployment."""
    jobs = synthesis.stacks[settings.environment].content.get("resource", {}).get("databricks_job", {})
    known = sorted(job["name"] for job in jobs.values())
    for hook in settings.values.hooks:
        if hook.run_job and settings.job_name(hook.run_job) not in known:
            raise Trouble(
                f"infra/settings/{settings.environment}.yaml: hook {hook.name} runs {hook.run_job!r}, and the stack has"
                f" no job {settings.job_name(hook.run_job)}; it has {', '.join(known)}"
            )


def _tips(branch: str, root: Path) -> set[str | None]:
    return {find_commit(root, f"refs/heads/{branch}"), find_commit(root, f"refs/remotes/origin/{branch}")}
