"""`branchline apply` cut off in its worst moments: it says what is left, and the same command again ends it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import psutil
import pytest

from ci.apply import DeploymentFailed
from ci.errors import Trouble
from ci.terraform.credentials import Credentials
from infra.workspace import launch
from tests.faults.conftest import until
from tests.support.line import Line, hooks_of, touched
from tests.support.proxy import HANG_UP, Proxy, proxy

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

_HELD_SECONDS = 4.0


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Nothing is deployed yet; each test goes on where the one before left it."""
    line = Line(tmp_path_factory.mktemp("line"))
    yield line
    launch.stop(line.data_dir)


@pytest.fixture(scope="module")
def killed(line: Line) -> str:
    """The approved digest of a first deployment that was killed while Terraform made the jobs; Terraform has ended."""
    digest = line.plan().digest("dev")
    late = {"method": "POST", "path": "/api/2.2/jobs/create", "status": 0, "after": True, "times": 9}
    line.workspace.call("POST", "/api/2.0/local/faults", json={**late, "delay_seconds": _HELD_SECONDS})
    apply = line.start_cli("apply", "dev", "--approved", digest)
    until(lambda: _held(line), "Terraform waits for the jobs", timeout=120)
    terraform = psutil.Process(apply.pid).children(recursive=True)
    os.kill(apply.pid, signal.SIGKILL)
    apply.wait()
    for process in terraform:
        process.suspend()  # it would end within seconds: the second deployment shall find it at work
    try:
        status, printed = line.cli("apply", "dev", "--approved", digest)
    finally:
        for process in terraform:
            process.resume()
    assert status == 1
    assert "the state of dev is locked by" in printed
    assert "nothing was changed" in printed
    psutil.wait_procs(terraform, timeout=60)
    return digest


def test_killed_in_the_middle_it_converges_with_the_same_approval(line: Line, killed: str) -> None:
    begun = line.latest()
    assert begun.state == "applying"
    report = line.apply(approved=killed)
    assert report.deployment.id == begun.id
    assert (report.deployment.state, report.deployment.left) == ("applied", ())
    assert report.deployment.plan_digest == killed
    assert "was interrupted" in report.notes[0]
    assert hooks_of(report) == {"land": "succeeded", "score": "succeeded"}
    assert len(line.jobs()) == 5, "what Terraform made after the kill is known to its state: nothing is there twice"
    assert touched(line.plan().stacks) == []


def test_what_terraform_never_wrote_down_is_taken_over_and_not_made_twice(line: Line, killed: str) -> None:
    """As if Terraform had been killed too, between the workspace's answers and its state."""
    lost = [
        "databricks_job.landing",
        "databricks_permissions.landing",
        "databricks_mlflow_experiment.experiment",
        "databricks_registered_model.model",
    ]
    jobs = {name: job["job_id"] for name, job in line.jobs().items()}
    subprocess.run(
        ["terraform", "state", "rm", *lost],
        cwd=line.root / ".branchline/apply/dev/stacks/dev",
        env={**os.environ, **line.credentials.variables("dev", "project")},
        check=True,
        capture_output=True,
    )
    line.records.write(line.latest().model_copy(update={"state": "applying"}))
    report = line.apply(approved=killed)
    assert report.deployment.state == "applied"
    taken = [said.split()[1] for said in line.said if said.endswith("is taken over")]
    assert taken == ["databricks_job.landing", lost[2], lost[3]]
    assert {name: job["job_id"] for name, job in line.jobs().items()} == jobs
    assert touched(line.plan().stacks) == []


def test_a_plan_beyond_the_rest_of_the_approved_one_is_refused(line: Line, killed: str) -> None:
    """A deployment that fails half-way, and a workspace that is another by the time it is taken up again."""
    line.set_timeout(61)
    digest = line.plan().digest("dev")
    refused = {"method": "POST", "path": "/api/2.2/jobs/reset", "status": 400, "error_code": "INVALID", "times": 9}
    line.workspace.call("POST", "/api/2.0/local/faults", json=refused)
    with pytest.raises(DeploymentFailed, match=r"(?s)terraform apply of dev failed.*The same command again") as failed:
        line.apply(approved=digest)
    line.workspace.call("DELETE", "/api/2.0/local/faults")
    left = failed.value.report.deployment.left
    assert left
    assert all(address.startswith("dev: databricks_job.") for address in left)
    assert line.latest().state == "failed"

    gone = line.jobs()["dev-hrob-batch-inference"]["job_id"]
    line.workspace.call("POST", "/api/2.2/jobs/delete", json={"job_id": gone})
    with pytest.raises(Trouble, match=r"(?s)more than its rest.*create databricks_job\.batch_inference, approved was"):
        line.apply(approved=digest)
    report = line.apply()
    assert report.deployment.state == "applied"
    assert "failed; it left dev: databricks_job." in report.notes[0]


