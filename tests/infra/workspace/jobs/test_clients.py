"""The real databricks-sdk against the rooms' routes, over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, OperationFailed
from databricks.sdk.service import compute, jobs

from infra.workspace.compute.local_engines import LocalEngines
from infra.workspace.compute.routes import routes as compute_routes
from infra.workspace.control.faults import Faults
from infra.workspace.control.routes import routes as control_routes
from infra.workspace.control.service import ControlService
from infra.workspace.gateway.app import build_app
from infra.workspace.jobs.routes import routes as jobs_routes
from tests.support.jobs_room import URL, Repository, Room


@pytest.fixture
def client(room: Room) -> Iterator[WorkspaceClient]:
    control = ControlService(room.clock, Faults())
    compute_router = compute_routes(room.compute, LocalEngines(room.compute, room.identity))
    routers = [jobs_routes(room.jobs), compute_router, control_routes(control)]
    app = build_app(routers, room.identity.authenticate)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = room.identity.bootstrap(room.admin.name)
    yield WorkspaceClient(host=f"http://127.0.0.1:{port}", token=token, auth_type="pat")
    server.should_exit = True
    thread.join(10)


def git_task(key: str, *parameters: str) -> jobs.Task:
    return jobs.Task(
        task_key=key,
        spark_python_task=jobs.SparkPythonTask(
            python_file="ml_code/run.py", source=jobs.Source.GIT, parameters=list(parameters)
        ),
    )


def git_source() -> jobs.GitSource:
    return jobs.GitSource(git_url=URL, git_provider=jobs.GitProvider.GIT_HUB, git_branch="main")


def test_a_jobs_life(client: WorkspaceClient, repository: Repository) -> None:
    commit = repository.commit({"ml_code/run.py": "import sys\nprint(sys.argv[1:])\nassert sys.argv[1] != 'bad'"})
    made = client.jobs.create(name="job", tasks=[git_task("a", "good")], git_source=git_source())
    assert made.job_id is not None
    run = client.jobs.run_now(made.job_id).result()
    assert run.state is not None
    assert run.state.result_state is jobs.RunResultState.SUCCESS
    assert run.git_source is not None
    assert run.git_source.git_snapshot == jobs.GitSnapshot(used_commit=commit)
    assert run.tasks is not None
    assert run.tasks[0].run_id is not None
    assert client.jobs.get_run_output(run.tasks[0].run_id).logs == "['good']\n"
    assert [found.job_id for found in client.jobs.list(name="job")] == [made.job_id]

    new = jobs.JobSettings(name="job", tasks=[git_task("a", "bad")], git_source=git_source())
    client.jobs.reset(made.job_id, new)
    with pytest.raises(OperationFailed, match="Task a failed with message: Workload failed"):
        client.jobs.run_now(made.job_id).result()
    assert len(list(client.jobs.list_runs(job_id=made.job_id, expand_tasks=True))) == 2

    client.jobs.delete(made.job_id)
    with pytest.raises(NotFound, match="does not exist"):
        client.jobs.get(made.job_id)


def test_submitted_runs_and_refusals(client: WorkspaceClient, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": "print('once')"})
    task = jobs.SubmitTask(
        task_key="a",
        spark_python_task=jobs.SparkPythonTask(python_file="ml_code/run.py", source=jobs.Source.GIT),
    )
    run = client.jobs.submit(run_name="one", tasks=[task], git_source=git_source()).result()
    assert run.run_type is jobs.RunType.SUBMIT_RUN
    assert run.run_id is not None
    assert client.jobs.get_run_output(run.run_id).logs == "once\n"
    with pytest.raises(NotImplemented, match="jobs/runs/export"):
        client.jobs.export_run(run.run_id)
    with pytest.raises(BadRequest, match="depends on task 'x'"):
        client.jobs.create(
            name="bad",
            tasks=[
                jobs.Task(task_key="a", depends_on=[jobs.TaskDependency("x")], notebook_task=jobs.NotebookTask("/n"))
            ],
        )


def test_clusters_policies_and_what_there_is_to_choose_from(client: WorkspaceClient) -> None:
    assert client.clusters.select_spark_version(long_term_support=True).endswith("-scala2.12")
    assert client.clusters.select_node_type(min_memory_gb=16, local_disk=True)
    assert client.clusters.list_zones().default_zone
    policy = client.cluster_policies.create(name="p", definition='{"num_workers": {"type": "range", "maxValue": 1}}')
    with pytest.raises(BadRequest, match="num_workers, the value must be at most 1"):
        client.clusters.create(spark_version="15.4.x-scala2.12", num_workers=2, policy_id=policy.policy_id)
    cluster = client.clusters.create_and_wait(
        cluster_name="c", spark_version="auto:latest-lts", num_workers=1, policy_id=policy.policy_id
    )
    assert cluster.state is compute.State.RUNNING
    assert cluster.cluster_id is not None
    client.clusters.pin(cluster.cluster_id)
    filtered = client.clusters.list(filter_by=compute.ListClustersFilterBy(is_pinned=True))
    assert [found.cluster_id for found in filtered] == [cluster.cluster_id]
    assert client.clusters.delete_and_wait(cluster.cluster_id).state is compute.State.TERMINATED
    with pytest.raises(BadRequest, match="unpin the cluster first"):
        client.clusters.permanent_delete(cluster.cluster_id)
    client.clusters.unpin(cluster.cluster_id)
    client.clusters.permanent_delete(cluster.cluster_id)
    with pytest.raises(NotFound):
        client.clusters.get(cluster.cluster_id)


def test_the_clock_is_advanced_by_admins(client: WorkspaceClient, room: Room) -> None:
    before = room.clock.now()
    client.api_client.do("PUT", "/api/2.0/local/clock", body={"advance_seconds": 3600})
    assert 3600 <= (room.clock.now() - before).total_seconds() < 3700
    with pytest.raises(BadRequest, match="only moves forward"):
        client.api_client.do("PUT", "/api/2.0/local/clock", body={"now": "2001-01-01T00:00:00Z"})
