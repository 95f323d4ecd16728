"""A workspace with data, a dashboard on them and a report, and people who look at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.dashboards import Dashboard
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.dashboards import document, field, text, widget

SCRIPT = "<script>document.title = 'a script ran'</script>"
REPORT = f"""<!doctype html><html><head><title>Report</title><style>h1 {{ color: teal }}</style></head>
<body><h1>Drift of births</h1><svg width="60" height="20"><rect width="60" height="20"/></svg>{SCRIPT}</body></html>"""


@dataclass(frozen=True)
class Scene:
    """A table `{schema}.births` of six rows, the dashboard Births on it, and a report beside them."""

    workspace: Running
    client: WorkspaceClient
    warehouse: str
    schema: str
    folder: str
    dashboard_id: str

    def publish(self, embed_credentials: bool, client: WorkspaceClient | None = None) -> None:
        (client or self.client).lakeview.publish(
            self.dashboard_id, embed_credentials=embed_credentials, warehouse_id=self.warehouse
        )

    def person(self, name: str) -> tuple[str, WorkspaceClient, httpx.Client]:
        """A principal without rights: its application id, its client, and its browser."""
        made = self.client.service_principals.create(display_name=f"{name} {uuid4()}")
        token = launch.service_principal_token(self.workspace, str(made.display_name), 600)
        client = WorkspaceClient(host=self.workspace.url, token=token)
        return str(made.application_id), client, browser(self.workspace, token)

    def share(self, kind: str, id: str, level: PermissionLevel, *people: str) -> None:
        entries = [AccessControlRequest(service_principal_name=name, permission_level=level) for name in people]
        self.client.permissions.update(kind, id, access_control_list=entries)


def browser(workspace: Running, token: str) -> httpx.Client:
    """A browser that has logged in, as far as HTTP goes."""
    client = httpx.Client(base_url=workspace.url, follow_redirects=True, headers={"Accept": "text/html"}, timeout=120)
    assert client.post("/login", data={"token": token}).status_code == 200
    return client


@pytest.fixture(scope="module")
def scene(workspace: Running) -> Iterator[Scene]:
    client = WorkspaceClient(host=workspace.url, token=workspace.token)
    name = f"pages_{uuid4().hex[:8]}"
    warehouse = workspace.call("POST", "/api/2.0/sql/warehouses", json={"name": name})["id"]
    client.catalogs.create(name)
    client.schemas.create("hrob", name)
    schema, folder = f"{name}.hrob", f"/{name}"
    for statement in (
        f"CREATE TABLE {schema}.births (day DATE, mother STRING, weight DOUBLE)",
        f"INSERT INTO {schema}.births SELECT date_add(date'2026-01-30', CAST(id AS INT)),"  # noqa: S608 - a made-up name
        " CASE WHEN id < 4 THEN 'young' ELSE 'old' END, 2.5 + id FROM range(6)",
    ):
        body = {"statement": statement, "warehouse_id": warehouse, "wait_timeout": "50s"}
        answer = workspace.call("POST", "/api/2.0/sql/statements", json=body)
        assert answer["status"]["state"] == "SUCCEEDED", answer
    client.workspace.mkdirs(f"{folder}/reports/old")
    client.workspace.upload(f"{folder}/reports/births 1.html", REPORT.encode(), format=ImportFormat.RAW)
    client.workspace.upload(f"{folder}/reports/births.csv", b"a,b", format=ImportFormat.RAW)
    client.workspace.upload(f"{folder}/elsewhere.html", REPORT.encode(), format=ImportFormat.RAW)
    given = Dashboard(
        display_name=f"Births {name}",
        parent_path=folder,
        warehouse_id=warehouse,
        serialized_dashboard=births(schema),
    )
    made = client.lakeview.create(given)
    yield Scene(workspace, client, warehouse, schema, folder, str(made.dashboard_id))
    client.workspace.delete(folder, recursive=True)
    client.warehouses.delete(warehouse)
    client.catalogs.delete(name, force=True)


def births(schema: str) -> str:
    month, count = 'DATE_TRUNC("MONTH", `day`)', "COUNT(`*`)"
    counted = {"count(*)": count}
    layout = [
        text(f"## Births by *month* {SCRIPT}"),
        widget("counter", counted, {"value": {"fieldName": "count(*)"}}, name="births", place=(0, 1, 1, 2)),
        widget(
            "filter-multi-select",
            {"mother": "`mother`"},
            {"fields": [{"fieldName": "mother", "queryName": "main_query"}]},
            name="mothers",
            place=(1, 1, 1, 2),
        ),
        widget(
            "filter-date-range-picker",
            {"day": "`day`"},
            {"fields": [{"fieldName": "day", "queryName": "main_query"}]},
            name="days",
            place=(2, 1, 2, 2),
        ),
        widget(
            "bar",
            {"monthly(day)": month, **counted, "mother": "`mother`"},
            {
                "x": field("monthly(day)", "temporal"),
                "y": field("count(*)", "quantitative"),
                "color": field("mother", "categorical"),
            },
            name="months",
            place=(0, 3, 3, 4),
        ),
        widget(
            "table",
            {"day": "`day`", "weight": "`weight`"},
            {"columns": [{"fieldName": "day", "title": "Day"}, {"fieldName": "weight", "numberFormat": "0.00"}]},
            name="rows",
            disaggregated=True,
            place=(3, 3, 3, 4),
        ),
        widget("sankey", counted, {}, name="flow", place=(0, 7, 2, 2)),
        widget(
            "counter", counted, {"value": {"fieldName": "count(*)"}}, name="lost", dataset="gone", place=(2, 7, 2, 2)
        ),
    ]
    return document(
        layout,
        f"SELECT * FROM {schema}.births ORDER BY day",  # noqa: S608 - a made-up name
        more={"gone": f"SELECT * FROM {schema}.gone"},  # noqa: S608 - as above
    )
