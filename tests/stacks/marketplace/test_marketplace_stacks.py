"""What the marketplace's stacks say of the hub and of each workspace. Properties, no snapshots."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.constructs.steps import StepError
from infra.settings import SettingsError
from infra.settings.loader import REPOSITORY
from stacks.marketplace.compose import compose
from stacks.marketplace.plan import plan

Stacks = dict[str, dict[str, Any]]
Synthesize = Callable[..., Stacks]

MADE = "${databricks_service_principal.service_principal.application_id}"
BATCH = {"input": "lab.wards.stays", "output": "lab.scores.readmission", "schedule": "0 0 7 * * ?"}
WANTED = [
    {"model": "west__readmission", "version": 3, "name": "readmission", "deploy": "batch", "batch": BATCH},
    {"model": "west__sepsis"},
]
WORKSPACES = [
    {"name": "east", "grants": ["prod", "lab.models"], "groups": ["readers"], "wanted": WANTED},
    {"name": "west", "host": "https://west.example.com", "registry": "workspace", "models": "ward-*"},
]


@pytest.fixture
def synthesize(clone: Path, folder: Path, tmp_path: Path) -> Synthesize:
    """Synthesizes marketplace.yaml with some of its values replaced."""

    def run(variables: dict[str, str] | None = None, **values: Any) -> Stacks:
        file = folder / "marketplace.yaml"
        known = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**known, "workspaces": WORKSPACES, **values}))
        outdir = tmp_path / f"out-{len(list(tmp_path.glob('out-*')))}"
        compose(plan(folder=folder, repository=clone, variables=variables or {}), outdir, root=clone).synth()
        return {path.parent.name: json.loads(path.read_text()) for path in outdir.glob("stacks/*/cdk.tf.json")}

    return run


def job(stack: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack["resource"]["databricks_job"][name]
    return found


def defaults(stack: dict[str, Any], name: str) -> dict[str, str]:
    return {each["name"]: each["default"] for each in job(stack, name)["parameter"]}


def grants(stack: dict[str, Any]) -> dict[str, set[str]]:
    """The service principal's rights beside what others have, by the object's name."""
    found = {}
    for body in stack["resource"].get("databricks_grant", {}).values():
        assert body["principal"] == MADE
        kind = next(each for each in ("catalog", "schema", "external_location") if each in body)
        found[body[kind]] = set(body["privileges"])
    return found


def test_each_entry_is_a_stack_and_a_daily_export(synthesize: Synthesize) -> None:
    stacks = synthesize()
    assert set(stacks) == {"marketplace-hub", "marketplace-east", "marketplace-west"}
    for name in ("east", "west"):
        export = job(stacks[f"marketplace-{name}"], "marketplace_export")
        assert export["schedule"]["quartz_cron_expression"] == "0 0 2 * * ?"
        assert export["schedule"]["pause_status"] == "UNPAUSED"
        assert export["run_as"] == {"service_principal_name": MADE}
        assert export["git_source"]["branch"] == "release"
        assert defaults(stacks[f"marketplace-{name}"], "marketplace_export")["workspace"] == name
    west = defaults(stacks["marketplace-west"], "marketplace_export")
    assert (west["registry"], west["models"], west["catalog"]) == ("workspace", "ward-*", "marketplace_west")


def test_the_day_goes_from_exports_to_pages(synthesize: Synthesize) -> None:
    stacks = synthesize()
    hub = stacks["marketplace-hub"]
    order = [
        job(stacks["marketplace-east"], "marketplace_export"),
        job(hub, "marketplace_import"),
        job(hub, "marketplace_approve"),
        job(hub, "marketplace_catalogue"),
        job(stacks["marketplace-east"], "marketplace_bring"),
    ]
    times = [each["schedule"]["quartz_cron_expression"].split() for each in order]
    assert [(int(hour), int(minute)) for _, minute, hour, *_ in times] == [(2, 0), (4, 0), (4, 30), (5, 0), (6, 0)]
    intake = job(hub, "marketplace_intake")
    assert "schedule" not in intake, "the pipeline starts it"
    assert {task["task_key"]: task.get("depends_on") for task in intake["task"]} == {
        "import": [{"task_key": "intake"}],
        "intake": None,
    }
    assert defaults(hub, "marketplace_intake")["workspaces"] == "open-source"


def test_paused_schedules_are_kept_and_do_not_fire(synthesize: Synthesize) -> None:
    stacks = synthesize(schedules="paused")
    for stack in stacks.values():
        for each in stack["resource"]["databricks_job"].values():
            assert "schedule" not in each or each["schedule"]["pause_status"] == "PAUSED"


def test_a_source_may_read_and_mark_what_is_exported_and_takes_nobodys_rights_away(synthesize: Synthesize) -> None:
    stacks = synthesize()
    rights = grants(stacks["marketplace-east"])
    assert rights["prod"] == {"USE_CATALOG", "USE_SCHEMA", "EXECUTE", "MANAGE"}
    assert rights["lab.models"] == {"USE_SCHEMA", "EXECUTE", "MANAGE"}
    assert rights["lab"] == {"USE_CATALOG"}
    assert rights["lab.wards"] == {"USE_SCHEMA", "SELECT"}
    assert rights["lab.scores"] == {"USE_SCHEMA", "CREATE_TABLE", "SELECT", "MODIFY"}
    assert grants(stacks["marketplace-west"]) == {}
    # databricks_grants would own all grants of an object: only on what the stack itself made.
    owned = stacks["marketplace-east"]["resource"]["databricks_grants"].values()
    assert {body.get("catalog") or body.get("schema") for body in owned} == {
        "${databricks_catalog.catalog.name}",
        "${databricks_schema.schema.id}",
    }
    assert "databricks_grants" not in stacks["marketplace-west"]["resource"]


def test_the_service_principal_joins_groups_that_exist(synthesize: Synthesize) -> None:
    east, west = (synthesize()[f"marketplace-{name}"] for name in ("east", "west"))
    assert east["data"]["databricks_group"]["group_1"]["display_name"] == "readers"
    member = east["resource"]["databricks_group_member"]["group_1"]
    assert member["member_id"] == "${databricks_service_principal.service_principal.id}"
    assert "databricks_group_member" not in west["resource"]


def test_wanted_models_have_a_place_and_a_job_that_brings_them(synthesize: Synthesize) -> None:
    stacks = synthesize()
    east = stacks["marketplace-east"]
    told = json.loads(defaults(east, "marketplace_bring")["wanted"])
    assert told == [
        {"model": "west__readmission", "name": "readmission", "version": 3, "deploy": "batch"},
        {"model": "west__sepsis", "name": "west__sepsis", "deploy": "none"},
    ]
    assert east["resource"]["databricks_catalog"]["catalog"]["name"] == "marketplace_east"
    score = defaults(east, "marketplace_score_readmission")
    assert (score["model"], score["name"]) == ("west__readmission", "readmission")
    assert (score["input"], score["output"]) == (BATCH["input"], BATCH["output"])
    west = stacks["marketplace-west"]["resource"]
    assert set(west["databricks_job"]) == {"marketplace_export"}
    assert "databricks_catalog" not in west


def test_a_consumer_has_a_place_before_it_wants_anything(synthesize: Synthesize) -> None:
    entries = [{"name": "east", "consumer": True}, {"name": "west", "consumer": True, "catalog": "lab"}]
    stacks = synthesize(workspaces=entries)
    made = stacks["marketplace-east"]["resource"]
    assert made["databricks_directory"]["folder"]["path"] == "/branchline-marketplace"
    entered = made["databricks_grants"]["schema"]["grant"]
    assert {"principal": "account users", "privileges": ["USE_SCHEMA"]} in entered, "approvals grant the models alone"
    assert set(made["databricks_catalog"]) == {"catalog"}
    assert set(made["databricks_job"]) == {"marketplace_export"}
    west = stacks["marketplace-west"]
    assert "databricks_catalog" not in west["resource"]
    assert "CREATE_MODEL" in grants(west)["lab.models"]


def test_the_hub_is_entered_by_users_and_read_by_readers(synthesize: Synthesize) -> None:
    known = {"host": "https://hub.example.com", "branch": "release"}
    hub = synthesize(hub={**known, "readers": ["scientists"], "users": ["everybody"]})["marketplace-hub"]
    given = {
        kind: {grant["principal"]: set(grant["privileges"]) for grant in body["grant"]}
        for kind, body in hub["resource"]["databricks_grants"].items()
    }
    assert given["catalog"]["everybody"] == {"USE_CATALOG"}
    assert given["schema"]["everybody"] == {"USE_SCHEMA"}
    assert given["schema"]["scientists"] == {"USE_SCHEMA", "SELECT"}
    assert "CREATE_MODEL" in given["schema"][MADE]
    assert "EXECUTE" not in given["schema"]["everybody"] | given["schema"]["scientists"], "approvals give that"
    pages = hub["resource"]["databricks_permissions"]["pages"]["access_control"]
    assert [(each["group_name"], each["permission_level"]) for each in pages] == [("scientists", "CAN_READ")]


def test_the_archives_secret_and_credential(synthesize: Synthesize) -> None:
    role = "arn:aws:iam::123456789012:role/models"
    archive = {"url": "s3://a/b", "secret": "market/archive", "credential": {"type": "aws", "role_arn": role}}
    entries = [WORKSPACES[0], {**WORKSPACES[1], "makes_credential": True}]
    stacks = synthesize(archive=archive, workspaces=entries)
    assert all("databricks_secret_acl" in stack["resource"] for stack in stacks.values())
    makers = {name for name, stack in stacks.items() if "databricks_storage_credential" in stack["resource"]}
    assert makers == {"marketplace-hub", "marketplace-west"}
    made = stacks["marketplace-hub"]["resource"]["databricks_storage_credential"]["archive"]
    assert made["aws_iam_role"] == {"role_arn": role}
    assert grants(stacks["marketplace-east"])["marketplace-archive"] == {"READ_FILES", "WRITE_FILES"}


def test_each_workspace_has_its_own_address_and_state(synthesize: Synthesize) -> None:
    stacks = synthesize()
    (west,) = stacks["marketplace-west"]["provider"]["databricks"]
    assert west["host"] == '${coalesce(var.databricks_host, "https://west.example.com")}'
    (east,) = stacks["marketplace-east"]["provider"]["databricks"]
    assert east["host"] == "${var.databricks_host}"
    paths = {stack["terraform"]["backend"]["local"]["path"].rpartition("/")[2] for stack in stacks.values()}
    assert paths == {"marketplace-hub.tfstate", "marketplace-east.tfstate", "marketplace-west.tfstate"}


def test_some_workspaces_alone(synthesize: Synthesize) -> None:
    assert set(synthesize({"MARKETPLACE": "west"})) == {"marketplace-west"}
    with pytest.raises(SettingsError, match="no workspace 'wset'; did you mean 'west'"):
        synthesize({"MARKETPLACE": "wset"})


def test_an_object_that_exists_is_adopted_by_its_stack(synthesize: Synthesize) -> None:
    entries = [{"name": "east", "adopt": {"databricks_job.marketplace_export": "42"}}]
    assert synthesize(workspaces=entries)["marketplace-east"]["import"] == [
        {"to": "databricks_job.marketplace_export", "id": "42"}
    ]
    with pytest.raises(SettingsError, match=r"workspaces\.east\.adopt\.databricks_job\.export: no such resource"):
        synthesize(workspaces=[{"name": "east", "adopt": {"databricks_job.export": "42"}}])


def test_a_branch_without_the_marketplaces_steps_is_said(synthesize: Synthesize, clone: Path) -> None:
    steps = clone / "ml_code/steps.yaml"
    document = yaml.safe_load(steps.read_text())
    del document["steps"]["marketplace.export"]
    steps.write_text(yaml.safe_dump(document))
    entries = [{"name": "east", "branch": "main"}]
    with pytest.raises(StepError, match=r"marketplace-export of marketplace-east.*unknown step"):
        synthesize(workspaces=entries)


def test_the_app_says_what_is_wrong_and_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stacks.marketplace"],
        cwd=REPOSITORY,
        env={**os.environ, "CDKTF_OUTDIR": str(tmp_path / "out"), "MARKETPLACE": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "MARKETPLACE: no workspace 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
