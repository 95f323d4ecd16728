"""What the demo does, from an empty folder to predictions in three environments."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ci.demo.deploy import deploy
from ci.demo.steps import Step, StepFailed, StepLog
from ci.demo.work import run_job, verdict
from ci.doctor.checks import demo_checks
from ci.repository import ROOT, bare_copy, uncommitted
from ci.target import DATA_DIR
from infra.settings import Settings, load_project, load_settings
from infra.workspace import launch

FOLDER = ROOT / ".branchline" / "demo"


class Demo:
    """The state that the steps share: the settings, and the workspace once it runs."""

    def __init__(self, data_dir: Path = DATA_DIR, port: int | None = None) -> None:
        self._data_dir = data_dir
        self._port = port
        self._repository = FOLDER / "repository.git"
        self._running: launch.Running | None = None
        self.environments = _settings_without_copies()

    @property
    def running(self) -> launch.Running:
        """The demo's workspace; raises StepFailed before it was started."""
        if self._running is None:
            raise StepFailed("the workspace was not started")
        return self._running

    def steps(self) -> list[Step]:
        """Everything, in order; a later run of the same steps in the same workspace changes what has changed."""
        every = [
            Step("check the tools", self._check_tools),
            Step("copy the clone", self._copy_clone),
            Step("start the workspace", self._start_workspace),
            Step("deploy the admin stacks", self._deploy_admin),
        ]
        every += [Step(f"deploy {name}", partial(self._deploy, settings)) for name, settings in self._each()]
        for name, settings in self._each():
            every += [
                Step(f"{name}: land the sample", partial(self._job, settings, "landing")),
                Step(f"{name}: train and promote", partial(self._train, settings)),
                Step(f"{name}: score", partial(self._job, settings, "batch-inference")),
                Step(f"{name}: monitor and report", partial(self._job, settings, "monitoring")),
            ]
        return every

    def _each(self) -> Sequence[tuple[str, Settings]]:
        return list(self.environments.items())

    def _check_tools(self, log: StepLog) -> str:
        found = demo_checks()
        for check in found:
            log.note(check.line())
        missing = [check for check in found if check.blocks]
        if missing:
            raise StepFailed("\n".join(f"{check.what}: {check.found}; {check.remedy}" for check in missing))
        return f"{len(found)} found"

    def _copy_clone(self, log: StepLog) -> str:
        branches = [settings.branch for settings in self.environments.values()]
        tips = bare_copy(ROOT, self._repository, list(dict.fromkeys(branches)))
        for tip in tips:
            log.note(
                f"{tip.branch} {tip.commit}" + (" (HEAD's: the clone has no such branch)" if tip.stands_in else "")
            )
        changed = uncommitted(ROOT)
        if changed:
            log.write("\n".join(["not committed, so jobs do not see it:", *changed]))
        hint = f"; {len(changed)} uncommitted files are not in it" if changed else ""
        return ", ".join(f"{tip.branch} {tip.commit[:8]}" for tip in tips) + hint

    def _start_workspace(self, log: StepLog) -> str:
        repos = {load_project().git.url: str(self._repository.absolute())}
        running = launch.find(self._data_dir)
        if running is not None and running.record.repos != repos:
            log.note("restarting it: it runs with other repositories")
            launch.stop(self._data_dir)
            running = None
        self._running = running or launch.start(self._data_dir, self._free_port(), repos=repos)
        log.note(f"{self._running.url}, data in {self._data_dir}")
        return self._running.url

    def _deploy_admin(self, log: StepLog) -> str:
        """First those that make what environments of the workspace share, such as the groups."""
        shared = [name for name, settings in self._each() if settings.values.workspace.makes_shared_objects]
        others = [name for name in self.environments if name not in shared]
        done = []
        for names in filter(None, (shared, others)):
            stacks = [f"{name}-admin" for name in names]
            done.append(deploy(stacks, launch.environment(self.running), self._pinned_branch(), log))
        return "; ".join(done)

    def _deploy(self, settings: Settings, log: StepLog) -> str:
        principal = settings.values.service_principal
        variables = launch.environment(self.running, principal)
        return f"{deploy([settings.environment], variables, self._pinned_branch(), log)}, as {principal}"

    def _train(self, settings: Settings, log: StepLog) -> str:
        done = run_job(self.running, settings, "training", log)
        found = verdict(self.running, settings)
        log.note(found)
        return f"{done}; {found}"

    def _job(self, settings: Settings, job: str, log: StepLog) -> str:
        return run_job(self.running, settings, job, log)

    def _pinned_branch(self) -> str:
        return next(iter(self.environments.values())).branch

    def _free_port(self) -> int | None:
        """The folder's last port, or the default one; any free one if this is the first start and that is taken."""
        if self._port is not None or self._data_dir.exists():
            return self._port
        taken = any(map(_answers, (launch.DEFAULT_PORT, launch.DEFAULT_PROVIDER_PORT)))
        return 0 if taken else None


def _settings_without_copies() -> Mapping[str, Settings]:
    """Each environment itself: on a branch that is pinned to one, no settings make a feature branch's copy."""
    names = load_project().environments
    pinned = load_settings(names[-1], variables={}).values.branch
    return {name: load_settings(name, branch=pinned) for name in names}


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
