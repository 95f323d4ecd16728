"""The pages answer for what there is, escape what they show, and draw dependencies."""

from __future__ import annotations

import httpx
import pytest

from infra.workspace.launch import Running
from infra.workspace.pages.dag import draw
from infra.workspace.pages.words import duration, moment, state_of


@pytest.fixture
def browser(workspace: Running) -> httpx.Client:
    """A browser that came by a login link."""
    code = workspace.call("POST", "/api/2.0/local/login-codes")["code"]
    client = httpx.Client(base_url=workspace.url, follow_redirects=True, headers={"Accept": "text/html"}, timeout=60)
    assert client.get("/login", params={"code": code}).status_code == 200
    return client


@pytest.mark.parametrize("path", ["/", "/jobs", "/runs", "/catalog", "/outbox", "/mlflow/"])
def test_every_page_answers(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert "<html" in answer.text


def test_a_login_link_works_once(workspace: Running) -> None:
    code = workspace.call("POST", "/api/2.0/local/login-codes")["code"]
    first, second = httpx.Client(base_url=workspace.url), httpx.Client(base_url=workspace.url)
    assert first.get("/login", params={"code": code, "next": "/jobs"}).headers["location"] == "/jobs"
    assert second.get("/login", params={"code": code}).status_code == 403


def test_a_login_link_leads_nowhere_else(workspace: Running) -> None:
    code = workspace.call("POST", "/api/2.0/local/login-codes")["code"]
    answer = httpx.get(f"{workspace.url}/login", params={"code": code, "next": "//evil.example.com/"})
    assert answer.headers["location"] == "/"


def test_names_are_escaped(workspace: Running, browser: httpx.Client) -> None:
    job = workspace.call("POST", "/api/2.2/jobs/create", json={"name": "<script>alert(1)</script>"})
    try:
        assert "<script>alert" not in browser.get("/jobs").text
        assert "&lt;script&gt;alert" in browser.get(f"/jobs/{job['job_id']}").text
    finally:
        workspace.call("POST", "/api/2.2/jobs/delete", json=job)


def test_a_diamond_is_drawn_in_three_columns() -> None:
    tasks = [
        {"task_key": "a"},
        {"task_key": "b", "depends_on": [{"task_key": "a"}]},
        {"task_key": "c", "depends_on": [{"task_key": "a"}]},
        {"task_key": "d", "depends_on": [{"task_key": "b"}, {"task_key": "c"}]},
    ]
    dag = draw(tasks, {"a": "SUCCESS"})
    columns = {box.key: box.x for box in dag.boxes}
    assert columns["a"] < columns["b"] == columns["c"] < columns["d"]
    assert len(dag.arrows) == 4
    assert {box.key: box.state for box in dag.boxes}["a"] == "SUCCESS"


def test_values_read_well() -> None:
    assert moment(0) == "–"
    assert moment(1_700_000_000_000) == "2023-11-14 22:13:20"
    assert [duration(value) for value in (None, 1500, 61_000, 3_700_000)] == ["–", "1.5 s", "1 min 01 s", "1 h 01 min"]
    assert state_of({"state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED"}}) == "FAILED"
    assert state_of({"state": {"life_cycle_state": "RUNNING"}}) == "RUNNING"
