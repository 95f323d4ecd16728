"""Descriptions that say what was exported, names that fit, and who is told how far it is."""

from __future__ import annotations

import threading
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.export.choice import is_marked, marked, patterns_of, versions_of
from ml_code.platform.marketplace.export.outcome import Outcome, Report, in_bytes
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.export.progress import Progress


@given(st.text(max_size=6000), st.dates())
def test_a_marked_description_says_so_and_fits(description: str, day: date) -> None:
    found = marked(description, day)
    assert is_marked(found)
    assert len(found) <= 5000
    assert found.startswith(f"Exported Already On {day.isoformat()}, previous description: {description[:4900]}")


def test_patterns() -> None:
    assert patterns_of(" risk, a.b.* ,") == ("risk", "a.b.*")
    assert patterns_of("") == ("*",)
    with pytest.raises(StepError, match="'newest'"):
        versions_of("newest")


def test_the_report_counts_and_names_what_needs_a_look() -> None:
    report = Report(
        (Outcome("a", 1, "exported", size=2048), Outcome("b", None, "skipped"), Outcome("c", 3, "failed", "gone")),
        ("a v1: 403",),
        12,
        1000,
        2.0,
    )
    assert report.failures == ("c v3: gone", "exported, but not marked: a v1: 403")
    assert report.sentence() == ("1 exported, 1 skipped, 1 failed; 2.0 KiB read, 1000 B written, 12 requests in 2.0 s")
    assert in_bytes(5 * 2**40) == "5.0 TiB"


def test_progress_tells_failures_at_once_and_the_rest_now_and_then() -> None:
    said: list[str] = []
    progress = Progress(4, said.append, every=0.05)
    progress.read(3 << 20)
    progress.outcome(Outcome("a", 1, "exported"))
    progress.outcome(Outcome("b", 2, "failed", "gone"))
    progress.tick(10)
    assert said == ["b v2 failed: gone"]
    time.sleep(0.06)
    progress.tick(1 << 20)
    progress.tick(1 << 20)
    assert len(said) == 2
    assert said[1].startswith("2 of 4 versions, 1 failed; 3.0 MiB read (")
    assert "1.0 MiB written, about 0 s left" in said[1]


def test_a_pace_bounds_an_export_and_all_that_share_it() -> None:
    overall = threading.BoundedSemaphore(3)
    paces = [Pace(2, overall), Pace(2, overall)]
    lock, now, most = threading.Lock(), {"all": 0, 0: 0, 1: 0}, {"all": 0, 0: 0, 1: 0}

    def work(which: int) -> None:
        with paces[which].turn():
            with lock:
                for key in ("all", which):
                    now[key] += 1
                    most[key] = max(most[key], now[key])
            time.sleep(0.01)
            with lock:
                for key in ("all", which):
                    now[key] -= 1

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most["all"] == 3
    assert max(most[0], most[1]) <= 2
    with pytest.raises(ValueError, match="concurrency 0"):
        Pace(0)
