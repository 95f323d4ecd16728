"""The clock goes forward only, and stays where it was put."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from infra.workspace.control.clock import Clock
from infra.workspace.store.database import Store


def test_it_stays_ahead_after_a_restart(tmp_path: Path) -> None:
    Clock(Store(tmp_path / "db")).advance(timedelta(days=3))
    again = Clock(Store(tmp_path / "db"))
    assert again.now() - Clock().now() > timedelta(days=2, hours=23)


def test_it_never_goes_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        Clock().advance(timedelta(seconds=-1))


def test_who_waits_is_woken() -> None:
    clock, stop = Clock(), threading.Event()
    came: list[bool] = []
    due = clock.now() + timedelta(hours=1)
    waiting = threading.Thread(target=lambda: came.append(clock.wait_until(due, stop)))
    waiting.start()
    clock.advance(timedelta(hours=2))
    waiting.join(timeout=5)
    assert came == [True]
