"""The Lakeview API as databricks-sdk calls it, by its owner and by others."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceConflict,
)
from databricks.sdk.service.dashboards import Dashboard, LifecycleState
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat, ObjectType

from infra.workspace import launch
from infra.workspace.launch import Running


@pytest.fixture(scope="module")
def owner(workspace: Running) -> WorkspaceClient:
    return WorkspaceClient(host=workspace.url, token=workspace.token)


@pytest.fixture(scope="module")
def viewer(workspace: Running, owner: WorkspaceClient) -> WorkspaceClient:
    """A service principal with no rights of its own."""
    name = f"viewer {uuid4()}"
    owner.service_principals.create(display_name=name)
    return WorkspaceClient(host=workspace.url, token=launch.service_principal_token(workspace, name, 600))


@pytest.fixture(scope="module")
def warehouse(workspace: Running) -> Iterator[str]:
    made = workspace.call("POST", "/api/2.0/sql/warehouses", json={"name": f"dashboards {uuid4()}"})["id"]
    yield made
    workspace.call("DELETE", f"/api/2.0/sql/warehouses/{made}")


@pytest.fixture
def folder(owner: WorkspaceClient) -> Iterator[str]:
    path = f"/dashboards-{uuid4()}"
    owner.workspace.mkdirs(path)
    yield path
    owner.workspace.delete(path, recursive=True)


def make(
    client: WorkspaceClient,
    folder: str,
    name: str = "Births",
    serialized_dashboard: str | None = None,
    warehouse_id: str | None = None,
) -> tuple[str, Dashboard]:
    given = Dashboard(
        display_name=name,
        parent_path=folder,
        serialized_dashboard=serialized_dashboard,
        warehouse_id=warehouse_id,
    )
    made = client.lakeview.create(given)
    assert made.dashboard_id
    return made.dashboard_id, made


def share(owner: WorkspaceClient, id: str, viewer: WorkspaceClient, level: PermissionLevel) -> None:
    name = viewer.current_user.me().user_name
    entry = AccessControlRequest(service_principal_name=name, permission_level=level)
    owner.permissions.set("dashboards", id, access_control_list=[entry])


def test_a_draft_is_an_object_of_the_tree(owner: WorkspaceClient, folder: str) -> None:
    text = '{"pages": [{"name": "a", "displayName": "A"}]}'
    id, made = make(owner, f"/Workspace{folder}", serialized_dashboard=text)
    assert (made.path, made.parent_path) == (f"{folder}/Births.lvdash.json", folder)
    assert json.loads(str(made.serialized_dashboard))["pages"][0]["pageType"] == "PAGE_TYPE_CANVAS"
    status = owner.workspace.get_status(str(made.path))
    assert (status.object_type, status.resource_id) == (ObjectType.DASHBOARD, id)
    assert [each.path for each in owner.workspace.list(folder)] == [made.path]
    exported = base64.b64decode(str(owner.workspace.export(str(made.path)).content)).decode()
    assert exported == made.serialized_dashboard
    assert owner.lakeview.get(id).as_dict() == made.as_dict()
    with pytest.raises(NotImplemented, match=r"make it by /api/2[.]0/lakeview/dashboards"):
        owner.workspace.upload(f"{folder}/Other.lvdash.json", exported.encode(), format=ImportFormat.AUTO)


def test_what_is_no_dashboard_is_refused(owner: WorkspaceClient, folder: str) -> None:
    for problem, given in {
        "not JSON": {"serialized_dashboard": "{pages"},
        "JSON object": {"serialized_dashboard": "[]"},
        "pages is a list": {"serialized_dashboard": '{"pages": "x"}'},
        "slash": {"name": "a/b"},
        "needs a display_name": {"name": " "},
    }.items():
        with pytest.raises(InvalidParameterValue, match=problem):
            make(owner, folder, **given)
    with pytest.raises(NotFound, match=r"^Path \(/nowhere\) doesn't exist\.$"):
        make(owner, "/nowhere")
    make(owner, folder)
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        make(owner, folder)
    assert len(list(owner.workspace.list(folder))) == 1


def test_an_update_renames_and_keeps_to_the_etag(owner: WorkspaceClient, folder: str) -> None:
    id, made = make(owner, folder, serialized_dashboard="{}")
    changed = owner.lakeview.update(id, Dashboard(display_name="Other", etag=made.etag))
    assert (changed.path, changed.serialized_dashboard) == (f"{folder}/Other.lvdash.json", "{}\n")
    assert changed.etag != made.etag
    assert [each.path for each in owner.workspace.list(folder)] == [changed.path]
    with pytest.raises(ResourceConflict, match="changed by somebody else"):
        owner.lakeview.update(id, Dashboard(display_name="Third", etag=made.etag))
    make(owner, folder, "Third")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        owner.lakeview.update(id, Dashboard(display_name="Third"))
    assert owner.lakeview.get(id).as_dict() == changed.as_dict()
    with_defaults = owner.lakeview.update(
        id,
        Dashboard(serialized_dashboard='{"datasets": [{"name": "d"}]}'),
        dataset_catalog="dev",
        dataset_schema="hrob",
    )
    assert json.loads(str(with_defaults.serialized_dashboard))["datasets"] == [
        {"name": "d", "catalog": "dev", "schema": "hrob"}
    ]


def test_what_is_published_stays_until_it_is_published_again(
    owner: WorkspaceClient, folder: str, warehouse: str
) -> None:
    id, _ = make(owner, folder, serialized_dashboard='{"pages": []}')
    with pytest.raises(NotFound, match="Unable to find published dashboard"):
        owner.lakeview.get_published(id)
    with pytest.raises(InvalidParameterValue, match="no warehouse"):
        owner.lakeview.publish(id)
    with pytest.raises(NotFound, match="warehouse gone"):
        owner.lakeview.publish(id, warehouse_id="gone")
    published = owner.lakeview.publish(id, warehouse_id=warehouse, embed_credentials=True)
    assert (published.display_name, published.embed_credentials, published.warehouse_id) == ("Births", True, warehouse)
    owner.lakeview.update(id, Dashboard(display_name="Draft", serialized_dashboard="{}"))
    assert owner.lakeview.get_published(id).display_name == "Births"
    reverted = owner.lakeview.revert(id).dashboard
    assert reverted is not None
    assert (reverted.display_name, reverted.serialized_dashboard) == ("Births", '{"pages": []}\n')
    owner.lakeview.unpublish(id)
    with pytest.raises(NotFound, match="Unable to find published dashboard"):
        owner.lakeview.unpublish(id)


def test_the_trash(owner: WorkspaceClient, folder: str, warehouse: str) -> None:
    first, second = make(owner, folder, "A", warehouse_id=warehouse)[0], make(owner, folder, "B")[0]
    owner.lakeview.publish(first)
    owner.lakeview.trash(first)
    owner.workspace.delete(f"{folder}/B.lvdash.json")  # the tree's own deletion is the same
    for id in (first, second):
        assert owner.lakeview.get(id).lifecycle_state is LifecycleState.TRASHED
        for call in (owner.lakeview.trash, owner.lakeview.publish, owner.lakeview.unpublish):
            with pytest.raises(PermissionDenied, match="in the trash"):
                call(id)
        with pytest.raises(NotFound):
            owner.permissions.get("dashboards", id)
    with pytest.raises(NotFound):
        owner.lakeview.get_published(first)
    listed = {each.dashboard_id for each in owner.lakeview.list(page_size=1)}
    assert not {first, second} & listed
    assert {first, second} <= {each.dashboard_id for each in owner.lakeview.list(page_size=1, show_trashed=True)}
    make(owner, folder, "A")  # the path is free again


def test_others_see_and_do_what_they_were_given(
    owner: WorkspaceClient, viewer: WorkspaceClient, folder: str, warehouse: str
) -> None:
    id, _ = make(owner, folder, warehouse_id=warehouse)
    with pytest.raises(PermissionDenied):
        viewer.lakeview.get(id)
    assert id not in {each.dashboard_id for each in viewer.lakeview.list()}
    share(owner, id, viewer, PermissionLevel.CAN_READ)
    assert viewer.lakeview.get(id).display_name == "Births"
    assert id in {each.dashboard_id for each in viewer.lakeview.list()}
    with pytest.raises(PermissionDenied):
        viewer.lakeview.update(id, Dashboard(display_name="x"))
    share(owner, id, viewer, PermissionLevel.CAN_EDIT)
    viewer.lakeview.update(id, Dashboard(serialized_dashboard='{"pages": []}'))
    with pytest.raises(PermissionDenied):  # nobody publishes with a warehouse that is not theirs to use
        viewer.lakeview.publish(id)
    with pytest.raises(PermissionDenied):
        viewer.lakeview.trash(id)
    levels = owner.permissions.get_permission_levels("dashboards", id).permission_levels or []
    assert [each.permission_level.value for each in levels if each.permission_level] == [
        "CAN_READ",
        "CAN_RUN",
        "CAN_EDIT",
        "CAN_MANAGE",
    ]


def test_pages_of_a_list_follow_each_other(owner: WorkspaceClient, workspace: Running, folder: str) -> None:
    made = {make(owner, folder, name)[0] for name in ("A", "B", "C")}
    first = workspace.call("GET", "/api/2.0/lakeview/dashboards?page_size=2")
    assert len(first["dashboards"]) == 2
    assert set(first["dashboards"][0]) <= {
        "dashboard_id",
        "display_name",
        "warehouse_id",
        "lifecycle_state",
        "create_time",
    }
    assert made <= {each.dashboard_id for each in owner.lakeview.list(page_size=2)}


def test_what_is_missing_is_named(owner: WorkspaceClient, folder: str) -> None:
    id, _ = make(owner, folder)
    with pytest.raises(NotImplemented, match=r"POST /api/2[.]0/lakeview/dashboards/migrate"):
        owner.lakeview.migrate("x")
    with pytest.raises(NotImplemented, match=rf"GET /api/2[.]0/lakeview/dashboards/{id}/schedules"):
        list(owner.lakeview.list_schedules(id))
