"""A feature branch's own copy of dev, as stacks."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.constructs.steps import StepError
from infra.settings import SettingsError
from stacks.plan import plan

Stacks = dict[str, dict[str, Any]]
Synthesize = Callable[..., Stacks]


def git(clone: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(clone), *who, *arguments], check=True, capture_output=True)


def names(stack: dict[str, Any]) -> set[str]:
    """What a stack makes, by kind and full name."""
    found = set()
    for kind in ("databricks_job", "databricks_mlflow_experiment", "databricks_schema"):
        found |= {(kind, body["name"]) for body in stack["resource"].get(kind, {}).values()}
    return found


def test_a_copy_lies_beside_dev_and_other_copies(clone: Path, synthesized: Synthesize) -> None:
    dev = synthesized(clone, ENVIRONMENTS="dev")
    x, y = (synthesized(clone, BRANCH=f"feature/{b}", ENVIRONMENTS="dev") for b in "xy")
    for one, other in ((dev, x), (dev, y), (x, y)):
        assert not names(one["dev"]) & names(other["dev"])
        backends = [stack["dev"]["terraform"]["backend"]["local"]["path"] for stack in (one, other)]
        assert backends[0] != backends[1]
    assert {name for kind, name in names(x["dev"]) if kind == "databricks_job"} == {
        "feature-x-dev-hrob-landing",
        "feature-x-dev-hrob-training",
        "feature-x-dev-hrob-batch-inference",
        "feature-x-dev-hrob-monitoring",
        "feature-x-dev-hrob-quality-monitor",
    }
    assert ("databricks_schema", "hrob_feature_x") in names(x["dev"])
    assert x["dev-admin"] == dev["dev-admin"], "the environment's own objects are not the copy's to change"


def test_jobs_of_a_copy_run_its_branch_and_never_by_schedule(clone: Path, synthesized: Synthesize) -> None:
    stack = synthesized(clone, BRANCH="feature/x", ENVIRONMENTS="dev")["dev"]
    for job in stack["resource"]["databricks_job"].values():
        assert job["git_source"]["branch"] == "feature/x"
        assert job["tags"]["expires"] == "2026-03-15"
        assert job.get("schedule", {"pause_status": "PAUSED"})["pause_status"] == "PAUSED"
        defaults = {p["name"]: p["default"] for p in job["parameter"]}
        assert defaults["schema"] == "hrob_feature_x"
    volume = stack["resource"]["databricks_volume"]["landing"]
    assert volume["schema_name"] == "${databricks_schema.schema.name}"
    model = stack["resource"]["databricks_registered_model"]["model"]
    assert model["schema_name"] == "${databricks_schema.schema.name}"


def test_a_developer_can_deploy_a_copy(clone: Path, synthesized: Synthesize) -> None:
    stack = synthesized(clone, BRANCH="feature/x", ENVIRONMENTS="dev")["dev"]
    assert "owner" not in stack["resource"]["databricks_registered_model"]["model"]
    for permissions in stack["resource"]["databricks_permissions"].values():
        assert "IS_OWNER" not in [entry["permission_level"] for entry in permissions["access_control"]]


def test_runs_of_a_copy_may_look_themselves_up(clone: Path, synthesized: Synthesize) -> None:
    stack = synthesized(clone, BRANCH="feature/x", ENVIRONMENTS="dev")["dev"]
    (own,) = [
        entry["permission_level"]
        for entry in stack["resource"]["databricks_permissions"]["training"]["access_control"]
        if entry.get("service_principal_name")
    ]
    assert own == (
        "${data.databricks_current_user.deployer.user_name"
        ' == data.databricks_service_principal.service_principal.application_id ? "IS_OWNER" : "CAN_MANAGE"}'
    )


def test_the_same_code_synthesizes_to_the_same_bytes(clone: Path, synthesized: Synthesize) -> None:
    assert synthesized(clone, BRANCH="feature/x") == synthesized(clone, BRANCH="feature/x")


def test_staging_and_prod_stay_as_they_are(clone: Path, synthesized: Synthesize, stacks: Stacks) -> None:
    copying = synthesized(clone, BRANCH="feature/x")
    for environment in ("staging", "prod"):
        assert names(copying[environment]) == names(stacks[environment])


def test_a_branch_with_another_step_is_left_out_beside_a_copy_and_refused_without(clone: Path) -> None:
    steps = clone / "ml_code" / "steps.yaml"
    git(clone, "checkout", "--quiet", "release")
    steps.write_text(steps.read_text().replace("hrob.score:", "hrob.infer:"))
    git(clone, "commit", "--quiet", "--all", "--message", "rename")
    git(clone, "checkout", "--quiet", "main")
    said: list[str] = []
    plans = plan(repository=clone, variables={"BRANCH": "feature/x"}, say=said.append)
    assert [p.settings.environment for p in plans] == ["dev", "staging"]
    assert "prod is left out" in said[0]
    assert "unknown step" in said[0]
    with pytest.raises(StepError, match=r"steps.yaml \(branch release\).*hrob.score: unknown step"):
        plan(repository=clone, variables={})


def test_environments_can_be_chosen_by_name(clone: Path) -> None:
    chosen = plan(repository=clone, variables={"ENVIRONMENTS": "prod, dev"})
    assert [p.settings.environment for p in chosen] == ["dev", "prod"]
    with pytest.raises(SettingsError, match="no environment 'porduction'"):
        plan(repository=clone, variables={"ENVIRONMENTS": "porduction"})
