"""Who uses a model, and how much."""

from __future__ import annotations

import datetime
from collections import Counter

from ml_code.platform.marketplace.catalogue.records import KINDS, RECENT, Entry, Use
from ml_code.platform.marketplace.catalogue.words import day, number, plural
from ml_code.platform.reporting.page import Bar, Cell, Part, Section

_LATEST = 12
_WEEKS = 26


def usage(entry: Entry, date: datetime.date) -> Section:
    """By week, by consumer, and the latest ones."""
    if not entry.uses:
        return Section("uses", "Uses and popularity", "Nobody has brought or used it yet.")
    popular = entry.popularity(date)
    words = (
        f"In the last {RECENT} days {plural(popular.workspaces, 'workspace')} used it {plural(popular.uses, 'time')}, "
        f"for {plural(popular.rows, 'row')} or requests. A use: it was brought, a job scored, or an endpoint answered."
    )
    parts = [_weeks(entry, date), _consumers(entry), _latest(entry)]
    return Section("uses", "Uses and popularity", words, parts)


def _weeks(entry: Entry, date: datetime.date) -> Part:
    """Uses by week and kind, the latest first: every week from the first use on, at most half a year."""
    counted = Counter((_monday(use.used_at.date()), use.kind) for use in entry.uses)
    now = _monday(date)
    first = max(min(week for week, _ in counted), now - datetime.timedelta(weeks=_WEEKS - 1))
    weeks = [now - datetime.timedelta(weeks=back) for back in range((now - first).days // 7 + 1)]
    totals = {week: sum(counted[week, kind] for kind in KINDS) for week in weeks}
    most = max(totals.values(), default=0) or 1
    rows: list[list[Cell]] = [
        [day(week), Bar(number(totals[week]), totals[week] / most), *(number(counted[week, kind]) for kind in KINDS)]
        for week in weeks
    ]
    return Part("By week", head=("week of", "uses", *KINDS), rows=rows)


def _consumers(entry: Entry) -> Part:
    by_workspace: dict[str, list[Use]] = {}
    for use in entry.uses:
        by_workspace.setdefault(use.workspace, []).append(use)
    rows: list[list[Cell]] = [
        [
            workspace,
            number(len(uses)),
            ", ".join(f"{kind} {number(count)}" for kind, count in sorted(Counter(use.kind for use in uses).items())),
            number(sum(use.count for use in uses if use.kind != "brought")),
            f"v{max(uses, key=lambda use: use.used_at).version}",
            day(max(use.used_at for use in uses)),
        ]
        for workspace, uses in sorted(by_workspace.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]
    head = ("workspace", "uses", "of what kind", "rows or requests", "version used last", "last used")
    return Part("By workspace", "Since it is in the marketplace.", head=head, rows=rows)


def _latest(entry: Entry) -> Part:
    head = ("when (UTC)", "workspace", "kind", "version", "by", "rows or requests")
    rows: list[list[Cell]] = [
        [f"{use.used_at:%Y-%m-%d %H:%M}", use.workspace, use.kind, f"v{use.version}", use.principal, number(use.count)]
        for use in sorted(entry.uses, key=lambda use: use.used_at, reverse=True)[:_LATEST]
    ]
    return Part("Latest", head=head, rows=rows)


def _monday(date: datetime.date) -> datetime.date:
    return date - datetime.timedelta(days=date.weekday())
