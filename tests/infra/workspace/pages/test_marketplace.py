"""The marketplace's pages: shown to whom may read them, leading to each other, running the search and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from databricks.sdk.service.iam import PermissionLevel
from databricks.sdk.service.workspace import ImportFormat

from infra.workspace.pages.marketplace import SEARCH_HASH
from ml_code.platform.reporting import page as reporting
from ml_code.platform.reporting.page import Link, Page, Part, Section, script_hash
from tests.support.browser import Browser

from .conftest import SCRIPT, Scene, browser

ROWS = [[Link("readmission", "models/readmission.html"), "cardiology"], ["stage", "oncology"]]
HIDDEN = '<tr hidden="">'


@dataclass(frozen=True)
class Market:
    """A folder of the marketplace in the workspace; `address` is its front page."""

    folder: str

    @property
    def address(self) -> str:
        return f"/marketplace{self.folder}/index.html"


@pytest.fixture(scope="module")
def market(scene: Scene) -> Iterator[Market]:
    folder = f"{scene.folder}/marketplace"
    table = Part(head=("model", "from"), rows=ROWS, search="Search models")
    front = Page("Model marketplace", "", "", sections=[Section("models", "Models", "", [table])]).html()
    model = Page("readmission", "", "", up=Link("Model marketplace", "../index.html")).html()
    files = {
        "index.html": front.replace("</body>", f"{SCRIPT}</body>"),
        "models/readmission.html": model,
        "pages.json": "{}",
    }
    for path, content in files.items():
        scene.client.workspace.mkdirs(f"{folder}/{path}".rpartition("/")[0])
        scene.client.workspace.upload(f"{folder}/{path}", content.encode(), format=ImportFormat.RAW)
    yield Market(folder)
    scene.client.workspace.delete(folder, recursive=True)


def test_the_search_is_allowed_by_its_hash_and_nothing_else_is(scene: Scene, market: Market) -> None:
    script = (Path(reporting.__file__).parent / "filter.js").read_text()
    assert script_hash(script) == SEARCH_HASH, "the search has changed: put its new hash into SEARCH_HASH"
    answer = browser(scene.workspace, scene.workspace.token).get(market.address)
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "sandbox": "allow-scripts allow-same-origin",
        "default-src": "'none'",
        "script-src": f"'{SEARCH_HASH}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_home_page_and_the_short_address_lead_there(scene: Scene, market: Market) -> None:
    admin = browser(scene.workspace, scene.workspace.token)
    assert f'href="{market.address}"' in admin.get("/").text
    assert str(admin.get("/marketplace").url).endswith("/marketplace/index.html")
    assert "readmission</h1>" in admin.get(market.address.replace("index", "models/readmission")).text


def test_nothing_else_of_the_tree_is_served(scene: Scene, market: Market) -> None:
    admin = browser(scene.workspace, scene.workspace.token)
    for path in ("pages.json", "gone.html", "models", "%2e%2e/elsewhere.html", "%2e%2e/reports/births%201.html"):
        answer = admin.get(market.address.replace("index.html", path))
        assert answer.status_code in (400, 404), path
        assert "Drift of births" not in answer.text
    assert admin.get(f"/marketplace{scene.folder}/reports/births%201.html").status_code == 404


def test_only_who_may_read_the_pages_sees_them(scene: Scene, market: Market) -> None:
    someone, _, viewer = scene.person("shopper")
    assert viewer.get(market.address).status_code == 404
    assert market.address not in viewer.get("/").text
    assert "no marketplace that you may read" in viewer.get("/marketplace").text
    folder = scene.client.workspace.get_status(market.folder).object_id
    scene.share("directories", str(folder), PermissionLevel.CAN_READ, someone)
    assert viewer.get("/marketplace").status_code == 200
    assert market.address in viewer.get("/").text


def test_the_search_runs_in_a_browser_and_a_stored_script_does_not(
    scene: Scene, market: Market, tmp_path: Path
) -> None:
    opened = Browser(scene.workspace, tmp_path).open(market.address)
    assert "<title>Model marketplace</title>" in opened.document, "the script in the page has run"
    assert '<label class="search"><input' in opened.document, "the search box is shown by the search's script"
    assert HIDDEN not in opened.document
    found = Browser(scene.workspace, tmp_path).open(f"{market.address}#q=Cardio")
    assert "1 of 2" in found.document
    assert found.document.count(HIDDEN) == 1
