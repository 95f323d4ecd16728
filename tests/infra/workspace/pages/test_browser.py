"""Dashboard, report and home page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser import Browser

from .conftest import Scene


@pytest.fixture
def browser(scene: Scene, tmp_path: Path) -> Browser:
    return Browser(scene.workspace, tmp_path)


def test_a_dashboard_is_drawn(scene: Scene, browser: Browser) -> None:
    opened = browser.open(f"/dashboards/{scene.dashboard_id}")
    assert "Title of months" in opened.document
    assert 'class="marks"' in opened.document
    assert "<title>a script ran</title>" not in opened.document
    assert opened.picture.read_bytes().startswith(b"\x89PNG")
    assert opened.colours() > 50  # a drawn page, not an empty one


def test_a_reports_script_does_not_run(scene: Scene, browser: Browser) -> None:
    opened = browser.open(f"/reports{scene.folder}/reports/births%201.html")
    assert "<title>Report</title>" in opened.document
    assert "Drift of births" in opened.document
    assert opened.colours() > 10


def test_the_home_page_leads_to_both(scene: Scene, browser: Browser) -> None:
    document = browser.open("/").document
    assert f'href="/dashboards/{scene.dashboard_id}"' in document
    assert f'href="/reports{scene.folder}/reports/births%201.html"' in document
