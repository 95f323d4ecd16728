"""A deployment from its approval to its last hook, recorded at every step so that it can be taken up again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ci.apply.approval import Approval, authors_of, find_approval, require_other_person
from ci.apply.clients import Records, champion_of
from ci.apply.decide import Decision, decide, is_done
from ci.apply.guards import require_branch, require_committed, require_gate, require_jobs_of_hooks, require_plans
from ci.apply.hooks import HookRunner, hooks_due
from ci.apply.lock import alone
from ci.apply.lost import take_over_lost
from ci.apply.parts import Part, compare, compare_stack
from ci.apply.report import Report
from ci.apply.request import Request, new_record
from ci.apply.stacks import Say, StackApply, StackFailed, half_made
from ci.deployments.record import Deployment, HookResult, utc
from ci.errors import Trouble
from ci.plan.make import describe, plan_to_apply
from ci.plan.model import Plan, StackPlan
from ci.plan.words import counted
from ci.repository import git
from ci.terraform.credentials import Credentials
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import Synthesis, SynthesizedStack, synthesize
from infra.settings import Settings

_CONVERGES = "The same command again takes it up where it stands."


class DeploymentFailed(Trouble):
    """Not everything is applied; the record says so, and `report` what is left."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def deploy(request: Request, settings: Settings, credentials: Credentials, say: Say, log: Say) -> Report:
    """Deploys an environment. A hook that fails is in the report; raises Trouble where anything was refused.

    Raises DeploymentFailed where it was begun and could not be ended: the same request again takes it up.
    """
    checked_out = describe(request.root, ())
    require_committed(checked_out, settings, request.allow_uncommitted)
    warning = require_branch(checked_out, settings, request.root)
    if warning:
        say(f"note: {warning}")
    approval = find_approval(request.environment, checked_out.commit, request.approved, request.plan_file, request.root)
    folder = request.root / ".branchline" / "apply" / settings.state_key(settings.environment)
    with alone(folder, request.environment):
        say("synthesizing")
        synthesis = synthesize([request.environment], folder, root=request.root, variables=os.environ)
        require_jobs_of_hooks(settings, synthesis)
        try:
            return _Deploying(request, settings, credentials, synthesis, say, log).run(approval)
        finally:
            for stack in synthesis.stacks.values():
                Terraform(stack, {}).forget_plan()


