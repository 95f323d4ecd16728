"""What the stacks of all environments say. Properties, no snapshots."""

import itertools
import json
import re
from typing import Any

import pytest

Stacks = dict[str, dict[str, Any]]
ENVIRONMENTS = {"dev": "dev", "staging": "main", "prod": "release"}
OWN = "${data.databricks_service_principal.service_principal.application_id}"
MADE = "${databricks_service_principal.service_principal.application_id}"
JOBS = ("landing", "training", "batch_inference", "monitoring", "quality_monitor")


def jobs(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = stack["resource"]["databricks_job"]
    return found


def grants(stack: dict[str, Any], principal: str) -> dict[str, set[str]]:
    """A principal's privileges by the kind of object."""
    found: dict[str, set[str]] = {}
    for body in stack["resource"]["databricks_grants"].values():
        kind = next(k for k in ("catalog", "schema", "volume", "model") if k in body)
        for grant in body["grant"]:
            if grant["principal"] == principal:
                found.setdefault(kind, set()).update(grant["privileges"])
    return found


def levels(stack: dict[str, Any], who: str) -> dict[str, str]:
    """A principal's permission level by the object's address."""
    return {
        name: entry["permission_level"]
        for name, body in stack["resource"]["databricks_permissions"].items()
        for entry in body["access_control"]
        if who in (entry.get("group_name"), entry.get("service_principal_name"))
    }


def test_each_environment_has_an_admin_and_a_project_stack(stacks: Stacks) -> None:
    assert set(stacks) == {f"{env}{kind}" for env in ENVIRONMENTS for kind in ("", "-admin")}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_job_is_pinned_and_runs_as_its_environment(stacks: Stacks, environment: str) -> None:
    stack = stacks[environment]
    principal = stack["data"]["databricks_service_principal"]["service_principal"]
    assert principal["display_name"] == f"branchline-{environment}"
    assert {job["name"] for job in jobs(stack).values()} == {
        f"{environment}-hrob-{job.replace('_', '-')}" for job in JOBS
    }
    for job in jobs(stack).values():
        assert job["git_source"]["branch"] == ENVIRONMENTS[environment]
        assert job["run_as"] == {"service_principal_name": OWN}
        for cluster in job["job_cluster"]:
            assert cluster["new_cluster"]["data_security_mode"] == "SINGLE_USER"
            assert cluster["new_cluster"]["single_user_name"] == OWN
            assert cluster["new_cluster"]["policy_id"] == "${data.databricks_cluster_policy.jobs.id}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_job_has_tags_limits_queue_and_somebody_to_tell(stacks: Stacks, environment: str) -> None:
    for job in jobs(stacks[environment]).values():
        assert {"project", "environment", "owner", "cost_center", "branch"} <= set(job["tags"])
        assert job["timeout_seconds"] > 0
        assert job["queue"]["enabled"] is True
        assert job["max_concurrent_runs"] == 1
        assert job["health"]["rules"]
        assert job["email_notifications"]["on_failure"]
        for task in job["task"]:
            if "spark_python_task" not in task:
                continue
            assert task["timeout_seconds"] > 0
            assert task["max_retries"] >= 0
            assert task["spark_python_task"]["source"] == "GIT"


def test_only_prod_fires_and_scores_daily_at_eleven_utc(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        schedule = jobs(stacks[environment])["batch_inference"]["schedule"]
        assert schedule["quartz_cron_expression"] == "0 0 11 * * ?"
        assert schedule["timezone_id"] == "UTC"
        assert schedule["pause_status"] == ("UNPAUSED" if environment == "prod" else "PAUSED")
        assert "schedule" not in jobs(stacks[environment])["training"], "training follows a release"


def test_the_training_job_goes_from_files_to_champion(stacks: Stacks) -> None:
    tasks = {task["task_key"]: task for task in jobs(stacks["prod"])["training"]["task"]}
    for before, after in itertools.pairwise(["ingest", "features", "gate"]):
        assert tasks[after]["depends_on"] == [{"task_key": before}]
    for before, after in itertools.pairwise(["train", "validate", "promote"]):
        assert tasks[after]["depends_on"] == [{"task_key": before}]
    assert tasks["train"]["depends_on"] == [{"task_key": "worthwhile", "outcome": "true"}]
    line = tasks["validate"]["spark_python_task"]["parameters"]
    assert line[line.index("--floor") + 1] == "{{job.parameters.floor}}"
    defaults = {p["name"]: p["default"] for p in jobs(stacks["prod"])["training"]["parameter"]}
    assert (defaults["floor"], defaults["threshold"]) == ("0.5", "0.01")
    assert defaults["model"] == "prod.hrob.risk"
    assert defaults["experiment"] == "/branchline/prod/hrob"


def test_clusters_fit_the_policy_of_their_environment(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        policy = stacks[f"{environment}-admin"]["resource"]["databricks_cluster_policy"]["jobs"]
        rules = json.loads(policy["definition"])
        for job in jobs(stacks[environment]).values():
            new = job["job_cluster"][0]["new_cluster"]
            assert new["spark_version"] == rules["spark_version"]["value"]
            assert new["node_type_id"] in rules["node_type_id"]["values"]
            workers = new.get("num_workers", new.get("autoscale", {}).get("max_workers"))
            assert workers <= rules["num_workers"]["maxValue"]
            for rule, content in rules.items():
                if rule.startswith("custom_tags."):
                    assert new["custom_tags"][rule.removeprefix("custom_tags.")] == content["value"]


def test_a_service_principal_may_do_its_work_in_its_own_catalog_and_no_more(stacks: Stacks) -> None:
    own = grants(stacks["prod-admin"], MADE)
    assert own["catalog"] == {"USE_CATALOG"}
    assert own["schema"] == {"USE_SCHEMA", "CREATE_TABLE", "CREATE_MODEL", "SELECT", "MODIFY"}
    assert own["volume"] == {"READ_VOLUME", "WRITE_VOLUME"}
    assert grants(stacks["dev-admin"], MADE)["catalog"] == {"USE_CATALOG", "CREATE_SCHEMA"}, "it deploys copies"
    for environment in ENVIRONMENTS:
        entitlements = stacks[f"{environment}-admin"]["resource"]["databricks_entitlements"]["service_principal"]
        assert entitlements["allow_cluster_create"] is False
        assert entitlements["databricks_sql_access"] is True, "it makes tables on the warehouse"
        found = levels(stacks[f"{environment}-admin"], MADE)
        assert found == {"policy": "CAN_USE", "warehouse": "CAN_USE", "folder": "CAN_MANAGE"}


def test_no_stack_names_another_environments_service_principal_or_catalog(stacks: Stacks) -> None:
    for name, stack in stacks.items():
        own = name.removesuffix("-admin")
        text = json.dumps(stack["resource"]) + json.dumps(stack.get("data", {}))
        for other in set(ENVIRONMENTS) - {own}:
            assert f"branchline-{other}" not in text
            assert not re.search(rf'"(catalog|catalog_name)": "{other}"', text)


def test_people_only_look_at_prod(stacks: Stacks) -> None:
    for group in ("branchline-engineers", "branchline-scientists"):
        assert grants(stacks["prod-admin"], group) == {}
        found = levels(stacks["prod"], group)
        assert found == {"experiment": "CAN_READ", **dict.fromkeys(JOBS, "CAN_VIEW")}
        assert "warehouse" not in levels(stacks["prod-admin"], group)


def test_scientists_run_jobs_and_make_copies_in_dev(stacks: Stacks) -> None:
    assert levels(stacks["dev"], "branchline-scientists")["training"] == "CAN_MANAGE_RUN"
    assert levels(stacks["dev"], "branchline-engineers")["training"] == "CAN_MANAGE"
    scientists = "${databricks_group.scientists.display_name}"
    assert "CREATE_SCHEMA" in grants(stacks["dev-admin"], scientists)["catalog"]
    assert levels(stacks["dev-admin"], scientists)["policy"] == "CAN_USE"


def test_groups_and_the_shared_folder_are_made_once_in_a_workspace(stacks: Stacks) -> None:
    makers = [name for name, stack in stacks.items() if "databricks_group" in stack["resource"]]
    assert makers == ["dev-admin"]
    paths = [
        directory["path"]
        for stack in stacks.values()
        for directory in stack["resource"].get("databricks_directory", {}).values()
    ]
    assert len(paths) == len(set(paths))


def test_the_project_stack_needs_no_administrator(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        assert set(stacks[environment]["resource"]) <= {
            "databricks_job",
            "databricks_mlflow_experiment",
            "databricks_registered_model",
            "databricks_permissions",
            "databricks_grants",
            "databricks_sql_table",
            "databricks_quality_monitor",
            "databricks_alert_v2",
            "databricks_dashboard",
            "databricks_directory",
        }
        assert levels(stacks[environment], OWN) == {"experiment": "CAN_MANAGE", **dict.fromkeys(JOBS, "IS_OWNER")}


def test_states_are_apart(stacks: Stacks) -> None:
    paths = {stack["terraform"]["backend"]["local"]["path"] for stack in stacks.values()}
    assert len(paths) == len(stacks)


def test_no_stack_holds_a_secret(stacks: Stacks) -> None:
    for stack in stacks.values():
        assert "databricks_secret" not in stack["resource"]
        assert "databricks_git_credential" not in stack["resource"]
        (provider,) = stack["provider"]["databricks"]
        for argument in ("token", "client_id", "client_secret"):
            assert provider[argument] == f"${{var.databricks_{argument}}}"
