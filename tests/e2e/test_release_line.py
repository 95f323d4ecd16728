"""One change the whole way, on local git remotes and a local workspace; and one that the gate stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.workspace import launch
from tests.support.clone import Clone
from tests.support.deployment import eventually, git_url, wait_for_run
from tests.support.release_line import ReleaseLine

DAY = "2026-11-20"
APPROVER = "Rita Reviewer"
SELECTION = "ml_code/projects/hrob/feature_selection_config.yml"
SCORE = "ml_code/projects/hrob/score.py"
WEAK, WORSE, BETTER = (
    f"keep: [{groups}]\n"
    for groups in ("mother, prenatal_care", "mother", "mother, father, prenatal_care, habits, circumstances")
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseLine]:
    """A line from nothing: bootstrapped, with a first release whose model is weak, on members with a known truth."""
    folder = tmp_path_factory.mktemp("line")
    clone = Clone(folder)
    workspace = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
    found = ReleaseLine(clone, workspace, variables={"BRANCH": ""})
    try:
        found.git("checkout", "-q", "main")
        _write_first_release(found)
        found.branchline("bootstrap", "up", "--yes")
        found.branchline("apply", "staging", "--yes")
        found.branchline("release", "cut", "--tag", "v1.0.0")
        deploy_prod(found, "v1.0.0")
        yield found
    finally:
        launch.stop(folder / "workspace")


def _write_first_release(line: ReleaseLine) -> None:
    """Hooks that train on the generator's members, with a short search."""
    files = {SELECTION: WEAK}
    for environment in ("staging", "prod"):
        name = f"infra/settings/{environment}.yaml"
        text = (line.root / name).read_text()
        for hook, given in {
            "{name: land, run_job: landing, when: code}": f'{{date: "{DAY}", source: generator, members: "3000"}}',
            "{name: train, run_job: training, when: code}": f'{{date: "{DAY}", trials: "2"}}',
        }.items():
            assert hook in text
            text = text.replace(hook, f"{hook[:-1]}, parameters: {given}}}")
        files[name] = text
    for name, text in files.items():
        (line.root / name).write_text(text)
    line.git("commit", "-qam", "The first release")
    line.git("push", "-q", "origin", "main")


def deploy_prod(line: ReleaseLine, tag: str) -> None:
    """Plan, gate, approval by another than the author, apply: as the pipeline of the release branch does it."""
    line.checkout_release()
    line.branchline("plan", "prod", "--json", "plan.json")
    line.branchline("gate", "--for", "apply", "--plan", "plan.json")
    line.branchline("apply", "prod", "--plan", "plan.json", "--approver", APPROVER, "--tag", tag)
    (line.root / "plan.json").unlink()


def test_one_change_the_whole_way(line: ReleaseLine) -> None:
    assert (line.champion("staging"), line.champion("prod")) == ("1", "1")
    first_tree = line.git("rev-parse", "v1.0.0^{tree}")

    # a feature branch: a worse model, and code that can be told from that of the first release
    marked = _marked((line.root / SCORE).read_text())
    line.commit_on("feature/fewer-columns", {SELECTION: WORSE, SCORE: marked}, "Fewer columns")
    comment = pull_request(line)
    assert "databricks" not in comment.partition("<details>")[0], "the first lines are for people"
    for heading in ("Plan of staging, prod", "Gate", "Rehears", "andidate"):
        assert heading in comment, comment

    # merged: staging is deployed because code changed, and its own training refuses the worse model
    line.merge("feature/fewer-columns", 12, "Fewer columns")
    applied = line.branchline("apply", "staging", "--yes").out
    assert "ml_code" in applied
    assert line.champion("staging") == "1"

    # cut and deployed: prod refuses it too
    cut = line.branchline("release", "cut", "--tag", "v1.1.0").out
    assert "#12" in cut
    assert "Fewer columns" in cut
    deploy_prod(line, "v1.1.0")
    assert line.champion("prod") == "1"
    shown = line.branchline("release", "show", "v1.1.0").out
    for attached in ("plan.json", "gate.json", "rehearsal.json", "candidate.json"):
        assert attached in shown

    # the next change is better: promoted
    line.git("checkout", "-q", "main")
    line.commit_on("feature/more-columns", {SELECTION: BETTER}, "More columns")
    line.merge("feature/more-columns", 13, "More columns")
    line.branchline("apply", "staging", "--yes")
    assert line.champion("staging") == "3"
    line.branchline("release", "cut", "--tag", "v1.2.0")
    deploy_prod(line, "v1.2.0")
    assert line.champion("prod") == "3"
    status = _status(line)
    assert status["prod"]["deployed"]["tag"] == "v1.2.0"
    assert "rehearsed code" in _scheduled_run(line), "what runs now is the second release's code"

    # rolled back: tree, stacks and champion are those of the first release, and what runs next is its code
    planned = line.branchline("release", "rollback", "v1.0.0", "--dry-run").out
    digest = planned.rstrip().splitlines()[-1].rpartition(" ")[2]
    line.branchline("release", "rollback", "v1.0.0", "--approved", digest, "--approver", APPROVER)
    assert line.champion("prod") == "1"
    restored = line.checkout_release()
    assert line.git("rev-parse", "HEAD^{tree}") == first_tree
    assert line.git("merge-base", "--is-ancestor", "v1.2.0", "HEAD") == ""
    assert "rehearsed code" not in _scheduled_run(line, restored)
    assert _status(line)["prod"]["champion"]["version"] == 1


