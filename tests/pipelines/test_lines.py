"""Every command line of the pipelines, run as it stands there, against a local workspace, in the order of a change."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from ci.main import app
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import ROOT, Clone
from tests.support.deployment import QUIET, git_url
from tests.support.pipelines import COMMAND, github_lines

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FEATURE = "feature/pipelines"
# Lines that are only parsed here, and where they run.
_REHEARSED = "takes minutes: the rehearsal's own tests run it"
PARSED = {
    "make setup": "would set this machine's packages up anew: the Makefile's own tests run it",
    "make test": "is what runs this test",
    f'{COMMAND} rehearse --base "$BASE_COMMIT" --html .branchline/rehearsal.html'
    " --markdown .branchline/rehearsal.md": _REHEARSED,
    f"{COMMAND} rehearse --environment prod --html .branchline/rehearsal.html"
    " --markdown .branchline/rehearsal.md": _REHEARSED,
    f'{COMMAND} release rollback "$TAG" --only project --author "$AUTHOR" --approved "$DIGEST"'
    f' --approver "$({COMMAND} approver prod)"': "needs two releases with a model each: the release's own tests run it",
    f'{COMMAND} marketplace approvals apply --branch "$PUSHED_BRANCH"': "needs a deployed hub: its tests run the job",
}
LINES = [line for line in github_lines() if line.is_ours]
# As whom an environment's jobs log in; planning reads everything, which only an administrator may.
PRINCIPALS = {"plan": None, "dev": "branchline-dev", "staging": "branchline-staging", "prod": "branchline-prod"}
_PERSON = {"NAME": "An Engineer", "EMAIL": "engineer@example.com"}


@dataclass
class Runner:
    """A CI runner with one clone, whose jobs log in to one workspace."""

    clone: Clone
    workspace: Running
    variables: dict[str, str]
    ran: set[str] = field(default_factory=set)

    def run(self, beginning: str, identity: str | None = None, *, ends: int = 0) -> str:
        """Runs the only line of that identity's jobs that begins so; returns all that it printed."""
        found = {each.text for each in LINES if each.text.startswith(f"{COMMAND} {beginning}")}
        mine = {each.text for each in LINES if each.text in found and each.identity == identity}
        (text,) = mine - PARSED.keys()
        self.ran.add(text)
        login = launch.environment(self.workspace, PRINCIPALS[identity]) if identity else {}
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            cwd=self.clone.path,
            env={**os.environ, **QUIET, **self.variables, **login},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == ends, f"{text} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def read(self, name: str) -> str:
        return (self.clone.path / ".branchline" / name).read_text()


@pytest.fixture(scope="module")
def forge() -> Iterator[tuple[str, list[str]]]:
    """GitHub's REST interface as far as a comment needs it: its address, and what was posted."""
    posted: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer([])

        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])
            self._answer({"id": 1}, 201)

        def _answer(self, content: object, status: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test's output is the lines' own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, forge: tuple[str, list[str]]) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("pipelines")
    clone = Clone(folder)
    _make_quick(clone)
    commit = clone.commit(FEATURE, {"docs/note.md": "a note\n"}, "A note")
    data_dir = folder / "workspace"
    workspace = launch.start(data_dir, port=0, repos={git_url(): str(clone.remote)})
    variables = {
        "PYTHONPATH": str(clone.path),  # the clone's own packages, where the shared tools know the work tree's
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BRANCHLINE_DATA_DIR": str(data_dir),
        "CI": "1",
        "HEAD_BRANCH": FEATURE,
        "HEAD_COMMIT": commit,
        "BASE_COMMIT": clone.git("rev-parse", "main"),
        "AUTHOR": "A Scientist <scientist@example.com>",
        "APPROVER": "An Engineer",
        "PIPELINE_URL": "https://ci.example.com/runs/1",
        "GITHUB_API_URL": forge[0],
        "GITHUB_REPOSITORY": "branchline-example/branchline",
        "GITHUB_TOKEN": "a token of the run",
        "PULL_REQUEST": "7",
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()},
    }
    try:
        yield Runner(clone, workspace, variables)
    finally:
        launch.stop(data_dir)


def _make_quick(clone: Clone) -> None:
    """One trial a training, and deployments without hooks: what those do, their own tests tell."""
    quick = {"ml_code/steps.yaml": ("default: 12,", "default: 1,")}
    files = {name: (clone.path / name).read_text().replace(*change) for name, change in quick.items()}
    for name in ("staging", "prod"):
        path = f"infra/settings/{name}.yaml"
        files[path] = _without_hooks((clone.path / path).read_text())
    clone.commit("main", files, "Quick")
    for branch in ("dev", "release"):
        clone.git("branch", "-f", branch, "main")
        clone.git("push", "-q", "origin", branch)


