"""The rehearsal itself, scene by scene; what does not wait for another goes on beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module

from ci.demo.work import client_of
from ci.errors import Trouble
from ci.plan.model import StackPlan
from ci.rehearsal.commits import CHANGE_REF, check_out, git_addresses, move_branch
from ci.rehearsal.deploy import Deployer
from ci.rehearsal.jobs import parameters_of, problem_of, result_of, run_job
from ci.rehearsal.model import JobPair, JobRun, ModelPair, Problem, Rehearsal, Side, Table, Verdict
from ci.rehearsal.models import Registry
from ci.rehearsal.request import Request
from ci.rehearsal.stacks import Stacks, synthesize_side
from ci.rehearsal.steps import Log, Steps, tail
from ci.rehearsal.tables import Snapshots, pairs
from ci.terraform.errors import TerraformFailed
from infra.workspace import launch


class _Failed(Exception):
    """A side cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class Stage:
    """One rehearsal in one workspace."""

    def __init__(self, request: Request, steps: Steps) -> None:
        self._request = request
        self._steps = steps
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._problems: list[Problem] = []
        self._notes = list(request.notes)
        if request.trials is not None:
            self._notes.append(f"Training searched with {request.trials} trials, asked for in place of the job's own.")
        self._update: list[StackPlan] = []
        self._runs: dict[Side, dict[str, JobRun]] = {"base": {}, "change": {}}
        self._tables: dict[Side, dict[str, Table]] = {"base": {}, "change": {}}
        self._champions: dict[str, str | None] = {}
        self._newest: dict[str, str | None] = {}
        self._models: tuple[ModelPair, ...] = ()
        self._settled: bool | None = None

    def play(self) -> Rehearsal:
        """All of it, with what failed among the findings; raises Trouble or LaunchError where nothing could begin."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            pool.submit(import_module, "databricks.sdk")  # takes a second, and the jobs will want it
            starting = pool.submit(self._start)
            base = pool.submit(self._prepare, "base")
            self._running = starting.result()
            try:
                self._play_base(base, pool)
                self._play_change(pool)
            except _Failed as failed:
                self._problems.append(failed.problem)
        return self._rehearsal()

    def _play_base(self, prepared: Future[Stacks], pool: ThreadPoolExecutor) -> None:
        stacks = prepared.result()
        for stack in stacks.all:
            with self._scene("base", f"deploy {stack.name}") as log:
                self._deployer.plan(stacks, stack, log).apply()
        self._change_prepared = pool.submit(self._prepare, "change")
        warmed = pool.submit(self._snapshots.warm)
        self._run_jobs("base", stacks)
        if self._problems:
            return
        with self._scene("base", "look at the tables"):
            warmed.result()
            self._tables["base"] = self._snapshots.take(stacks.catalogs)
            self._champions = {model: self._registry.champion(model) for model in stacks.models}
            self._newest = {model: self._registry.newest(model) for model in stacks.models}

    def _play_change(self, pool: ThreadPoolExecutor) -> None:
        if self._problems:
            return
        stacks = self._change_prepared.result()
        self._notes += stacks.notes
        move_branch(self._request.repository, self._request.branch)
        for stack in stacks.all:
            with self._scene("change", f"update {stack.name}") as log:
                planned = self._deployer.plan(stacks, stack, log)
                self._update.append(planned.plan)  # told also if it cannot be applied
                planned.apply()
        settling = pool.submit(self._settle, stacks)
        self._run_jobs("change", stacks)
        with self._scene("change", "look at the tables again"):
            self._tables["change"] = self._snapshots.take(stacks.catalogs)
        with self._scene("change", "compare the models"):
            self._models = tuple(
                self._registry.compare(model, self._champions.get(model), self._newest.get(model))
                for model in stacks.models
            )
        self._settled = settling.result()

    def _start(self) -> launch.Running:
        with self._steps.step("start the workspace"):
            repository = str(self._request.repository.absolute())
            addresses = git_addresses(self._request.repository, (self._request.branch, CHANGE_REF))
            return launch.start(self._request.workspace, port=0, repos=dict.fromkeys(addresses, repository))

    def _prepare(self, side: Side) -> Stacks:
        """A checkout of the side, synthesized."""
        request = self._request
        with self._scene(side, f"synthesize the {side}"):
            checkout = request.folder / side
            ref = f"refs/heads/{request.branch}" if side == "base" else CHANGE_REF
            check_out(request.repository, ref, request.branch, checkout, request.tools)
            return synthesize_side(request, side, checkout, os.environ)

    def _run_jobs(self, side: Side, stacks: Stacks) -> None:
        """Every job in its turn, up to the first that fails: those after it work on what it should have made."""
        if stacks.principal is None:
            self._notes.append(f"The {side}'s project stack names no service principal: no jobs were run.")
            return
        client = client_of(self._running, stacks.principal)
        for job in stacks.jobs:
            with self._scene(side, f"run {job.name}" + (" again" if side == "change" else "")) as log:
                parameters = parameters_of(job, self._request.day, self._request.trials)
                run = run_job(client, job, parameters, log)
                self._runs[side][job.name] = result_of(run)
                problem = problem_of(client, run, side, job)
            if problem:
                self._problems.append(problem)
                return

    def _settle(self, stacks: Stacks) -> bool | None:
        with self._steps.step("plan once more") as log:
            try:
                return self._deployer.is_settled(stacks, log)
            except Trouble as error:
                log(str(error))
                return None

    @contextmanager
    def _scene(self, side: Side, name: str) -> Iterator[Log]:
        """A part whose trouble is that of its side."""
        with self._steps.step(name) as log:
            try:
                yield log
            except Exception as error:
                if not _is_told(error):
                    raise
                words = error.output if isinstance(error, TerraformFailed) else ""
                raise _Failed(Problem(side=side, step=name, reason=str(error), log=tail(words))) from error

    @cached_property
    def _deployer(self) -> Deployer:
        return Deployer(self._running)

    @cached_property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self._running)

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self._running)

    def _rehearsal(self) -> Rehearsal:
        request = self._request
        names = dict.fromkeys([*self._runs["base"], *self._runs["change"]])
        base_failed = any(problem.side == "base" for problem in self._problems)
        verdict = Verdict.BASE_FAILED if base_failed else Verdict.FAILED if self._problems else Verdict.PASSED
        return Rehearsal(
            environment=request.environment,
            base=request.base,
            change=request.change,
            rehearsed=request.rehearsed,
            day=request.day,
            trials=request.trials,
            verdict=verdict,
            problems=tuple(self._problems),
            notes=tuple(dict.fromkeys(self._notes)),
            update=tuple(self._update),
            settled=self._settled,
            jobs=tuple(
                JobPair(name=name, before=self._runs["base"].get(name), after=self._runs["change"].get(name))
                for name in names
            ),
            tables=pairs(self._tables["base"], self._tables["change"]),
            models=self._models,
            steps=self._steps.done(),
            started_at=self._started_at,
            seconds=self._steps.elapsed,
            kept=str(request.folder) if request.keep else None,
        )


def _is_told(error: Exception) -> bool:
    """Whether the error is the workspace's or Terraform's word on what was deployed, and no fault of ours."""
    from databricks.sdk.errors.base import DatabricksError

    return isinstance(error, (Trouble, launch.LaunchError, DatabricksError))
