"""Dynamic value references."""

from __future__ import annotations

import pytest

from infra.workspace.jobs.references import Names, UnknownReference, resolve

NAMES = Names(
    job_id=7,
    job_name="training",
    run_id=70,
    start_ms=1_704_164_645_000,  # 2024-01-02T03:04:05Z
    trigger="onetime",
    repaired=0,
    parameters={"day": "2024-01-02"},
    task_key="score",
    task_run_id=71,
    attempt=1,
    workspace_id=9,
    workspace_url="http://127.0.0.1:1",
    values={"train": {"version": 3, "tags": ["a"]}},
    results={"train": "SUCCESS"},
    item={"region": "north"},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{job.id}}/{{ job.run_id }}", "7/70"),
        ("{{job.name}}", "training"),
        ("{{job.parameters.day}}", "2024-01-02"),
        ("{{job.start_time.iso_date}}", "2024-01-02"),
        ("{{job.start_time.iso_datetime}}", "2024-01-02T03:04:05"),
        ("{{job.start_time.timestamp_ms}}", "1704164645000"),
        ("{{job.trigger.type}}", "onetime"),
        ("{{task.name}} {{task.run_id}} {{task.execution_count}}", "score 71 2"),
        ("{{tasks.train.values.version}}", "3"),
        ("{{tasks.train.values.tags}}", '["a"]'),
        ("{{tasks.train.result_state}}", "success"),
        ("{{workspace.id}} {{workspace.url}}", "9 http://127.0.0.1:1"),
        ("{{input.region}}", "north"),
        ("{{run_id}} {{parent_run_id}}", "71 70"),
        ("no reference {here}", "no reference {here}"),
    ],
)
def test_resolves(text: str, expected: str) -> None:
    assert resolve(text, NAMES) == expected


@pytest.mark.parametrize("text", ["{{job.parameters.month}}", "{{tasks.x.values.y}}", "{{nothing}}", "{{input.zone}}"])
def test_a_reference_that_names_nothing_is_an_error_that_holds_it(text: str) -> None:
    with pytest.raises(UnknownReference, match=text.strip("{}")):
        resolve({"parameters": [text]}, NAMES)
