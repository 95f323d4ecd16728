"""Which windows are computed, and that the conditions replace exactly what was computed."""

from __future__ import annotations

import datetime

import pytest

from ml_code.platform.monitoring.conditions import drift_condition, profile_condition
from ml_code.platform.monitoring.plan import Counts, Extent, Place, Work, by_granularity, plan, to_read
from ml_code.platform.monitoring.state import DOUBLED
from ml_code.platform.monitoring.windows import Granularity, Window, day

DAY, WEEK = Granularity("1 day"), Granularity("1 week")
NOTHING, LABEL, WHOLE = Extent.NOTHING, Extent.LABEL, Extent.WHOLE


def on(number: int) -> Window:
    return day(datetime.date(2026, 1, number))


def works(
    now: dict[int, Counts], known: dict[int, Counts], run: int | None = None, *, labels_apart: bool = True
) -> dict[int, tuple[Extent, Extent]]:
    planned = plan(
        {DAY: {on(number): counts for number, counts in now.items()}},
        {DAY: {on(number): counts for number, counts in known.items()}},
        None if run is None else on(run),
        labels_apart=labels_apart,
    )
    return {window.start.day: (work.profile, work.consecutive) for (_, window), work in planned.items()}


SAME = Counts(10, 4, 1)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (SAME, {}),
        (Counts(9, 4, 1), {5: (WHOLE, WHOLE), 6: (NOTHING, WHOLE)}),
        (Counts(10, 3, 1), {5: (LABEL, LABEL), 6: (NOTHING, LABEL)}),
        (Counts(10, 4, 0), {5: (LABEL, LABEL), 6: (NOTHING, LABEL)}),
        (DOUBLED, {5: (WHOLE, WHOLE), 6: (NOTHING, WHOLE)}),
    ],
)
def test_a_window_that_differs_takes_the_next_with_it(known: Counts, expected: dict[int, object]) -> None:
    assert works({5: SAME, 6: SAME, 8: SAME}, {5: known, 6: SAME, 8: SAME}) == expected


def test_days_of_the_run_new_days_and_days_without_rows() -> None:
    assert works({5: SAME, 6: SAME}, {5: SAME, 6: SAME}, run=5) == {5: (WHOLE, WHOLE), 6: (NOTHING, WHOLE)}
    assert works({5: SAME}, {}) == {5: (WHOLE, WHOLE)}
    assert works({6: SAME}, {5: SAME, 6: SAME}) == {5: (WHOLE, WHOLE), 6: (NOTHING, WHOLE)}
    assert works({5: SAME}, {5: Counts(10, 3, 1)}, labels_apart=False) == {5: (WHOLE, WHOLE)}


def test_what_is_read_is_what_is_computed_and_what_it_is_compared_with() -> None:
    now = by_granularity([(on(number), SAME) for number in (5, 6, 7, 13)], [DAY, WEEK])
    assert {window.start.day: counts.rows for window, counts in now[WEEK].items()} == {5: 30, 12: 10}
    planned: dict[Place, Work] = {(DAY, on(7)): Work(LABEL, WHOLE), (DAY, on(5)): Work(LABEL, LABEL)}
    assert to_read(planned, now) == {(DAY, on(7)): WHOLE, (DAY, on(6)): WHOLE, (DAY, on(5)): LABEL}


def test_conditions() -> None:
    planned: dict[Place, Work] = {
        (DAY, on(5)): Work(WHOLE, WHOLE),
        (DAY, on(6)): Work(LABEL, WHOLE),
        (DAY, on(7)): Work(NOTHING, LABEL),
    }
    label = "column_name IN (':table', 'label')"
    starts = {number: f"window.start IN (timestamp'2026-01-0{number} 00:00:00Z')" for number in (5, 6, 7)}
    of_day = "(granularity = '1 day' AND "
    assert profile_condition(planned, ["label"], baseline=True).split(" OR ") == [
        f"{of_day}{starts[5]})",
        f"{of_day}{starts[6]} AND {label})",
        "log_type = 'BASELINE'",
    ]
    assert drift_condition(planned, ["label"]).split(" OR ") == [
        f"{of_day}{starts[5]})",
        f"{of_day}{starts[6]} AND {label})",
        f"{of_day}{starts[6]} AND drift_type = 'CONSECUTIVE')",
        f"{of_day}{starts[7]} AND drift_type = 'CONSECUTIVE' AND {label})",
    ]
