"""Dashboards as their viewers see them: numbers of real queries, in the right names, and nothing that runs."""

from __future__ import annotations

import html
import re

from databricks.sdk.service import catalog as uc
from databricks.sdk.service.iam import PermissionLevel

from .conftest import SCRIPT, Scene, browser


def tile(page: str, name: str) -> str:
    """The text of one widget, without its markup."""
    found = re.search(rf'data-widget="{name}".*?</section>', page, re.DOTALL)
    assert found, f"no widget {name}"
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0].partition(">")[2])).split())


def test_widgets_show_what_their_queries_find(scene: Scene) -> None:
    answer = browser(scene.workspace, scene.workspace.token).get(f"/dashboards/{scene.dashboard_id}")
    assert answer.status_code == 200
    page = answer.text
    assert tile(page, "births") == "Title of births 6 count(*)"
    assert tile(page, "rows").startswith("Title of rows Day weight 2026-01-30 2.50 2026-01-31 3.50")
    assert {"young", "old", "monthly(day)"} <= set(tile(page, "months").split())
    assert tile(page, "flow").endswith("The local workspace does not draw widgets of type sankey.")
    assert "TABLE_OR_VIEW_NOT_FOUND" in tile(page, "lost")
    assert "<h2>Births by <em>month</em>" in page
    assert SCRIPT not in page
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "draft" in page


def test_filters_are_in_the_address(scene: Scene) -> None:
    viewer = browser(scene.workspace, scene.workspace.token)

    def births(**chosen: str | list[str]) -> str:
        address = {f"f_first~{name.replace('_', '~')}": value for name, value in chosen.items()}
        page = viewer.get(f"/dashboards/{scene.dashboard_id}", params=address).text
        return tile(page, "births").split()[3]

    assert births(mothers="young") == "4"
    assert births(mothers=["young", "old"]) == "6"
    assert births(days_min="2026-01-31", days_max="2026-02-02") == "3"
    assert births(days_min="2026-02-02", mothers="young") == "1"
    assert births(mothers="nobody' OR '1' = '1") == "0"
    page = viewer.get(f"/dashboards/{scene.dashboard_id}", params={"f_first~mothers": "young"}).text
    assert "<option selected>young</option>" in page
    assert "<option>old</option>" in page


def test_queries_run_in_the_name_that_was_published(scene: Scene) -> None:
    path = f"/dashboards/{scene.dashboard_id}"
    publisher_id, publisher, _ = scene.person("publisher")
    viewer_id, _, viewer = scene.person("viewer")
    assert viewer.get(path).status_code == 403
    assert scene.dashboard_id not in viewer.get("/dashboards").text
    scene.share("dashboards", scene.dashboard_id, PermissionLevel.CAN_RUN, viewer_id)
    scene.share("dashboards", scene.dashboard_id, PermissionLevel.CAN_MANAGE, publisher_id)
    scene.share("sql/warehouses", scene.warehouse, PermissionLevel.CAN_USE, publisher_id)
    catalog = scene.schema.partition(".")[0]
    use = [uc.Privilege.USE_CATALOG, uc.Privilege.USE_SCHEMA]

    def grant(kind: str, name: str, principal: str, *privileges: uc.Privilege) -> None:
        change = uc.PermissionsChange(principal=principal, add=list(privileges))
        scene.client.grants.update(kind, name, changes=[change])

    grant("catalog", catalog, publisher_id, *use, uc.Privilege.SELECT)
    assert "does not have CAN_USE" in tile(viewer.get(path).text, "births")  # a draft: all is the viewer's own

    scene.publish(True, publisher)
    assert tile(viewer.get(path).text, "births").split()[3] == "6"
    assert scene.dashboard_id in viewer.get("/dashboards").text

    scene.publish(False, publisher)
    refused = viewer.get(path)
    assert refused.status_code == 200
    assert "INSUFFICIENT_PERMISSIONS" in tile(refused.text, "births")
    grant("catalog", catalog, viewer_id, *use, uc.Privilege.SELECT)
    assert tile(viewer.get(path).text, "births").split()[3] == "6"  # on the publisher's warehouse

    made = next(iter(scene.client.service_principals.list(filter=f'applicationId eq "{publisher_id}"')))
    scene.client.service_principals.delete(str(made.id))
    assert "who published the dashboard, is not active any more" in tile(viewer.get(path).text, "births")
    scene.client.lakeview.unpublish(scene.dashboard_id)
