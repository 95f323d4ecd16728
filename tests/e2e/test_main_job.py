"""Deploy, train, promote, score, in three environments: what a user does, in the order in which they do it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import deltalake
import httpx
import pytest

from tests.e2e.conftest import Deployed
from tests.support.browser import Browser
from tests.support.clone import run
from tests.support.deployment import ENVIRONMENTS, eventually, wait_for_run

# The project's days are simulated and all of one year: what is asserted of them must not hang on today.
DAY = "2026-11-20"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def _champion(deployed: Deployed, environment: str) -> int:
    model = deployed.workspace.call(
        "GET", f"/api/2.1/unity-catalog/models/{environment}.hrob.risk?include_aliases=true"
    )
    return next((alias["version_num"] for alias in model.get("aliases", []) if alias["alias_name"] == "champion"), 0)


@pytest.mark.parametrize("stack", [f"{name}{kind}" for name in ENVIRONMENTS for kind in ("-admin", "")])
def test_a_plan_after_the_deployment_shows_nothing(deployed: Deployed, stack: str) -> None:
    principal = None if stack.endswith("-admin") else f"branchline-{stack}"
    folder = deployed.clone.path / "cdktf.out/stacks" / stack
    printed = run(
        ["terraform", "plan", "-detailed-exitcode", "-no-color"], folder, deployed.environment(principal), timeout=120
    )
    assert "No changes." in printed


def test_training_makes_the_first_version_champion_if_it_passes_the_floor(deployed: Deployed) -> None:
    """On generated members, whose truth is known to be well above the floor."""
    landed = deployed.run_job("staging-hrob-landing", date=DAY, source="generator", members="3000")
    assert landed.result == "SUCCESS", landed
    trained = deployed.run_job("staging-hrob-training", date=DAY)
    assert trained.result == "SUCCESS", trained
    ran = [task for task in trained.body["tasks"] if task["state"]["result_state"] == "SUCCESS"]
    started = sorted(ran, key=lambda task: task["start_time"])
    path = ["ingest", "features", "gate", "trusted", "worthwhile", "train", "validate", "promote"]
    assert [task["task_key"] for task in started] == path
    assert _champion(deployed, "staging") == 1
    version = deployed.workspace.call("GET", "/api/2.1/unity-catalog/models/staging.hrob.risk/versions/1")
    assert "champion" in version["comment"]


def test_a_second_training_on_the_same_data_is_left_out_and_an_equal_challenger_refused(deployed: Deployed) -> None:
    skipped = deployed.run_job("staging-hrob-training", date=DAY)
    assert skipped.result == "SUCCESS", skipped
    left_out = {task["task_key"] for task in skipped.body["tasks"] if task["state"]["result_state"] == "EXCLUDED"}
    assert left_out == {"train", "validate", "promote", "halt"}
    again = deployed.run_job("staging-hrob-training", date=DAY, when_unchanged="train")
    assert again.result == "SUCCESS", again
    versions = deployed.workspace.call("GET", "/api/2.1/unity-catalog/models/staging.hrob.risk/versions")
    assert {version["version"] for version in versions["model_versions"]} == {1, 2}
    assert _champion(deployed, "staging") == 1


def test_scoring_follows_the_champion_and_a_second_run_changes_nothing(deployed: Deployed) -> None:
    first = deployed.run_job("staging-hrob-batch-inference", date=DAY)
    assert first.result == "SUCCESS", first
    before = _predictions(deployed)
    assert before
    assert {row["model_version"] for row in before} == {"1"}
    assert {row["commit"] for row in before} == {first.commit}
    second = deployed.run_job("staging-hrob-batch-inference", date=DAY)
    assert second.result == "SUCCESS", second
    assert _predictions(deployed) == before


def _predictions(deployed: Deployed) -> list[dict[str, str]]:
    table = deployed.workspace.call("GET", "/api/2.1/unity-catalog/tables/staging.hrob.predictions")
    rows = deltalake.DeltaTable(table["storage_location"].removeprefix("file://")).to_pyarrow_table()
    return sorted((_plain(row) for row in rows.to_pylist()), key=lambda row: row["birth_id"])


def _plain(row: dict[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in row.items()}


def test_monitoring_refreshes_the_monitor_and_leaves_a_report_and_a_dashboard(
    deployed: Deployed, tmp_path: Path
) -> None:
    monitored = deployed.run_job("staging-hrob-monitoring", date=DAY)
    assert monitored.result == "SUCCESS", monitored
    call = deployed.workspace.call
    refreshes = call("GET", "/api/2.1/unity-catalog/tables/staging.hrob.inference_log/monitor/refreshes")["refreshes"]
    assert [refresh["state"] for refresh in refreshes] == ["SUCCESS"]
    written = call("GET", "/api/2.1/unity-catalog/tables/staging.hrob.inference_log_profile_metrics")
    assert written["table_type"] == "MANAGED"

    browser = Browser(deployed.workspace, tmp_path)
    home = browser.open("/")
    assert "hrob.html" in home.document
    report = browser.open("/reports/branchline/staging/reports/hrob.html")
    assert "Champion" in report.document
    assert "<svg" in report.document
    dashboards = call("GET", "/api/2.0/lakeview/dashboards")["dashboards"]
    found = [call("GET", f"/api/2.0/lakeview/dashboards/{each['dashboard_id']}") for each in dashboards]
    shown = next(each for each in found if each["parent_path"] == "/branchline/staging")
    dashboard = browser.open(f"/dashboards/{shown['dashboard_id']}")
    assert "feature-drift" in dashboard.document
    assert "not found" not in dashboard.document.lower()
    assert "<svg" in browser.open(f"/dashboards/{shown['dashboard_id']}?page=data").document


def test_prod_runs_the_release_branch_while_main_has_moved_on(deployed: Deployed) -> None:
    source = (deployed.clone.path / "ml_code/run.py").read_text()
    marked = 'print("main has moved on")\n'
    moved = re.sub(r"(?m)^(import |from (?!__future__))", marked + r"\1", source, count=1)
    main = deployed.clone.commit("main", {"ml_code/run.py": moved})
    release = deployed.clone.git("rev-parse", "release")

    prod = deployed.run_job("prod-hrob-landing", date="2000-01-01")
    assert prod.result == "SUCCESS", prod
    assert prod.commit == release
    assert "main has moved on" not in prod.logs["land"]

    staging = deployed.run_job("staging-hrob-landing", date="2000-01-01")
    assert staging.commit == main
    assert "main has moved on" in staging.logs["land"]


def test_a_developers_copy_stands_beside_dev(deployed: Deployed) -> None:
    deployed.clone.commit("feature/tokens", {"docs/note.md": "a note\n"})
    environment = {**deployed.environment(), "BRANCH": "feature/tokens"}
    deployed.clone.cdktf("deploy", "dev", environment=environment)
    names = {
        job["settings"]["name"]: job["settings"]
        for job in deployed.workspace.call("GET", "/api/2.2/jobs/list", params={"limit": 100})["jobs"]
    }
    copy = names["feature-tokens-dev-hrob-training"]
    assert copy["git_source"]["git_branch"] == "feature/tokens"
    assert "expires" in copy["tags"]
    assert "dev-hrob-training" in names
    assert names["feature-tokens-dev-hrob-batch-inference"]["schedule"]["pause_status"] == "PAUSED"
    deployed.clone.cdktf("destroy", "dev", environment=environment)
    left = deployed.workspace.call("GET", "/api/2.2/jobs/list", params={"limit": 100})["jobs"]
    assert not [job for job in left if job["settings"]["name"].startswith("feature-tokens")]


def test_no_token_shows_in_plans_state_logs_or_pages(deployed: Deployed) -> None:
    environment = deployed.environment("branchline-prod")
    secrets = {environment["DATABRICKS_TOKEN"], deployed.workspace.token}
    folder = deployed.clone.path / "cdktf.out/stacks/prod"
    run(["terraform", "plan", "-out", "checked.plan"], folder, environment)
    plan = run(["terraform", "show", "-json", "checked.plan"], folder, environment)
    assert json.loads(plan[plan.index('{"') :])["planned_values"]
    texts = {"plan": plan}
    state = deployed.clone.path / ".branchline/state"
    data_dir = deployed.workspace.data_dir
    readable = [
        *state.rglob("*.tfstate*"),
        *data_dir.rglob("*.log"),
        *(deployed.clone.path / "cdktf.out").rglob("*.json"),
    ]
    texts |= {str(path): path.read_text(errors="replace") for path in readable if path.is_file()}
    headers = {"Authorization": f"Bearer {deployed.workspace.token}", "Accept": "text/html"}
    for page in ("/", "/jobs", "/runs", "/catalog", "/outbox"):
        texts[page] = httpx.get(deployed.workspace.url + page, headers=headers).text
    shown = [place for place, text in texts.items() if any(secret in text for secret in secrets)]
    assert shown == []


def test_prods_inference_starts_by_itself_at_eleven(deployed: Deployed) -> None:
    """The workspace's clock is moved to the next 11:00 UTC; nobody starts the job."""
    call = deployed.workspace.call
    now = datetime.fromisoformat(call("GET", "/api/2.0/local/clock")["now"])
    due = now.replace(hour=11, minute=0, second=0, microsecond=0)
    due += timedelta(days=0 if due > now else 1)
    call("PUT", "/api/2.0/local/clock", json={"now": due.isoformat()})
    asked = {"job_id": deployed.job_id("prod-hrob-batch-inference")}
    runs = eventually(lambda: call("GET", "/api/2.2/jobs/runs/list", params=asked).get("runs"))
    assert [run["trigger"] for run in runs] == ["PERIODIC"]
    assert {"name": "date", "value": due.date().isoformat()} in [
        {"name": parameter["name"], "value": parameter.get("value", parameter["default"])}
        for parameter in runs[0]["job_parameters"]
    ]
    ended = wait_for_run(deployed.workspace, runs[0]["run_id"])
    # Nothing has been trained in prod yet, and the run says what to do about it.
    assert ended.result == "FAILED"
    assert "champion" in ended.logs["score"], ended


def test_a_step_runs_on_uncommitted_code(deployed: Deployed) -> None:
    """`branchline run` uses the files as they stand, and warns that jobs do not."""
    source = deployed.clone.path / "ml_code/projects/hrob/ingest.py"
    committed = source.read_text()
    source.write_text(committed + '\nprint("not committed yet")\n')
    try:
        # The clone's own command, not the installed one, which is of the work tree that these tests came from.
        command = [".venv/bin/python", "-c", "from ci.main import main; main()", "run", "hrob.ingest", "--env", "dev"]
        printed = run(command, deployed.clone.path, deployed.environment("branchline-dev"))
    finally:
        source.write_text(committed)
    assert "not committed yet" in printed
    assert "commit" in printed.lower().replace("not committed yet", "")