def test_a_lock_of_another_process_is_told_and_never_freed(line: Line, killed: str) -> None:
    line.set_timeout(62)
    known = len(line.records.all())
    state = line.root / ".branchline/state/dev.tfstate"
    holder = {"ID": "1234", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-11-20T11:00:00Z"}
    info = state.with_name(".dev.tfstate.lock.info")
    info.write_text(json.dumps({**holder, "Info": "", "Version": "1.11.4", "Path": str(state)}))
    before = state.read_bytes()
    with state.open("r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(Trouble, match=r"(?s)locked by ci@runner, for Apply, since .* force-unlock 1234"):
            line.apply()
    assert state.read_bytes() == before
    assert len(line.records.all()) == known
    info.unlink(missing_ok=True)


def test_a_second_apply_of_the_same_clone_is_refused(line: Line, killed: str) -> None:
    lock = line.root / ".branchline/apply/dev/.apply.lock"
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Trouble, match="is being deployed from this clone by process"):
            line.apply()


@pytest.fixture
def between(line: Line, killed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, Credentials]]:
    """A proxy before the workspace, and credentials to go through it; waits are short."""
    monkeypatch.setattr("ci.terraform.runner._FIRST_WAIT", 0.05)
    monkeypatch.setattr("ci.apply.stacks._FIRST_WAIT", 0.05)
    monkeypatch.setattr("ci.apply.clients._PATIENCE_SECONDS", 2)
    with proxy(line.workspace.url) as found:
        variables = launch.environment(line.workspace)
        host = {"DATABRICKS_HOST": found.url, "TF_VAR_databricks_host": found.url}
        yield found, Credentials(environment={**variables, **host})


@pytest.mark.parametrize(("status", "minutes"), [(429, 63), (500, 64)])
def test_a_fault_that_passes_is_waited_out(
    line: Line, between: tuple[Proxy, Credentials], status: int, minutes: int
) -> None:
    found, credentials = between
    line.set_timeout(minutes)
    digest = line.plan().digest("dev")
    found.fail_next(4, status, path="/jobs/reset")
    report = line.apply(credentials, approved=digest)
    assert (report.deployment.state, report.deployment.left) == ("applied", ())
    assert status in {answered for _, _, answered in found.seen}
    assert touched(line.plan().stacks) == []


def test_a_workspace_that_answers_no_more_ends_clearly_with_its_state_whole(
    line: Line, between: tuple[Proxy, Credentials]
) -> None:
    found, credentials = between
    line.set_timeout(65)
    digest = line.plan().digest("dev")
    gone = threading.Event()

    def fault(method: str, path: str) -> int | None:
        if "/jobs/reset" in path:
            gone.set()
        return HANG_UP if gone.is_set() else None

    found.fault = fault
    with pytest.raises(DeploymentFailed, match=r"(?s)could not be written.*The same command again"):
        line.apply(credentials, approved=digest)
    state = json.loads((line.root / ".branchline/state/dev.tfstate").read_text())
    assert len(state["resources"]) > 9
    assert line.latest().state == "applying"

    report = line.apply(approved=digest)
    assert (report.deployment.state, report.deployment.left) == ("applied", ())
    assert "was interrupted; it left dev: databricks_job." in report.notes[0]


def test_interrupted_by_the_user_it_records_what_is_left(line: Line, killed: str) -> None:
    """Ctrl-C reaches the command alone, as from a CI runner: Terraform is let end what it has begun."""
    line.set_timeout(66)
    digest = line.plan().digest("dev")
    late = {"method": "POST", "path": "/api/2.2/jobs/reset", "status": 0, "after": True, "times": 9}
    line.workspace.call("POST", "/api/2.0/local/faults", json={**late, "delay_seconds": _HELD_SECONDS})
    apply = line.start_cli("apply", "dev", "--approved", digest)
    until(lambda: _held(line), "Terraform waits for the jobs", timeout=120)
    apply.send_signal(signal.SIGTERM)
    printed, _ = apply.communicate(timeout=120)
    line.workspace.call("DELETE", "/api/2.0/local/faults")
    assert apply.returncode == 1, printed
    assert "interrupted" in printed
    assert line.latest().state == "failed"
    report = line.apply(approved=digest)
    assert report.deployment.state == "applied"


def _held(line: Line) -> bool:
    return any(fault["held"] for fault in line.workspace.call("GET", "/api/2.0/local/faults")["faults"])
