"""The comparison finds what an answer lacks, and lets pass what differs in every run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.comparison import differences
from tests.contracts.correspondence import Correspondence

JOB = {
    "job_id": 108,
    "created_time": 1795270733650,
    "creator": "7f9ef4ca-a437-40b5-8ce9-2afe5a62d2b9",
    "settings": {"name": "training", "timeout_seconds": 3600, "tags": {"made": "2026-11-21T14:00:00Z"}},
    "acl": [{"group": "users", "object": "/jobs/108"}],
}
HERE = {
    "job_id": 101,
    "created_time": 1795270799999,
    "creator": "00000000-a437-40b5-8ce9-000000000000",
    "settings": {"name": "training", "timeout_seconds": 3600, "tags": {"made": "2026-11-22T15:00:00Z"}},
    "acl": [{"group": "users", "object": "/jobs/101"}],
    "more": True,
}


def found(recorded: Any, actual: Any) -> list[str]:
    return list(differences(recorded, actual, Correspondence()))


def test_ids_times_and_more_keys_are_no_difference() -> None:
    assert found(JOB, HERE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"name": "training", "tags": {"made": "2026-11-22T15:00:00Z"}}}, ".timeout_seconds is missing"),
        ({"settings": HERE["settings"] | {"timeout_seconds": 60}}, "3600 in the recording, 60 here"),  # type: ignore[operator] # a dict
        ({"job_id": "101"}, "int 108 in the recording, str '101' here"),
        ({"created_time": None}, "NoneType None here"),
        ({"creator": "somebody"}, "'somebody' here"),
        ({"acl": []}, "1 elements in the recording, 0 here"),
        ({"acl": [{"group": "users", "object": "/jobs/102"}]}, "id 102, but what was 108 in the recording is 101 here"),
    ],
)
def test_a_broken_promise_is_a_difference(change: dict[str, Any], told: str) -> None:
    complaints = found(JOB, HERE | change)
    assert len(complaints) == 1
    assert told in complaints[0]


def test_lists_may_come_in_another_order() -> None:
    recorded = [{"id": "aa", "name": "first"}, {"id": "bb", "name": "second"}]
    assert found(recorded, [{"id": "cc", "name": "second"}, {"id": "dd", "name": "first"}]) == []
    assert found(recorded, [{"id": "cc", "name": "second"}, {"id": "dd", "name": "second"}])


def test_two_ids_cannot_stand_for_one() -> None:
    assert found([{"job_id": 1}, {"run_id": 2}], [{"job_id": 7}, {"run_id": 7}])


def test_requests_carry_the_ids_of_this_run() -> None:
    ids = Correspondence()
    assert not list(differences(JOB, HERE, ids))
    assert ids.in_path("/api/2.2/jobs/get?job_id=108&limit=108") == "/api/2.2/jobs/get?job_id=101&limit=108"
    assert ids.in_path("/api/2.0/permissions/jobs/108?") == "/api/2.0/permissions/jobs/101?"
    by_name = "?filter=userName%20eq%20%227f9ef4ca-a437-40b5-8ce9-2afe5a62d2b9%22"
    assert ids.in_path(by_name) == by_name.replace(str(JOB["creator"]), str(HERE["creator"]))
    body = {"job_id": 108, "new_settings": {"max": 108, "run_as": JOB["creator"]}}
    assert ids.in_body(body) == {"job_id": 101, "new_settings": {"max": 108, "run_as": HERE["creator"]}}
