"""What watches a model in use: the gated training, the monitoring job, tables, monitor, alerts and dashboard."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.constructs.steps import StepError
from infra.settings import load_settings
from infra.settings.loader import REPOSITORY
from stacks.manifest import TABLES_PATH
from stacks.plan import plan

Stacks = dict[str, dict[str, Any]]
Synthesize = Callable[..., Stacks]
ENVIRONMENTS = ("dev", "staging", "prod")
OWN = "${data.databricks_service_principal.service_principal.application_id}"
WAREHOUSE = "${data.databricks_sql_warehouse.warehouse.id}"


def git(clone: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(clone), *who, *arguments], check=True, capture_output=True)


def made(stack: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = stack["resource"].get(f"databricks_{kind}", {})
    return found


def tasks(stack: dict[str, Any], job: str) -> dict[str, dict[str, Any]]:
    return {task["task_key"]: task for task in made(stack, "job")[job]["task"]}


def defaults(stack: dict[str, Any], job: str) -> dict[str, str]:
    return {each["name"]: each["default"] for each in made(stack, "job")[job]["parameter"]}


def test_data_that_is_not_trusted_halts_and_data_that_is_not_new_is_skipped(stacks: Stacks) -> None:
    found = tasks(stacks["prod"], "training")
    verdict = "{{tasks.gate.values.verdict}}"
    assert found["trusted"]["condition_task"] == {"left": verdict, "op": "NOT_EQUAL", "right": "stop"}
    assert found["worthwhile"]["condition_task"] == {"left": verdict, "op": "EQUAL_TO", "right": "train"}
    assert found["worthwhile"]["depends_on"] == [{"task_key": "trusted", "outcome": "true"}]
    assert found["halt"]["depends_on"] == [{"task_key": "trusted", "outcome": "false"}]
    assert found["halt"]["max_retries"] == 0
    for condition in ("trusted", "worthwhile"):
        assert "job_cluster_key" not in found[condition]


def test_the_limits_of_the_settings_reach_the_training(stacks: Stacks) -> None:
    prod, dev = defaults(stacks["prod"], "training"), defaults(stacks["dev"], "training")
    assert (dev["when_unchanged"], prod["when_unchanged"]) == ("train", "skip")
    assert json.loads(prod["data_limits"])["least_rows"] == 0.5
    assert json.loads(prod["fairness"])["age_group"]["worse_than_champion"] == 0.1
    assert (json.loads(dev["fairness"]), json.loads(dev["model_limits"])) == ({}, {})
    assert prod["retraining"] == ""


def test_monitoring_measures_applies_the_rules_and_trains_again_where_they_ask(stacks: Stacks) -> None:
    found = tasks(stacks["prod"], "monitoring")
    for before, after in (("collect", "refresh"), ("refresh", "measure"), ("measure", "rules"), ("rules", "report")):
        assert found[after]["depends_on"] == [{"task_key": before}]
    assert found["retrain"]["depends_on"] == [{"task_key": "retrain_wanted", "outcome": "true"}]
    assert found["retrain"]["run_job_task"] == {
        "job_id": "${databricks_job.training.id}",
        "job_parameters": {
            "date": "{{job.parameters.date}}",
            "retraining": "{{tasks.rules.values.retraining}}",
        },
    }
    schedule = made(stacks["prod"], "job")["monitoring"]["schedule"]
    assert schedule["quartz_cron_expression"] == "0 0 12 * * ?"
    assert schedule["pause_status"] == "UNPAUSED"


def test_the_rules_reach_the_job_as_they_are_in_the_settings(stacks: Stacks) -> None:
    rules = json.loads(defaults(stacks["prod"], "monitoring")["rules"])
    expected = load_settings("prod").values.monitoring.rules
    assert [rule["name"] for rule in rules] == [rule.name for rule in expected]
    drift = next(rule for rule in rules if rule["name"] == "feature-drift")
    assert (drift["breaches"], drift["of"], drift["at_least_columns"]) == (2, 3, 2)
    assert drift["drift_type"] == "BASELINE"
    assert "below" not in drift


def test_the_job_of_the_quality_monitor_is_found_by_its_tag(clone: Path, synthesized: Synthesize) -> None:
    stack = synthesized(clone, BRANCH="feature/x", ENVIRONMENTS="dev")["dev"]
    assert made(stack, "job")["quality_monitor"]["tags"]["quality_monitor"] == "dev_hrob_feature_x_inference_log"
    assert list(tasks(stack, "quality_monitor")) == ["monitor"]
    same = ("granularities", "slices")
    monitor = made(stack, "quality_monitor")["inference_log"]
    for job in ("quality_monitor", "monitoring"):
        assert [defaults(stack, job)[name] for name in same] == [
            ",".join(monitor["inference_log"][0]["granularities"]),
            json.dumps(monitor["slicing_exprs"], separators=(",", ":")),
        ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_tables_are_those_of_the_branch_in_unity_catalogs_own_words(stacks: Stacks, environment: str) -> None:
    tables = made(stacks[environment], "sql_table")
    written = yaml.safe_load((REPOSITORY / TABLES_PATH).read_text())["tables"]
    by_monitor = {"inference_log_profile_metrics", "inference_log_drift_metrics"}
    assert set(tables) == set(written) - by_monitor, "what the quality monitor makes is its own"
    for name, table in tables.items():
        assert table["warehouse_id"] == WAREHOUSE
        assert table["owner"] == OWN
        assert [column["name"] for column in table["column"]] == [each["name"] for each in written[name]["columns"]]
        assert not [column["type"] for column in table["column"] if " " in column["type"]]


def test_the_quality_monitor_waits_for_its_tables(stacks: Stacks) -> None:
    monitor = made(stacks["prod"], "quality_monitor")["inference_log"]
    assert monitor["table_name"] == "${databricks_sql_table.inference_log.id}"
    assert monitor["baseline_table_name"] == "${databricks_sql_table.inference_log_baseline.id}"
    assert monitor["output_schema_name"] == "prod.hrob"
    assert monitor["skip_builtin_dashboard"] is True
    assert "schedule" not in monitor, "the monitoring job refreshes it"
    columns = {each["name"] for each in made(stacks["prod"], "sql_table")["inference_log"]["column"]}
    assert {value for key, value in monitor["inference_log"][0].items() if key.endswith("_col")} <= columns


def test_without_a_quality_monitor_the_job_computes_and_all_tables_are_the_stacks(
    clone: Path, folder: Path, synthesized: Synthesize
) -> None:
    file = folder / "staging.yaml"
    file.write_text(file.read_text().replace("engine: quality_monitor", "engine: job"))
    stack = synthesized(clone, folder, ENVIRONMENTS="staging")["staging"]
    assert not made(stack, "quality_monitor")
    assert "quality_monitor" not in made(stack, "job")
    assert "refresh" not in tasks(stack, "monitoring")
    assert tasks(stack, "monitoring")["measure"]["depends_on"] == [{"task_key": "monitor"}]
    drift = made(stack, "sql_table")["inference_log_drift_metrics"]
    assert {"type": "struct<statistic:double,pvalue:double>", "name": "ks_test"}.items() <= {
        each["name"]: each for each in drift["column"]
    }["ks_test"].items()


def test_each_rule_has_an_alert_that_tells_somebody(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        settings = load_settings(environment, "dev")
        alerts = made(stacks[environment], "alert_v2")
        assert set(alerts) == {rule.name for rule in settings.values.monitoring.rules}
        for name, alert in alerts.items():
            assert alert["display_name"] == f"{environment}-hrob-{name}"
            assert f"rule = '{name}'" in alert["query_text"]
            assert f"`{environment}`.`hrob`.`monitoring_alerts`" in alert["query_text"]
            assert alert["evaluation"]["notification"]["subscriptions"] == [{"user_email": "mlops@example.com"}]
            assert alert["evaluation"]["threshold"] == {"value": {"double_value": 0}}
            assert alert["run_as"] == {"service_principal_name": OWN}
            assert alert["schedule"]["pause_status"] == ("UNPAUSED" if environment == "prod" else "PAUSED")


def test_everything_of_a_copy_is_its_own(clone: Path, synthesized: Synthesize) -> None:
    x, y = (synthesized(clone, BRANCH=f"feature/{b}", ENVIRONMENTS="dev")["dev"] for b in "xy")
    for kind, name in (("alert_v2", "display_name"), ("dashboard", "display_name"), ("directory", "path")):
        named = [{body[name] for body in made(stack, kind).values()} for stack in (x, y)]
        assert not named[0] & named[1]
    for table in made(x, "sql_table").values():
        assert table["schema_name"] == "${databricks_schema.schema.name}"
        assert "owner" not in table, "a developer may not give away what they deploy again"
    assert made(x, "quality_monitor")["inference_log"]["output_schema_name"] == "dev.hrob_feature_x"
    (own,) = [each for each in made(x, "grants")["schema"]["grant"] if each["principal"] == OWN]
    assert "MANAGE" in own["privileges"], "the jobs refresh a monitor whose table the developer made"
    text = json.dumps(x["resource"]["databricks_dashboard"]) + json.dumps(x["resource"]["databricks_alert_v2"])
    assert "`hrob`" not in text


def test_an_older_branch_deploys_without_any_of_it(clone: Path, synthesized: Synthesize) -> None:
    git(clone, "checkout", "--quiet", "release")
    git(clone, "rm", "--quiet", TABLES_PATH)
    git(clone, "commit", "--quiet", "--message", "older")
    git(clone, "checkout", "--quiet", "main")
    said: list[str] = []
    plan(repository=clone, variables={"ENVIRONMENTS": "prod"}, say=said.append)
    assert said == ["prod has no data gate and no monitoring: release has no ml_code/tables.yaml yet"]
    prod = synthesized(clone, ENVIRONMENTS="prod")["prod"]
    assert set(made(prod, "job")) == {"landing", "training", "batch_inference"}
    assert tasks(prod, "training")["train"]["depends_on"] == [{"task_key": "features"}]
    for kind in ("sql_table", "quality_monitor", "alert_v2", "dashboard"):
        assert not made(prod, kind)


def test_a_wrong_table_is_named_with_its_file_and_key(clone: Path) -> None:
    (clone / TABLES_PATH).write_text("tables: {log: {columns: [{name: a, typ: string}]}}\n")
    with pytest.raises(StepError, match=r"ml_code/tables.yaml:1: tables.log.columns.0.typ: unknown key"):
        plan(repository=clone, variables={"ENVIRONMENTS": "staging"})


def test_an_environments_warehouse_is_small_stops_by_itself_and_is_found_by_name(stacks: Stacks) -> None:
    for environment in ENVIRONMENTS:
        warehouse = made(stacks[f"{environment}-admin"], "sql_endpoint")["warehouse"]
        assert (warehouse["cluster_size"], warehouse["enable_serverless_compute"]) == ("2X-Small", True)
        assert warehouse["auto_stop_mins"] == 10
        assert stacks[environment]["data"]["databricks_sql_warehouse"]["warehouse"]["name"] == warehouse["name"]