def _without_hooks(text: str) -> str:
    before, _, rest = text.partition("hooks:\n")
    kept = [line for line in rest.splitlines(keepends=True) if not line.startswith("  - ")] if rest else []
    return f"{before}hooks: []\n{''.join(kept)}" if rest else text


def test_a_forks_pull_request_needs_no_credentials(runner: Runner) -> None:
    runner.clone.git("checkout", "-q", "--detach", FEATURE)
    runner.run("workspace up")
    runner.run("bootstrap up")
    runner.run("plan staging prod")
    runner.run("gate --plan .branchline/plan.json --base")
    assert json.loads(runner.read("gate.sarif"))["version"] == "2.1.0"
    assert "no request to check" in runner.run("marketplace check")


def test_a_pull_request_has_a_candidate_trained_and_is_told_all(runner: Runner, forge: tuple[str, list[str]]) -> None:
    """Its lines for plan and gate are the fork's, and have run."""
    runner.run("marketplace approvals check")
    runner.run("copies deploy", "dev")
    runner.run("copies train", "dev")
    runner.run("comment .branchline/plan.md")
    (comment,) = forge[1]
    assert "## Plan of staging, prod" in comment
    assert f"## Candidate of {FEATURE} at `{runner.variables['HEAD_COMMIT'][:12]}`" in comment
    runner.run("comment .branchline/marketplace.md")
    assert "No request to check" in forge[1][-1]


def test_a_closed_pull_request_takes_its_copy_along(runner: Runner) -> None:
    runner.clone.git("checkout", "-q", "main")
    runner.clone.git("push", "-q", "origin", "--delete", FEATURE)
    runner.clone.git("branch", "-q", "-D", FEATURE)
    assert re.search(r"[3-9]\d objects by its state", runner.run("copies destroy", "dev"))


def test_a_merge_deploys_staging(runner: Runner) -> None:
    clone, message = runner.clone, f"Merge pull request #7 from branchline-example/{FEATURE}"
    clone.git("merge", "-q", "--no-ff", "-m", message, runner.variables["HEAD_COMMIT"])
    clone.git("push", "-q", "origin", "main")
    runner.run("plan staging --only project", "staging")
    runner.run("gate --plan .branchline/plan.json --for apply", "staging")
    runner.run("apply staging", "staging")
    assert "staging" in runner.read("apply.md")


def test_a_release_is_cut_approved_and_applied(runner: Runner) -> None:
    runner.run("release cut", "staging")
    runner.clone.git("fetch", "-q", "origin", "--tags")
    runner.clone.git("checkout", "-q", "-B", "release", "origin/release")
    runner.run("plan prod --only project", "plan")
    runner.run("gate --plan .branchline/plan.json --for apply", "plan")
    runner.variables["APPROVER"] = "scientist@example.com"
    assert "approved a change of their own" in runner.run("apply prod", "prod", ends=1)
    runner.variables["APPROVER"] = "A Platform Engineer"
    runner.run("apply prod", "prod")


def test_what_is_released_already_is_no_rollback(runner: Runner) -> None:
    runner.variables["TAG"] = runner.clone.git("describe", "--tags", "origin/release")
    assert "nothing to roll back" in runner.run("release rollback", "plan", ends=1)


def test_the_clock_finds_no_drift_and_nothing_expired(runner: Runner) -> None:
    runner.clone.git("checkout", "-q", "main")
    runner.run("drift", "plan")
    assert "0 to be removed" in runner.run("copies expire", "dev")


def test_every_line_was_run_or_is_parsed_for_a_reason(runner: Runner) -> None:
    runner.run("workspace down")
    assert {line.text for line in LINES} == runner.ran | PARSED.keys()


@pytest.mark.parametrize("text", [text for text in PARSED if text.startswith(COMMAND)])
def test_what_is_not_run_has_arguments_that_the_command_takes(text: str) -> None:
    command, words = typer.main.get_command(app), shlex.split(text)[1:]
    while isinstance(command, TyperGroup):
        context = command.make_context("branchline", words[:1], resilient_parsing=True)
        found = command.get_command(context, words[0])
        assert found, text
        command, words = found, words[1:]
    command.make_context(str(command.name), words)


@pytest.mark.parametrize("text", [text for text in PARSED if text.startswith("make ")])
def test_make_has_the_targets(text: str) -> None:
    done = subprocess.run([*text.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