def pull_request(line: ReleaseLine) -> str:
    """What a pull request's pipeline does; returns the text of its comment."""
    line.branchline("plan", "staging", "prod")
    line.branchline("gate")
    line.branchline("rehearse", "--trials", "1")
    line.branchline("copies", "deploy")
    line.branchline("copies", "train", "--date", DAY, "--trials", "1")
    folder = Path(".branchline/evidence") / line.git("rev-parse", "HEAD")
    files = [str(folder / name) for name in ("plan.md", "gate.md", "rehearsal.md", "candidate.md")]
    comment = line.branchline("comment", "--dry-run", *files).out
    line.branchline("copies", "destroy", "--yes")
    jobs = line.workspace.call("GET", "/api/2.2/jobs/list", params={"limit": 100}).get("jobs", [])
    assert not [job for job in jobs if "fewer-columns" in job["settings"]["name"]]
    return comment


def _marked(source: str) -> str:
    """Says so in the log of each run."""
    head, define, tail = source.partition("\ndef run(")
    assert define
    return f'{head}\nprint("rehearsed code")\n{define}{tail}'


def _scheduled_run(line: ReleaseLine, commit: str | None = None) -> str:
    """The log of prod's next scheduled scoring; nobody starts it but the workspace's clock."""
    call = line.workspace.call
    job = call("GET", "/api/2.2/jobs/list", params={"name": "prod-hrob-batch-inference"})["jobs"][0]["job_id"]
    before = {run["run_id"] for run in call("GET", "/api/2.2/jobs/runs/list", params={"job_id": job}).get("runs", [])}
    now = datetime.fromisoformat(call("GET", "/api/2.0/local/clock")["now"])
    due = now.replace(hour=11, minute=0, second=0, microsecond=0)
    due += timedelta(days=0 if due > now else 1)
    call("PUT", "/api/2.0/local/clock", json={"now": due.isoformat()})

    def new() -> list[int]:
        runs = call("GET", "/api/2.2/jobs/runs/list", params={"job_id": job}).get("runs", [])
        return [run["run_id"] for run in runs if run["run_id"] not in before]

    (run_id,) = eventually(new)
    ended = wait_for_run(line.workspace, run_id)
    assert ended.result == "SUCCESS", ended
    assert commit is None or ended.commit == commit
    return "\n".join(ended.logs.values())


def _status(line: ReleaseLine) -> dict[str, Any]:
    path = line.root / "status.json"
    line.branchline("release", "status", "--json", str(path))
    found = {each["environment"]: each for each in json.loads(path.read_text())["environments"]}
    path.unlink()
    return found


def test_the_gate_stops_a_destructive_change(line: ReleaseLine) -> None:
    """Another name of the registered model would destroy the old one with all of its versions."""
    line.git("checkout", "-q", "main")
    name = "infra/settings/project.yaml"
    text = (line.root / name).read_text()
    line.commit_on("feature/rename", {name: text.replace("\nmodel: risk\n", "\nmodel: hazard\n")}, "A better name")
    planned = line.branchline("plan", "staging", "prod").out
    assert "destroyed" in planned or "replaced" in planned
    refused = line.branchline("gate", expect=3).out
    assert "databricks_registered_model.model" in refused
    assert "prod" in refused

    # merged all the same, the deployment is refused before anything is touched
    before = line.champion("staging")
    line.merge("feature/rename", 14, "A better name")
    said = line.branchline("apply", "staging", "--yes", expect=1)
    assert "databricks_registered_model.model" in said.out + said.err
    assert line.champion("staging") == before
    assert "red" in line.branchline("release", "cut", "--tag", "v9.0.0", expect=1).err.lower()