class _Deploying:
    """One deployment under way."""

    def __init__(
        self, request: Request, settings: Settings, credentials: Credentials, synthesis: Synthesis, say: Say, log: Say
    ) -> None:
        self._request = request
        self._settings = settings
        self._credentials = credentials
        self._synthesis = synthesis
        self._stacks = synthesis.of([request.environment], request.kinds_for(settings))
        self._commit = git(request.root, "rev-parse", "HEAD")
        self._say = say
        self._log = log
        self._began = time.monotonic()
        self._records = Records(settings, credentials)
        self._parts: dict[str, Part] = {}
        self._notes: tuple[str, ...] = ()
        self._left: dict[str, list[str]] = {}
        self._record: Deployment

    def run(self, approval: Approval | None) -> Report:
        request = self._request
        latest, last = self._records.latest(), self._records.latest_applied()
        authors = self._authors(last)
        require_other_person(request.approver, authors)
        self._say("planning")
        planned = [self._plan(stack, latest) for stack in self._stacks]
        now = describe(request.root, planned)
        require_plans(now, last)
        self._parts = {part.name: part for part in compare(now, last)}
        if latest and is_done(latest, now, request.tag, request.release_of):
            self._record = latest
            return self._report("nothing to do: this is deployed, and every hook has run")
        decision = self._decide(now, latest, approval)
        self._notes = decision.notes
        for note in self._notes:
            self._say(note)
        self._gate(now, last)
        if decision.resumed:
            self._record = decision.resumed
        else:
            hooks = hooks_due(self._settings.values.hooks, tuple(self._parts.values()), last, request.release_of)
            self._record = new_record(request, self._settings, now, decision, authors, hooks, self._records)
        return self._carry_out(now, decision, last)

    def _plan(self, stack: SynthesizedStack, latest: Deployment | None) -> StackPlan:
        planned = plan_to_apply(stack, self._credentials, say=self._say)
        if planned.problem or latest is None or latest.state == "applied" or latest.commit != self._commit:
            return planned
        terraform = Terraform(stack, self._credentials.variables(stack.environment, stack.kind))
        lost = take_over_lost(planned, latest, self._records.client, terraform, self._say)
        return plan_to_apply(stack, self._credentials, say=self._say) if lost else planned

    def _authors(self, last: Deployment | None) -> list[str]:
        """Who wrote what is deployed anew."""
        wrote = authors_of(self._request.root, self._commit, last.commit if last else None)
        asked = self._request.author
        return [*wrote, asked] if asked and asked not in wrote else wrote

    def _decide(self, now: Plan, latest: Deployment | None, approval: Approval | None) -> Decision:
        request = self._request
        if approval and self._settings.values.approval == "required" and not request.approver:
            raise Trouble(f"{request.environment} demands an approval by somebody: say who it was with --approver NAME")
        planned = {stack.stack for stack in now.stacks if not stack.problem}
        begun = self._stacks if latest and latest.state != "applied" else []
        tainted = {stack.name: half_made(stack, self._credentials) for stack in begun if stack.name in planned}
        return decide(now, self._settings, approval, latest, tainted, lambda: request.agreed(now))

    def _gate(self, now: Plan, last: Deployment | None) -> None:
        warnings = require_gate(now, self._synthesis, last, self._request.root)
        self._say("the gate passes it" + (f", with {warnings} warnings" if warnings else ""))

    def _carry_out(self, now: Plan, decision: Decision, last: Deployment | None) -> Report:
        self._left = {stack.stack: _addresses(stack) for stack in now.stacks}
        try:
            if self._record.state != "applied" or decision.resumed is None:
                self._update(state="applying", left=self._flat(), problem=None, ended_at=None)
                self._apply_stacks(now, decision, last)
            self._run_hooks()
        except (Exception, KeyboardInterrupt) as error:
            self._give_up(error)
            raise
        return self._report()

    def _apply_stacks(self, now: Plan, decision: Decision, last: Deployment | None) -> None:
        """The admin stack first; what it changed may change what the project stack plans, so that is planned again."""
        applied_before = False
        for stack, planned in zip(self._stacks, now.stacks, strict=True):
            work = StackApply(stack, decision.approved, self._credentials, self._say, self._log)
            if planned.problem or applied_before:
                waited, planned = bool(planned.problem), work.replan()
                if waited:
                    self._gate(now.model_copy(update={"stacks": (planned,)}), last)
                    self._parts[stack.name] = compare_stack(planned, None)
                self._left[stack.name] = _addresses(planned)
                self._update(changes=_completed(self._record.changes, planned), left=self._flat())
            if not planned.changes:
                continue
            self._say(f"{stack.name}: {counted(planned.changes)}")
            try:
                work.apply(planned)
            except StackFailed as error:
                self._left[stack.name] = list(error.left)
                raise
            applied_before = True
            self._left[stack.name] = []
            self._records.choose_again()
            self._update(left=self._flat(), by=self._records.by)
        self._update(state="applied", left=(), ended_at=utc(datetime.now(UTC)))

    def _run_hooks(self) -> None:
        """In their order, up to the first that fails: those after it may rely on it."""
        hooks = {hook.name: hook for hook in self._settings.values.hooks}
        client = self._records.client
        runner = HookRunner(client, self._settings, self._record.commit, self._request.root, self._say)
        for due in self._record.due_hooks:
            self._say(f"hook {due.name}: {due.reason}")
            ended = runner.run(hooks[due.name], due, self._keep_hook)
            self._keep_hook(ended)
            self._say(f"hook {due.name}: {ended.state}")
            if ended.state == "failed":
                break
        self._update(champion_after=champion_of(client, self._settings), ended_at=utc(datetime.now(UTC)))

    def _keep_hook(self, result: HookResult) -> None:
        self._update(hooks=tuple(result if hook.name == result.name else hook for hook in self._record.hooks))

    def _give_up(self, error: BaseException) -> None:
        """Records how far it came; raises DeploymentFailed for what people can mend. Applied stacks stay applied."""
        words = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        if self._record.state != "applied":
            try:
                self._update(state="failed", problem=words, left=self._flat(), ended_at=utc(datetime.now(UTC)))
            except Trouble as unwritten:
                words = f"{words}\n{unwritten}"
        if isinstance(error, (Trouble, KeyboardInterrupt)):
            raise DeploymentFailed(f"{words}\n{_CONVERGES}", self._report()) from error

    def _update(self, **changed: Any) -> None:
        """Changes the record, here and in the workspace; raises Trouble where it cannot be written."""
        from databricks.sdk.errors.base import DatabricksError

        self._record = self._record.model_copy(update=changed)
        try:
            self._records.write(self._record)
        except (DatabricksError, OSError) as error:
            raise Trouble(f"the record of deployment {self._record.id} could not be written: {error}") from error

    def _flat(self) -> tuple[str, ...]:
        return tuple(f"{stack}: {address}" for stack, addresses in self._left.items() for address in addresses)

    def _report(self, *notes: str) -> Report:
        return Report(
            deployment=self._record,
            parts=tuple(self._parts.values()),
            notes=(*self._notes, *notes),
            seconds=round(time.monotonic() - self._began, 1),
        )


def _addresses(stack: StackPlan) -> list[str]:
    return ["all of it, not planned yet"] if stack.problem else [change.address for change in stack.changes]


def _completed(approved: Iterable[StackPlan], planned: StackPlan) -> tuple[StackPlan, ...]:
    """With the plan of a stack that could not be planned when it was approved; what was approved stays."""
    return tuple(planned if each.stack == planned.stack and each.problem else each for each in approved)
