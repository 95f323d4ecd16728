"""databricks-sdk against a running workspace: each room answers it, by token and by OAuth client credentials."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import catalog as uc
from databricks.sdk.service import iam, jobs, settings, sql, workspace

from infra.workspace.launch import Running

NAME = "contract-sdk"


@pytest.fixture(scope="module")
def by_token(workspace: Running) -> WorkspaceClient:
    return WorkspaceClient(host=workspace.url, token=workspace.token)


@pytest.fixture(scope="module")
def by_oauth(workspace: Running, by_token: WorkspaceClient) -> Iterator[WorkspaceClient]:
    """An admin service principal with a client secret and no token."""
    principal = by_token.service_principals.create(display_name=NAME, active=True)
    assert principal.id
    admins = next(by_token.groups.list(filter='displayName eq "admins"'))
    join = iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": principal.id}])
    by_token.groups.patch(
        admins.id or "", operations=[join], schemas=[iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    )
    made = by_token.service_principal_secrets_proxy.create(principal.id)
    yield WorkspaceClient(host=workspace.url, client_id=principal.application_id, client_secret=made.secret)
    by_token.service_principals.delete(principal.id)


@pytest.fixture(params=["by_token", "by_oauth"])
def client(request: pytest.FixtureRequest) -> WorkspaceClient:
    found: WorkspaceClient = request.getfixturevalue(request.param)
    assert found.config.auth_type == {"by_token": "pat", "by_oauth": "oauth-m2m"}[request.param]
    return found


@pytest.fixture
def catalog(client: WorkspaceClient) -> Iterator[str]:
    """A catalog with the schema hrob."""
    name = f"contract_{uuid.uuid4().hex[:8]}"
    client.catalogs.create(name, comment="of the contract tests")
    client.schemas.create("hrob", name)
    yield name
    client.catalogs.delete(name, force=True)


def test_identity(client: WorkspaceClient) -> None:
    me = client.current_user.me()
    assert me.user_name == (client.config.client_id or "admin@localhost")
    assert "admins" in [group.display for group in me.groups or []]
    users, principals = client.users.list(), client.service_principals.list()
    assert me.id in [each.id for each in users] + [each.id for each in principals]


def test_tokens(client: WorkspaceClient) -> None:
    made = client.tokens.create(comment=NAME, lifetime_seconds=600)
    info = made.token_info
    assert info
    assert info.token_id
    with_it = WorkspaceClient(host=client.config.host, token=made.token_value, auth_type="pat")
    assert with_it.current_user.me() == client.current_user.me()
    client.tokens.delete(info.token_id)
    assert info.token_id not in [each.token_id for each in client.tokens.list()]


def test_secrets(client: WorkspaceClient) -> None:
    client.secrets.create_scope(NAME)
    client.secrets.put_secret(NAME, "password", string_value="made up")
    assert [each.key for each in client.secrets.list_secrets(NAME)] == ["password"]
    client.secrets.put_acl(NAME, "users", workspace.AclPermission.READ)
    assert client.secrets.get_acl(NAME, "users").permission == workspace.AclPermission.READ
    client.secrets.delete_scope(NAME)
    with pytest.raises(NotFound):
        list(client.secrets.list_secrets(NAME))


def test_jobs_and_their_permissions(client: WorkspaceClient) -> None:
    task = jobs.Task(
        task_key="only",
        spark_python_task=jobs.SparkPythonTask("ml_code/run.py", source=jobs.Source.GIT),
        existing_cluster_id="none",
    )
    source = jobs.GitSource("https://git.example.com/a/b", jobs.GitProvider.GIT_HUB, git_branch="main")
    job_id = client.jobs.create(name=NAME, tasks=[task], git_source=source).job_id
    assert job_id
    kept = client.jobs.get(job_id).settings
    assert kept
    assert kept.git_source == source
    assert [each.job_id for each in client.jobs.list(name=NAME)] == [job_id]
    view = iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_VIEW)
    client.permissions.update("jobs", str(job_id), access_control_list=[view])
    acl = client.permissions.get("jobs", str(job_id)).access_control_list or []
    assert "users" in [each.group_name for each in acl]
    client.jobs.delete(job_id)
    with pytest.raises(NotFound):
        client.jobs.get(job_id)


def test_clusters_and_policies(client: WorkspaceClient) -> None:
    assert client.clusters.select_spark_version(long_term_support=True)
    assert client.clusters.select_node_type(local_disk=True)
    made = client.cluster_policies.create(name=NAME, definition='{"num_workers": {"type": "fixed", "value": 0}}')
    assert NAME in [each.name for each in client.cluster_policies.list()]
    client.cluster_policies.delete(made.policy_id or "")
    with pytest.raises(NotFound):
        client.cluster_policies.get(made.policy_id or "")


def test_workspace_files(client: WorkspaceClient) -> None:
    folder = f"/Shared/{NAME}"
    client.workspace.mkdirs(folder)
    client.workspace.upload(f"{folder}/note.txt", io.BytesIO(b"a note"), format=workspace.ImportFormat.AUTO)
    assert [each.path for each in client.workspace.list(folder)] == [f"{folder}/note.txt"]
    assert client.workspace.download(f"{folder}/note.txt").read() == b"a note"
    client.workspace.delete(folder, recursive=True)
    with pytest.raises(NotFound):
        client.workspace.get_status(folder)


def test_volumes_and_their_files(client: WorkspaceClient, catalog: str) -> None:
    volume = client.volumes.create(catalog, "hrob", "landing", uc.VolumeType.MANAGED)
    assert [each.full_name for each in client.volumes.list(catalog, "hrob")] == [volume.full_name]
    folder = f"/Volumes/{catalog}/hrob/landing/days"
    client.files.create_directory(folder)
    client.files.upload(f"{folder}/1.csv", io.BytesIO(b"a,b\n"), overwrite=True)
    assert client.files.get_metadata(f"{folder}/1.csv").content_length == 4
    downloaded = client.files.download(f"{folder}/1.csv").contents
    assert downloaded
    assert downloaded.read() == b"a,b\n"
    assert [each.name for each in client.files.list_directory_contents(folder)] == ["1.csv"]
    client.files.delete(f"{folder}/1.csv")
    with pytest.raises(NotFound):
        client.files.get_metadata(f"{folder}/1.csv")


def test_grants(client: WorkspaceClient, catalog: str) -> None:
    change = uc.PermissionsChange(principal="users", add=[uc.Privilege.USE_CATALOG])
    client.grants.update("catalog", catalog, changes=[change])
    told = client.grants.get("catalog", catalog).privilege_assignments
    assert told == [uc.PrivilegeAssignment("users", [uc.Privilege.USE_CATALOG])]
    assert "hrob" in [each.name for each in client.schemas.list(catalog)]


def test_registered_models(client: WorkspaceClient, catalog: str) -> None:
    made = client.registered_models.create(catalog_name=catalog, schema_name="hrob", name="risk", comment="a model")
    assert made.full_name == f"{catalog}.hrob.risk"
    models = client.registered_models.list(catalog_name=catalog, schema_name="hrob")
    assert [(each.name, each.comment) for each in models] == [("risk", "a model")]
    client.registered_models.delete(f"{catalog}.hrob.risk")


def test_experiments(client: WorkspaceClient) -> None:
    path = f"/Shared/{NAME}-{client.config.auth_type}"
    made = client.experiments.create_experiment(path).experiment_id or ""
    found = client.experiments.get_by_name(path).experiment
    assert found
    assert found.experiment_id == made
    client.experiments.delete_experiment(made)


def test_statements_and_tables(client: WorkspaceClient, catalog: str) -> None:
    warehouse = client.warehouses.create(name=catalog, cluster_size="2X-Small", max_num_clusters=1).result().id or ""

    def run(statement: str) -> list[list[str]]:
        told = client.statement_execution.execute_statement(
            statement, warehouse, catalog=catalog, schema="hrob", wait_timeout="50s"
        )
        assert told.status
        assert told.status.state == sql.StatementState.SUCCEEDED, told.status.error
        return (told.result.data_array if told.result else None) or []

    run("CREATE TABLE births (id BIGINT, name STRING) USING delta")
    run("INSERT INTO births VALUES (1, 'a')")
    assert run("SELECT * FROM births") == [["1", "a"]]
    table = client.tables.get(f"{catalog}.hrob.births")
    assert [(each.name, each.type_name) for each in table.columns or []] == [
        ("id", uc.ColumnTypeName.LONG),
        ("name", uc.ColumnTypeName.STRING),
    ]
    assert [each.name for each in client.tables.list(catalog, "hrob")] == ["births"]
    client.tables.delete(f"{catalog}.hrob.births")
    client.warehouses.delete(warehouse)


def test_monitors(client: WorkspaceClient, catalog: str) -> None:
    table = f"{catalog}.hrob.log"
    columns = [uc.ColumnInfo(name="at", type_name=uc.ColumnTypeName.TIMESTAMP, type_text="timestamp", position=0)]
    client.tables.create("log", catalog, "hrob", uc.TableType.MANAGED, uc.DataSourceFormat.DELTA, "", columns=columns)
    log = uc.MonitorTimeSeries(timestamp_col="at", granularities=["1 day"])
    client.quality_monitors.create(table, f"{catalog}.hrob", "/Shared/contract", time_series=log)
    assert client.quality_monitors.get(table).time_series == log
    refresh = client.quality_monitors.run_refresh(table)
    listed = client.quality_monitors.list_refreshes(table).refreshes or []
    assert [each.refresh_id for each in listed] == [refresh.refresh_id]
    client.quality_monitors.delete(table)
    with pytest.raises(NotFound):
        client.quality_monitors.get(table)


def test_alerts_and_whom_they_tell(client: WorkspaceClient) -> None:
    config = settings.Config(slack=settings.SlackConfig(url="https://hooks.example.com/secret"))
    hook = client.notification_destinations.create(display_name=NAME, config=config)
    told = client.notification_destinations.get(hook.id or "").config
    assert told == settings.Config(slack=settings.SlackConfig(url_set=True))
    warehouse = client.warehouses.create(name=NAME, cluster_size="2X-Small", max_num_clusters=1).result().id or ""
    evaluation = sql.AlertV2Evaluation(
        source=sql.AlertV2OperandColumn("one"),
        comparison_operator=sql.ComparisonOperator.IS_NULL,
        notification=sql.AlertV2Notification(subscriptions=[sql.AlertV2Subscription(destination_id=hook.id)]),
    )
    schedule = sql.CronSchedule("0 0 6 * * ?", "UTC")
    made = client.alerts_v2.create_alert(sql.AlertV2(NAME, "SELECT 1 AS one", warehouse, evaluation, schedule))
    assert made in list(client.alerts_v2.list_alerts())
    client.alerts_v2.trash_alert(made.id or "", purge=True)
    with pytest.raises(NotFound):
        client.alerts_v2.get_alert(made.id or "")
    client.warehouses.delete(warehouse)
    client.notification_destinations.delete(hook.id or "")
