"""The home page tells the states of monitors and alerts, to whom may read them."""

from __future__ import annotations

from .conftest import Scene, browser


def test_alerts_and_monitors_show_to_whom_may_read_them(scene: Scene) -> None:
    call, table = scene.workspace.call, f"{scene.schema}.births"
    alert = call(
        "POST",
        "/api/2.0/alerts",
        json={
            "display_name": f"Few births in {table}",
            "query_text": f"SELECT count(*) AS n FROM {table}",  # noqa: S608 - a made-up name
            "warehouse_id": scene.warehouse,
            "evaluation": {
                "source": {"name": "n"},
                "comparison_operator": "LESS_THAN",
                "threshold": {"value": {"double_value": 3}},
            },
            "schedule": {"quartz_cron_schedule": "0 0 5 * * ?", "timezone_id": "UTC"},
        },
    )
    monitor = f"/api/2.1/unity-catalog/tables/{table}/monitor"
    call("POST", monitor, json={"assets_dir": scene.folder, "output_schema_name": scene.schema, "snapshot": {}})
    try:
        home = browser(scene.workspace, scene.workspace.token).get("/").text
        assert f"<td>Few births in {table}</td>" in home
        assert '<span class="state UNKNOWN">UNKNOWN</span>' in home
        assert f'<td><a href="/catalog/table/{table}">{table}</a></td><td><span class="state ACTIVE">' in home
        assert table not in scene.person("stranger")[2].get("/").text
    finally:
        call("DELETE", f"/api/2.0/alerts/{alert['id']}")
        call("DELETE", monitor)
