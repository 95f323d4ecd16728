"""What a one-time run is asked for."""

from __future__ import annotations

from ci.jobtests.spec import JobTest, Result
from ci.jobtests.submit import one_time

TEST = JobTest(
    name="sample",
    description="d",
    environment="dev",
    jobs=("training",),
    parameters={"date": "2026-11-20", "trials": 3, "unknown": "x"},
    timeout_minutes=20,
    results={"n": Result(query="SELECT 1")},
)
DEPLOYED = {
    "name": "dev-hrob-training",
    "git_source": {"git_url": "https://g/x.git", "git_provider": "gitHub", "git_branch": "dev"},
    "run_as": {"service_principal_name": "sp"},
    "schedule": {"quartz_cron_expression": "0 0 10 * * ?"},
    "parameters": [{"name": "date", "default": "{{job.start_time.iso_date}}"}, {"name": "schema", "default": "hrob"}],
    "job_clusters": [{"job_cluster_key": "main", "new_cluster": {"num_workers": 0}}],
    "tasks": [
        {
            "task_key": "train",
            "job_cluster_key": "main",
            "max_retries": 1,
            "spark_python_task": {
                "python_file": "ml_code/run.py",
                "parameters": ["--date", "{{job.parameters.date}}", "--schema", "{{ job.parameters.schema }}"],
            },
        }
    ],
}


def test_clusters_and_parameters_go_into_the_tasks() -> None:
    body = one_time(DEPLOYED, TEST, "training", None)
    (task,) = body["tasks"]
    assert task["new_cluster"] == {"num_workers": 0}
    assert task["spark_python_task"]["parameters"] == ["--date", "2026-11-20", "--schema", "hrob"]
    assert "job_cluster_key" not in task
    assert body["run_as"] == {"service_principal_name": "sp"}
    assert body["git_source"]["git_branch"] == "dev"
    assert body["timeout_seconds"] == 1200
    assert "schedule" not in body
    assert "parameters" not in body


def test_a_commit_takes_the_place_of_the_branch() -> None:
    source = one_time(DEPLOYED, TEST, "training", "c" * 40)["git_source"]
    assert source == {"git_url": "https://g/x.git", "git_provider": "gitHub", "git_commit": "c" * 40}
