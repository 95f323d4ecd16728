"""Which copies are past their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ci.copies.find import Copy
from ci.copies.which import last_day_of_work
from infra.settings import Settings


@dataclass(frozen=True)
class Expired:
    """A copy that is to go, and why."""

    copy: Copy
    reason: str


def find_expired(
    copies: Sequence[Copy], home: Settings, today: date, at_origin: set[str] | None = None
) -> list[Expired]:
    """The copies past their day and, where origin's branches are given, those whose branch is not among them.

    A copy follows its branch without being deployed again, so a later commit moves the day that its tag says.
    """
    found = []
    for copy in copies:
        last_day = expires(copy, home)
        if last_day < today:
            found.append(Expired(copy, f"expired on {last_day.isoformat()}"))
        elif at_origin is not None and copy.branch not in at_origin:
            found.append(Expired(copy, "its branch is gone from origin"))
    return found


def expires(copy: Copy, home: Settings) -> date:
    """The copy's last day: its tag's, or a later one by the branch's last commit where this clone has the branch."""
    tip = last_day_of_work(copy.branch)
    if tip is None:
        return copy.expires
    return max(copy.expires, tip + timedelta(days=home.values.copies.expire_after_days))
