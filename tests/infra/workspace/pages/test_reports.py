"""Reports: found below folders named `reports`, shown to whom may read them, never running anything."""

from __future__ import annotations

from databricks.sdk.service.iam import PermissionLevel

from .conftest import REPORT, Scene, browser


def test_a_report_is_shown_and_can_do_nothing(scene: Scene) -> None:
    admin = browser(scene.workspace, scene.workspace.token)
    address = f"/reports{scene.folder}/reports/births%201.html"
    home = admin.get("/").text
    assert f'href="{address}"' in home
    assert "elsewhere.html" not in home
    assert "births.csv" not in home
    answer = admin.get(address)
    assert (answer.status_code, answer.text) == (200, REPORT)
    policy = answer.headers["content-security-policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_nothing_else_of_the_tree_is_served(scene: Scene) -> None:
    admin = browser(scene.workspace, scene.workspace.token)
    for path in ("elsewhere.html", "reports/births.csv", "reports/gone.html", "reports", "reports/../elsewhere.html"):
        answer = admin.get(f"/reports{scene.folder}/{path.replace('..', '%2e%2e')}")
        assert answer.status_code in (400, 404), path
        assert "Drift of births" not in answer.text


def test_only_who_may_read_a_report_sees_it(scene: Scene) -> None:
    someone, _, viewer = scene.person("reader")
    address = f"/reports{scene.folder}/reports/births%201.html"
    assert viewer.get(address).status_code == 404
    assert address not in viewer.get("/").text
    folder = scene.client.workspace.get_status(f"{scene.folder}/reports").object_id
    scene.share("directories", str(folder), PermissionLevel.CAN_READ, someone)
    assert viewer.get(address).text == REPORT
    assert address in viewer.get("/").text
