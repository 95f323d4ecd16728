"""The REST as databricks-sdk speaks it, in the name of an admin and of principals that share nothing."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service import catalog as uc

from .conftest import ADMIN, API, PROD, SCIENTIST, STAGING, Workspace, grant

Connect = Callable[..., WorkspaceClient]


@pytest.fixture
def connect(workspace: Workspace) -> Connect:
    return lambda principal: WorkspaceClient(host=workspace.url, token=principal.name)


@pytest.fixture
def admin(connect: Connect) -> WorkspaceClient:
    return connect(ADMIN)


@pytest.fixture
def staging(connect: Connect) -> WorkspaceClient:
    return connect(STAGING)


def columns() -> list[uc.ColumnInfo]:
    return [
        uc.ColumnInfo(name="id", type_name=uc.ColumnTypeName.LONG, type_text="bigint", nullable=False, position=0),
        uc.ColumnInfo(name="day", type_name=uc.ColumnTypeName.DATE, type_text="date", position=1),
    ]


def create_table(workspace: Workspace, principal: object, full_name: str) -> dict[str, object]:
    catalog_name, schema_name, name = full_name.split(".")
    return workspace.catalog.tables.create_table(
        principal,  # type: ignore[arg-type] # one of the four principals
        {
            "name": name,
            "catalog_name": catalog_name,
            "schema_name": schema_name,
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "columns": [column.as_dict() for column in columns()],
        },
    )


def test_the_metastore_is_assigned(admin: WorkspaceClient) -> None:
    assignment = admin.metastores.current()
    assert assignment.workspace_id == 77
    assert admin.metastores.summary().metastore_id == assignment.metastore_id
    assert admin.metastores.get(assignment.metastore_id).name == "local"


def test_a_catalogs_life(admin: WorkspaceClient) -> None:
    made = admin.catalogs.create("Dev", comment="development", properties={"team": "ml"})
    assert (made.name, made.owner, made.comment) == ("dev", ADMIN.name, "development")
    assert [schema.name for schema in admin.schemas.list("dev")] == ["default", "information_schema"]
    with pytest.raises((AlreadyExists, ResourceConflict)):
        admin.catalogs.create("dev")
    assert admin.catalogs.update("dev", comment="", new_name="dev2", owner=SCIENTIST.name).comment is None
    assert admin.catalogs.get("dev2").owner == SCIENTIST.name
    with pytest.raises(NotFound, match="Catalog 'dev' does not exist"):
        admin.catalogs.get("dev")
    admin.catalogs.delete("dev2")


def test_a_catalog_with_something_in_it_needs_force(admin: WorkspaceClient, workspace: Workspace) -> None:
    admin.catalogs.create("full")
    admin.schemas.create("hrob", "full")
    create_table(workspace, ADMIN, "full.hrob.births")
    folder = workspace.catalog.tables.get_table(ADMIN, "full.hrob.births")["storage_location"].removeprefix("file://")
    with pytest.raises(BadRequest, match="not empty"):
        admin.catalogs.delete("full")
    with pytest.raises(BadRequest, match="not empty"):
        admin.schemas.delete("full.hrob")
    admin.catalogs.delete("full", force=True)
    assert not workspace.data_dir.joinpath(folder).exists()
    with pytest.raises(NotFound):
        admin.tables.get("full.hrob.births")


def test_missing_things_are_named_from_the_top(admin: WorkspaceClient, workspace: Workspace) -> None:
    with workspace.client(ADMIN) as client:
        codes = {
            name: client.get(f"/tables/{name}").json()["error_code"]
            for name in ("nowhere.hrob.t", "staging.nowhere.t", "staging.hrob.nowhere")
        }
    assert list(codes.values()) == ["CATALOG_DOES_NOT_EXIST", "SCHEMA_DOES_NOT_EXIST", "TABLE_DOES_NOT_EXIST"]
    with pytest.raises(BadRequest, match="period"):
        admin.catalogs.create("a b")
    with pytest.raises(BadRequest, match="not a valid name"):
        admin.tables.get("staging.hrob")


def test_tables_list_by_page_and_pattern(admin: WorkspaceClient, workspace: Workspace) -> None:
    admin.schemas.create("pages", "staging")
    for number in range(5):
        create_table(workspace, ADMIN, f"staging.pages.t{number}")
    listed = list(admin.tables.list("staging", "pages", max_results=2))
    assert [table.name for table in listed] == [f"t{number}" for number in range(5)]
    assert listed[0].columns is not None
    summaries = admin.tables.list_summaries("staging", schema_name_pattern="pag%", table_name_pattern="_3")
    assert [summary.full_name for summary in summaries] == ["staging.pages.t3"]
    assert admin.tables.exists("staging.pages.t1").table_exists
    assert not admin.tables.exists("staging.pages.t9").table_exists
    admin.schemas.delete("staging.pages", force=True)


def test_constraints(admin: WorkspaceClient, workspace: Workspace) -> None:
    name = "staging.hrob.keyed"
    create_table(workspace, ADMIN, name)

    def primary_key(*child_columns: str) -> uc.TableConstraint:
        return uc.TableConstraint(primary_key_constraint=uc.PrimaryKeyConstraint("pk", list(child_columns)))

    with pytest.raises(BadRequest, match="no column nowhere"):
        admin.table_constraints.create(name, primary_key("nowhere"))
    with pytest.raises(BadRequest, match="nullable"):
        admin.table_constraints.create(name, primary_key("id", "day"))
    admin.table_constraints.create(name, primary_key("id"))
    (constraint,) = admin.tables.get(name).table_constraints or []
    assert constraint.primary_key_constraint is not None
    assert constraint.primary_key_constraint.child_columns == ["id"]
    admin.table_constraints.delete(name, "pk", cascade=False)
    assert admin.tables.get(name).table_constraints == []
    admin.tables.delete(name)


def test_volumes(admin: WorkspaceClient, workspace: Workspace) -> None:
    made = admin.volumes.create("staging", "hrob", "landing", uc.VolumeType.MANAGED, comment="files")
    root = workspace.catalog.volumes.root("staging.hrob.landing")
    assert root.is_dir()
    assert made.storage_location == f"file://{root}"
    (root / "births.csv").write_text("1")
    assert admin.volumes.update("staging.hrob.landing", new_name="landed").full_name == "staging.hrob.landed"
    assert [volume.name for volume in admin.volumes.list("staging", "hrob")] == ["landed"]
    admin.volumes.delete("staging.hrob.landed")
    assert not root.exists()


def test_external_objects_stay_out_of_managed_storage(admin: WorkspaceClient, workspace: Workspace) -> None:
    with pytest.raises(BadRequest, match="LOCATION_OVERLAP"):
        admin.external_locations.create("inside", f"file://{workspace.data_dir}/storage", "")
    with pytest.raises(BadRequest, match="LOCATION_OVERLAP"):
        admin.external_locations.create("above", "file:///", "")
    with pytest.raises(BadRequest, match="LOCATION_OVERLAP"):
        admin.volumes.create(
            "staging", "hrob", "v", uc.VolumeType.EXTERNAL, storage_location=f"file://{workspace.data_dir}/storage/x"
        )


def test_registered_models(admin: WorkspaceClient) -> None:
    name = "staging.hrob.risk"
    made = admin.registered_models.create(catalog_name="staging", schema_name="hrob", name="risk", comment="risk")
    assert (made.full_name, made.owner) == (name, ADMIN.name)
    admin.grants.update(
        "function", name, changes=[uc.PermissionsChange(principal=PROD.name, add=[uc.Privilege.EXECUTE])]
    )
    assert admin.registered_models.update(name, comment="", owner=STAGING.name).comment is None
    assert [model.full_name for model in admin.registered_models.list()] == [name]
    assert list(admin.model_versions.list(name)) == []
    with pytest.raises(NotFound):
        admin.model_versions.get_by_alias(name, "champion")
    admin.registered_models.delete(name)
    assert list(admin.registered_models.list(catalog_name="staging", schema_name="hrob")) == []


def test_grants_are_read_back_and_checked(admin: WorkspaceClient) -> None:
    changes = [
        uc.PermissionsChange(principal="branchline-scientists", add=[uc.Privilege.USE_SCHEMA, uc.Privilege.SELECT])
    ]
    told = admin.grants.update("schema", "prod.hrob", changes=changes)
    assert {a.principal: [p.value for p in a.privileges or []] for a in told.privilege_assignments or []} == {
        PROD.name: ["ALL_PRIVILEGES"],
        "branchline-scientists": ["SELECT", "USE_SCHEMA"],
    }
    nobody = [uc.PermissionsChange(principal="nobody", add=[uc.Privilege.SELECT])]
    with pytest.raises(NotFound, match="Could not find principal with name nobody"):
        admin.grants.update("schema", "prod.hrob", changes=nobody)
    undo = [
        uc.PermissionsChange(principal="branchline-scientists", remove=[uc.Privilege.USE_SCHEMA, uc.Privilege.SELECT])
    ]
    left = admin.grants.update("schema", "prod.hrob", changes=undo).privilege_assignments or []
    assert [assignment.principal for assignment in left] == [PROD.name]


def test_effective_permissions_name_their_source(connect: Connect, workspace: Workspace) -> None:
    create_table(workspace, ADMIN, "prod.hrob.births")
    told = connect(ADMIN).grants.get_effective("table", "prod.hrob.births", principal=PROD.name)
    (assignment,) = told.privilege_assignments or []
    found = {(p.privilege.value, p.inherited_from_name) for p in assignment.privileges or [] if p.privilege}
    assert found == {("ALL_PRIVILEGES", "prod.hrob")}
    connect(ADMIN).tables.delete("prod.hrob.births")


def test_a_staging_principal_touches_nothing_of_prod(
    staging: WorkspaceClient, admin: WorkspaceClient, workspace: Workspace
) -> None:
    create_table(workspace, PROD, "prod.hrob.births")
    admin.volumes.create("prod", "hrob", "landing", uc.VolumeType.MANAGED)
    admin.registered_models.create(catalog_name="prod", schema_name="hrob", name="risk")
    change = [uc.PermissionsChange(principal=STAGING.name, add=[uc.Privilege.SELECT])]
    attempts: list[Callable[[], object]] = [
        lambda: staging.catalogs.get("prod"),
        lambda: staging.catalogs.update("prod", comment="mine"),
        lambda: staging.catalogs.delete("prod", force=True),
        lambda: list(staging.schemas.list("prod")),
        lambda: staging.schemas.create("mine", "prod"),
        lambda: staging.schemas.get("prod.hrob"),
        lambda: staging.schemas.update("prod.hrob", owner=STAGING.name),
        lambda: staging.schemas.delete("prod.hrob", force=True),
        lambda: list(staging.tables.list("prod", "hrob")),
        lambda: list(staging.tables.list_summaries("prod")),
        lambda: staging.tables.get("prod.hrob.births"),
        lambda: staging.tables.exists("prod.hrob.births"),
        lambda: staging.tables.update("prod.hrob.births", owner=STAGING.name),
        lambda: staging.tables.delete("prod.hrob.births"),
        lambda: create_table(workspace, STAGING, "prod.hrob.mine"),
        lambda: list(staging.volumes.list("prod", "hrob")),
        lambda: staging.volumes.read("prod.hrob.landing"),
        lambda: staging.volumes.update("prod.hrob.landing", comment="mine"),
        lambda: staging.volumes.delete("prod.hrob.landing"),
        lambda: staging.volumes.create("prod", "hrob", "mine", uc.VolumeType.MANAGED),
        lambda: staging.registered_models.get("prod.hrob.risk"),
        lambda: staging.registered_models.update("prod.hrob.risk", comment="mine"),
        lambda: staging.registered_models.delete("prod.hrob.risk"),
        lambda: staging.registered_models.set_alias("prod.hrob.risk", "champion", 1),
        lambda: staging.registered_models.create(catalog_name="prod", schema_name="hrob", name="mine"),
        lambda: list(staging.model_versions.list("prod.hrob.risk")),
        lambda: staging.grants.get("catalog", "prod"),
        lambda: staging.grants.get("table", "prod.hrob.births"),
        lambda: staging.grants.get_effective("schema", "prod.hrob"),
        lambda: staging.grants.update("table", "prod.hrob.births", changes=change),
        lambda: staging.grants.update("catalog", "prod", changes=change),
        lambda: staging.workspace_bindings.get("prod"),
        lambda: staging.workspace_bindings.update("prod", unassign_workspaces=[77]),
        lambda: staging.table_constraints.delete("prod.hrob.births", "pk", cascade=True),
        lambda: staging.catalogs.create("mine"),
        lambda: staging.external_locations.create("mine", "file:///tmp/x", ""),
        lambda: staging.grants.update(
            "metastore",
            admin.metastores.current().metastore_id or "",
            changes=[uc.PermissionsChange(principal=STAGING.name, add=[uc.Privilege.CREATE_CATALOG])],
        ),
    ]
    for number, attempt in enumerate(attempts):
        with pytest.raises(Exception, match=r"User does not (have|own)") as refused:
            attempt()
        assert getattr(refused.value, "status", 403) == 403, f"attempt {number}: {refused.value}"
        assert isinstance(refused.value, PermissionDenied) or type(refused.value).__name__ == "PermissionDenied"
    assert [catalog.name for catalog in staging.catalogs.list()] == ["staging"]
    assert list(staging.registered_models.list()) == []
    admin.schemas.delete("prod.hrob", force=True)
    admin.schemas.create("hrob", "prod")
    grant(workspace.catalog, "schema", "prod.hrob", PROD.name, "ALL_PRIVILEGES")


def test_lists_show_what_the_caller_may_see(connect: Connect, admin: WorkspaceClient, workspace: Workspace) -> None:
    admin.catalogs.create("shared")
    admin.schemas.create("open", "shared")
    admin.schemas.create("closed", "shared")
    for name in ("shared.open.one", "shared.open.two", "shared.closed.three"):
        create_table(workspace, ADMIN, name)
    grant(workspace.catalog, "catalog", "shared", SCIENTIST.name, "USE_CATALOG")
    grant(workspace.catalog, "schema", "shared.open", SCIENTIST.name, "USE_SCHEMA")
    grant(workspace.catalog, "table", "shared.open.one", SCIENTIST.name, "SELECT")
    grant(workspace.catalog, "table", "shared.closed.three", SCIENTIST.name, "SELECT")
    scientist = connect(SCIENTIST)
    assert {schema.name for schema in scientist.schemas.list("shared")} == {"information_schema", "open"}
    assert [table.name for table in scientist.tables.list("shared", "open")] == ["one"]
    with pytest.raises(PermissionDenied, match=r"USE SCHEMA on Schema 'shared\.closed'"):
        scientist.tables.get("shared.closed.three")
    grant(workspace.catalog, "catalog", "shared", "branchline-scientists", "BROWSE")
    assert scientist.tables.get("shared.closed.three").name == "three"
    with pytest.raises(PermissionDenied):
        scientist.tables.delete("shared.open.one")
    admin.catalogs.delete("shared", force=True)


def test_an_isolated_catalog_answers_where_it_is_bound(admin: WorkspaceClient) -> None:
    admin.catalogs.create("alone")
    admin.catalogs.update("alone", isolation_mode=uc.CatalogIsolationMode.ISOLATED)
    assert admin.workspace_bindings.get("alone").workspaces == [77]
    admin.workspace_bindings.update("alone", unassign_workspaces=[77])
    with pytest.raises(PermissionDenied, match="not accessible in current workspace"):
        admin.catalogs.get("alone")
    assert "alone" not in [catalog.name for catalog in admin.catalogs.list()]
    admin.workspace_bindings.update("alone", assign_workspaces=[77])
    admin.catalogs.delete("alone")


def test_what_is_not_there_says_so_by_name(admin: WorkspaceClient, workspace: Workspace) -> None:
    with pytest.raises(NotImplemented, match="monitor"):
        admin.quality_monitors.get("staging.hrob.births")
    with workspace.client(ADMIN) as client:
        answer = client.get("/shares/x")
    assert answer.status_code == 501
    assert "/api/2.1/unity-catalog/shares/x" in answer.json()["message"]
    assert list(admin.functions.list("staging", "hrob")) == []


def test_no_answer_without_a_token(workspace: Workspace) -> None:
    assert httpx.get(f"{workspace.url}{API}/catalogs").status_code == 401
