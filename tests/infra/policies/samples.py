"""For each check what passes it and what does not, as cdktf writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PRINCIPAL = "${data.databricks_service_principal.service_principal.application_id}"
TAGS = {
    "project": "hrob",
    "environment": "prod",
    "branch": "release",
    "owner": "mlops@example.com",
    "cost_center": "obstetrics",
    "data_class": "sensitive",
}
CLUSTER = {
    "spark_version": "16.4.x-cpu-ml-scala2.12",
    "node_type_id": "Standard_D4ds_v5",
    "num_workers": 0,
    "policy_id": "${data.databricks_cluster_policy.jobs.id}",
    "data_security_mode": "SINGLE_USER",
    "custom_tags": TAGS,
}
TASK = {
    "task_key": "train",
    "job_cluster_key": "main",
    "spark_python_task": {
        "python_file": "ml_code/run.py",
        "source": "GIT",
        "parameters": ["hrob.train", "--model", "m"],
    },
    "library": [{"pypi": {"package": "mlflow==3.17.2"}}],
}
JOB = {
    "name": "prod-hrob-training",
    "git_source": {
        "url": "https://github.com/branchline-example/branchline.git",
        "provider": "gitHub",
        "branch": "release",
    },
    "run_as": {"service_principal_name": PRINCIPAL},
    "job_cluster": [{"job_cluster_key": "main", "new_cluster": CLUSTER}],
    "task": [TASK],
    "tags": TAGS,
    "timeout_seconds": 7200,
    "max_concurrent_runs": 1,
    "queue": {"enabled": True},
    "email_notifications": {"on_failure": ["mlops@example.com"]},
    "schedule": {"quartz_cron_expression": "0 0 11 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"},
}


@dataclass(frozen=True)
class Sample:
    """One object of a stack; `says` is what a check that fails says of it."""

    kind: str
    values: Mapping[str, Any]
    says: str = ""
    stack: str = "prod"
    block: str = "resource"

    def content(self) -> dict[str, Any]:
        """The stack, with this object alone."""
        if self.block == "provider":
            return {"provider": {self.kind: [dict(self.values)]}}
        address = f"{'data.' if self.block == 'data' else ''}{self.kind}.it"
        comment = {"metadata": {"path": f"{self.stack}/Part-it/{address}", "uniqueId": "it"}}
        return {self.block: {self.kind: {"it": {"//": comment, **self.values}}}}


@dataclass(frozen=True)
class Samples:
    """What a check lets pass, and what it refuses."""

    passing: Sequence[Sample]
    failing: Sequence[Sample]


def job(says: str = "", stack: str = "prod", **changes: Any) -> Sample:
    """The healthy job with some arguments changed; None takes one away."""
    values = {key: value for key, value in {**JOB, **changes}.items() if value is not None}
    return Sample("databricks_job", values, says, stack)


def clustered(says: str = "", **changes: Any) -> Sample:
    """The healthy job with another cluster."""
    cluster = {key: value for key, value in {**CLUSTER, **changes}.items() if value is not None}
    return job(says, job_cluster=[{"job_cluster_key": "main", "new_cluster": cluster}])


def tasked(says: str = "", **changes: Any) -> Sample:
    """The healthy job with another task."""
    task = {key: value for key, value in {**TASK, **changes}.items() if value is not None}
    return job(says, task=[TASK, task])


def of(kind: str, says: str = "", stack: str = "prod", **values: Any) -> Sample:
    """Any other resource."""
    return Sample(kind, values, says, stack)


def policy(**rules: Any) -> dict[str, Any]:
    return {"name": "prod-hrob-jobs", "definition": json.dumps(rules)}


def alert(says: str = "", stack: str = "prod", **changes: Any) -> Sample:
    """A healthy alert with some arguments changed; None takes one away."""
    values = {key: value for key, value in {**ALERT, **changes}.items() if value is not None}
    return Sample("databricks_alert_v2", values, says, stack)


ALERT: dict[str, Any] = {
    "display_name": "prod-hrob-auc",
    "parent_path": "/branchline/prod",
    "query_text": "SELECT 1 AS firing",
    "run_as": {"service_principal_name": PRINCIPAL},
    "schedule": {"quartz_cron_schedule": "0 0 13 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"},
    "evaluation": {
        "source": {"name": "firing"},
        "comparison_operator": "GREATER_THAN",
        "notification": {"subscriptions": [{"user_email": "a@example.com"}]},
    },
}
HEALTHY = job()
NESTED = {"task_key": "each", "for_each_task": {"inputs": "[1]", "task": {**TASK, "task_key": "inner"}}}

SAMPLES: dict[str, Samples] = {
    "BRL_DBX_1": Samples(
        [HEALTHY, alert()],
        [
            job("has no run_as", run_as=None),
            alert("has no run_as", run_as=None),
            job("runs as the user jane@example.com", run_as={"user_name": "jane@example.com"}),
            job("whose name cannot be told", run_as={"service_principal_name": "0f1e2d3c-0000-4000-8000-123456789abc"}),
        ],
    ),
    "BRL_DBX_2": Samples(
        [HEALTHY, job(stack="dev", git_source={**JOB["git_source"], "branch": "feature/x"})],
        [
            job("has no git_source", git_source=None),
            job("runs branch main, prod is pinned to release", git_source={**JOB["git_source"], "branch": "main"}),
            job(
                "runs branch dev, dev is pinned to feature/x", "dev", git_source={**JOB["git_source"], "branch": "dev"}
            ),
            job("the tag v1", git_source={**JOB["git_source"], "branch": None, "tag": "v1"}),
            job("is pinned to commit abc", git_source={**JOB["git_source"], "branch": None, "commit": "abc"}),
            job("runs the repository https://e", git_source={**JOB["git_source"], "url": "https://example.com/x.git"}),
        ],
    ),
    "BRL_DBX_3": Samples(
        [
            HEALTHY,
            tasked(spark_python_task=None, notebook_task={"notebook_path": "notebooks/eda", "source": "GIT"}),
            tasked(spark_python_task=None, condition_task={"left": "1", "op": "EQUAL_TO", "right": "1"}),
        ],
        [
            tasked(
                "notebook_task has source unset",
                spark_python_task=None,
                notebook_task={"notebook_path": "/Shared/train"},
            ),
            tasked("runs dbfs:/run.py", spark_python_task={"python_file": "dbfs:/run.py", "source": "GIT"}),
            tasked("has source WORKSPACE", spark_python_task={"python_file": "a.py", "source": "WORKSPACE"}),
            tasked("spark_jar_task runs what was built elsewhere", spark_jar_task={"main_class_name": "A"}),
            tasked("sql_task runs a query that lies in the workspace", sql_task={"query": {"query_id": "1"}}),
            job(
                "task 'inner': spark_python_task has source unset",
                task=[
                    {
                        **NESTED,
                        "for_each_task": {"task": {"task_key": "inner", "spark_python_task": {"python_file": "a"}}},
                    }
                ],
            ),
            job("the job: notebook_task has source unset", task=None, notebook_task={"notebook_path": "/a"}),
        ],
    ),
    "BRL_DBX_4": Samples(
        [
            HEALTHY,
            clustered(data_security_mode="USER_ISOLATION"),
            of("databricks_cluster_policy", **policy(data_security_mode={"type": "fixed", "value": "SINGLE_USER"})),
        ],
        [
            clustered("job cluster 'main' has data_security_mode unset", data_security_mode=None),
            clustered("has data_security_mode NONE", data_security_mode="NONE"),
            job(
                "the cluster of task 'train'", task=[{**TASK, "new_cluster": {**CLUSTER, "data_security_mode": "NONE"}}]
            ),
            of("databricks_cluster", "the cluster has data_security_mode unset", cluster_name="x"),
            of("databricks_cluster_policy", "lets clusters run without isolation", **policy()),
            of("databricks_cluster_policy", "is not JSON text", name="x", definition="${jsonencode(local.rules)}"),
        ],
    ),
    "BRL_DBX_5": Samples(
        [HEALTHY],
        [
            clustered("job cluster 'main' has no policy_id", policy_id=None),
            tasked("runs on an existing cluster", job_cluster_key=None, existing_cluster_id="0101-1"),
            of("databricks_cluster", "the cluster has no policy_id", cluster_name="x"),
        ],
    ),
    "BRL_DBX_6": Samples(
        [
            HEALTHY,
            of("databricks_catalog", name="prod", properties=TAGS),
            of("databricks_mlflow_experiment", tags=[{"key": key, "value": value} for key, value in TAGS.items()]),
            of(
                "databricks_sql_endpoint",
                tags={"custom_tags": [{"key": key, "value": value} for key, value in TAGS.items()]},
            ),
        ],
        [
            job("lacks the tags owner", tags={**TAGS, "owner": ""}),
            job("tag environment is 'dev', expected 'prod'", tags={**TAGS, "environment": "dev"}),
            clustered("job cluster 'main': lacks the tags project", custom_tags=None),
            of("databricks_schema", "lacks the tags project, environment, branch", name="hrob"),
            of(
                "databricks_mlflow_experiment", "lacks the tags project, environment", tags=[{"key": "a", "value": "b"}]
            ),
        ],
    ),
    "BRL_DBX_7": Samples(
        [HEALTHY, job(timeout_seconds=60)],
        [
            job("timeout_seconds is unset", timeout_seconds=None),
            job("timeout_seconds is 0", timeout_seconds=0),
            job("timeout_seconds is 86400, the settings allow 7200", timeout_seconds=86400),
        ],
    ),
    "BRL_DBX_8": Samples(
        [HEALTHY, job(max_concurrent_runs=None)],
        [
            job("max_concurrent_runs is 5", max_concurrent_runs=5),
            job("has no queue", queue=None),
            job("has no queue", queue={"enabled": False}),
        ],
    ),
    "BRL_DBX_9": Samples(
        [HEALTHY, job(email_notifications=None, webhook_notifications={"on_failure": [{"id": "7"}]})],
        [
            job("tells nobody of a failure", email_notifications=None),
            job("tells nobody of a failure", email_notifications={"on_success": ["a@example.com"]}),
            job("tells nobody of a failure", email_notifications={"on_failure": []}),
        ],
    ),
    "BRL_DBX_10": Samples(
        [
            HEALTHY,
            clustered(spark_env_vars={"API_TOKEN": "{{secrets/prod-hrob/api}}"}),
            of("databricks_git_credential", git_provider="gitHub", personal_access_token="${var.git_token}"),
            Sample("databricks", {"token": "${var.databricks_token}"}, block="provider"),
        ],
        [
            clustered("holds a Databricks token", spark_env_vars={"X": "dapi" + "0123456789abcdef" * 2}),
            clustered("holds a literal value of 'API_TOKEN'", spark_env_vars={"API_TOKEN": "open-sesame"}),
            tasked(
                "holds a literal value of 'password'",
                spark_python_task={"python_file": "a", "source": "GIT", "parameters": ["--password", "hunter2"]},
            ),
            job(
                "holds a literal value of 'client_secret'", parameter=[{"name": "client_secret", "default": "hunter2"}]
            ),
            of("azurerm_storage_account", "holds an AWS access key", name="AKIA" + "ABCDEFGHIJKLMNOP"),
            Sample("databricks", {"token": "hunter2"}, "token holds a literal value", block="provider"),
            Sample("http", {"url": "https://u:hunter2@example.com"}, "holds a password in an address", block="data"),
        ],
    ),
    "BRL_DBX_11": Samples(
        [
            of("databricks_grants", grant=[{"principal": "branchline-engineers", "privileges": ["SELECT"]}]),
            of("databricks_grants", stack="dev", grant=[{"principal": PRINCIPAL, "privileges": ["ALL_PRIVILEGES"]}]),
        ],
        [
            of(
                "databricks_grants",
                "grants everything to x",
                grant=[{"principal": "x", "privileges": ["ALL_PRIVILEGES"]}],
            ),
            of("databricks_grant", "grants everything to x", principal="x", privileges=["all privileges"]),
            of(
                "databricks_grants",
                "grants to everybody (account users)",
                "dev",
                grant={"principal": "account users", "privileges": ["SELECT"]},
            ),
            of(
                "databricks_permissions",
                "gives CAN_VIEW to everybody (users)",
                access_control=[{"group_name": "users", "permission_level": "CAN_VIEW"}],
            ),
            of(
                "databricks_grants",
                "grants everything to x",
                dynamic={"grant": {"for_each": "${var.x}", "content": {"principal": "x", "privileges": ["*"]}}},
            ),
        ],
    ),
    "BRL_DBX_12": Samples(
        [
            of(
                "databricks_permissions",
                access_control=[
                    {"group_name": "branchline-engineers", "permission_level": "CAN_VIEW"},
                    {"service_principal_name": PRINCIPAL, "permission_level": "IS_OWNER"},
                ],
            ),
            of(
                "databricks_permissions",
                stack="dev",
                access_control=[{"group_name": "branchline-engineers", "permission_level": "CAN_MANAGE"}],
            ),
            of("databricks_grants", grant=[{"principal": PRINCIPAL, "privileges": ["MANAGE"]}]),
        ],
        [
            of(
                "databricks_permissions",
                "branchline-engineers has CAN_MANAGE",
                access_control=[{"group_name": "branchline-engineers", "permission_level": "CAN_MANAGE"}],
            ),
            of(
                "databricks_permissions",
                "jane@example.com has IS_OWNER",
                "prod-admin",
                access_control=[{"user_name": "jane@example.com", "permission_level": "IS_OWNER"}],
            ),
            of("databricks_grants", "x has MANAGE", grant=[{"principal": "x", "privileges": ["MANAGE", "SELECT"]}]),
        ],
    ),
    "BRL_DBX_13": Samples(
        [HEALTHY, job(stack="staging", schedule={**JOB["schedule"], "pause_status": "PAUSED"}), job(schedule=None)],
        [
            job("its schedule is active, staging's are paused", "staging"),
            job("its schedule is active, a copy's are paused", "dev"),
            job("its trigger is active", "staging", schedule=None, trigger={"file_arrival": {"url": "/Volumes/x"}}),
            alert("its schedule is active, staging's are paused", "staging"),
            of(
                "databricks_quality_monitor",
                "its schedule is active, a copy's are paused",
                "dev",
                schedule={"quartz_cron_expression": "0 0 12 * * ?", "timezone_id": "UTC"},
            ),
        ],
    ),
    "BRL_DBX_14": Samples(
        [HEALTHY, tasked(library=[{"whl": "/Volumes/prod/hrob/lib/tool-1.2.3-py3-none-any.whl"}])],
        [
            tasked("task 'train': mlflow has no exact version", library=[{"pypi": {"package": "mlflow"}}]),
            tasked("mlflow>=3 has no exact version", library=[{"pypi": {"package": "mlflow>=3"}}]),
            tasked("a:b has no exact version", library={"maven": {"coordinates": "a:b"}}),
            tasked("/tool.whl has no version in its name", library=[{"whl": "/tool.whl"}]),
            job(
                "environment 'e': pandas", environment=[{"environment_key": "e", "spec": {"dependencies": ["pandas"]}}]
            ),
            of("databricks_library", "mlflow has no exact version", pypi={"package": "mlflow"}),
        ],
    ),
    "BRL_DBX_15": Samples(
        [HEALTHY],
        [
            clustered("has runtime 16.3, which has no long-term support", spark_version="16.3.x-scala2.12"),
            clustered("has spark_version auto:latest-ml", spark_version="auto:latest-ml"),
            clustered("has spark_version ${data.x}", spark_version="${data.x}"),
        ],
    ),
    "BRL_DBX_16": Samples(
        [
            of("databricks_mlflow_experiment", name="/branchline/prod/hrob"),
            of("databricks_directory", path="/SharedData"),
        ],
        [
            of("databricks_mlflow_experiment", "lies in /Shared", name="/Shared/hrob"),
            of("databricks_directory", "lies in /Users", path="/Workspace/Users/jane@example.com/x"),
            alert("lies in /Users", parent_path="/Users/jane@example.com"),
            of("databricks_quality_monitor", "lies in /Shared", assets_dir="/Shared/monitors"),
            of("databricks_repo", "lies in /Shared", path="/Shared", url="https://example.com/x.git"),
        ],
    ),
    "BRL_DBX_17": Samples(
        [
            of("databricks_catalog", name="prod", force_destroy=False),
            of("databricks_schema", stack="staging-admin", name="hrob", force_destroy=True),
        ],
        [
            of("databricks_catalog", "force_destroy is on", "prod-admin", name="prod", force_destroy=True),
            of("databricks_schema", "force_destroy is on", name="hrob", force_destroy="${var.x}"),
            of("databricks_directory", "delete_recursive is on", path="/branchline/prod", delete_recursive=True),
        ],
    ),
    "BRL_DBX_18": Samples(
        [
            of("databricks_secret_scope", name="prod-hrob"),
            of("databricks_secret_acl", principal=PRINCIPAL, permission="MANAGE"),
            of("databricks_secret_acl", principal="branchline-engineers", permission="READ"),
        ],
        [
            of("databricks_secret_scope", "everybody may manage it", initial_manage_principal="users"),
            of("databricks_secret_acl", "gives READ to everybody", principal="users", permission="READ"),
            of(
                "databricks_secret_acl",
                "gives MANAGE to branchline-engineers",
                principal="branchline-engineers",
                permission="MANAGE",
            ),
        ],
    ),
    "BRL_DBX_19": Samples(
        [of("databricks_secret_scope", name="prod-hrob")],
        [
            of("databricks_secret", "keeps its value in Terraform's state", scope="x", string_value="${var.x}"),
            of("databricks_token", "keeps its value in Terraform's state", comment="for CI"),
        ],
    ),
    "BRL_DBX_20": Samples(
        [
            Sample("databricks_service_principal", {"display_name": "branchline-prod"}, block="data"),
            Sample("databricks_cluster_policy", {"name": "prod-hrob-jobs"}, block="data"),
        ],
        [
            Sample(
                "databricks_service_principal",
                {"display_name": "branchline-dev"},
                "is 'branchline-dev', expected",
                block="data",
            ),
            Sample(
                "databricks_service_principal", {"application_id": "1"}, "is looked up by application_id", block="data"
            ),
            Sample("databricks_cluster_policy", {"name": "dev-hrob-jobs"}, "expected 'prod-hrob-jobs'", block="data"),
            Sample("databricks_sql_warehouse", {"name": "dev-hrob"}, "expected 'prod-hrob'", block="data"),
            Sample("databricks_sql_warehouse", {"id": "1"}, "is looked up by id", block="data"),
        ],
    ),
    "BRL_DBX_21": Samples(
        [of("databricks_sql_endpoint", name="prod-hrob", auto_stop_mins=10)],
        [
            of("databricks_sql_endpoint", "auto_stop_mins is unset, which means 120", name="prod-hrob"),
            of("databricks_sql_endpoint", "it would never stop", auto_stop_mins=0),
            of("databricks_sql_endpoint", "auto_stop_mins is 60, the settings allow 10", auto_stop_mins=60),
        ],
    ),
    "BRL_DBX_22": Samples(
        [
            alert(),
            alert(evaluation={"notification": {"subscriptions": [{"destination_id": "7"}]}}),
        ],
        [
            alert("tells nobody", evaluation={"source": {"name": "firing"}}),
            alert("tells nobody", evaluation={"notification": {"subscriptions": []}}),
        ],
    ),
    "BRL_DBX_23": Samples(
        [
            of("databricks_dashboard", stack="staging", embed_credentials=False),
            of("databricks_dashboard", embed_credentials=True),
        ],
        [
            of("databricks_dashboard", "embed_credentials is unset", "staging", display_name="x"),
            of("databricks_dashboard", "embed_credentials is True", "dev", embed_credentials=True),
        ],
    ),
}
