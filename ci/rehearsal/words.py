"""How the findings are worded, for both forms of the report."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ci.console import duration
from ci.plan.model import Action, FieldChange
from ci.rehearsal.model import Column, ColumnChange, Commit, Estimate, JobRun, ModelPair, Rehearsal, TablePair, Verdict

_TITLES = {
    Verdict.PASSED: "Rehearsal passed",
    Verdict.FAILED: "The change fails its rehearsal",
    Verdict.BASE_FAILED: "Nothing is known of the change: its base fails",
}
_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated in place",
    Action.REPLACE: "replaced",
    Action.DESTROY: "destroyed",
    Action.IMPORT: "imported",
    Action.FORGET: "no longer managed",
}
_DECISIONS = {"promote": "promoted", "refuse": "refused", "unchanged": "unchanged"}
_LONGEST_VALUE = 120


def title(found: Rehearsal) -> str:
    """The verdict in a few words."""
    return _TITLES[found.verdict]


def visible(text: str) -> str:
    """The text without what could hide or move other text: control characters, and those that turn its direction."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def short(sha: str) -> str:
    """A commit as people write it."""
    return sha[:8]


def revision(commit: Commit) -> str:
    """What the commit was asked for as, where that says more than its hash."""
    return "" if commit.sha.startswith(commit.revision) else commit.revision


def done(action: Action) -> str:
    """What became of an object."""
    return _DONE[action]


def update_in_words(found: Rehearsal) -> str:
    """`2 updated in place, 1 replaced`, or `1 created, nothing destroyed`."""
    if not found.update:
        return "not deployed"
    counted = Counter(change.action for _, change in found.changes)
    parts = [f"{counted[action]} {word}" for action, word in _DONE.items() if counted[action]]
    told = ", ".join(parts) or "no object changed"
    return told if found.destroyed else f"{told}, nothing destroyed"


def model_in_words(pair: ModelPair) -> str:
    """`version 2 refused: auc 0.615 [0.509, 0.746] against 0.615 [0.509, 0.746] of champion v1`."""
    if pair.challenger is None:
        champion = f"champion v{pair.champion.version} stays" if pair.champion else "no champion"
        return f"no new version, {champion}"
    text = f"version {pair.challenger.version} {decision(pair)}"
    metric = pair.metric or ""
    if metric in pair.challenger.metrics:
        text += f": {metric} {estimate(pair.challenger.metrics[metric])}"
    if pair.champion and metric in pair.champion.metrics:
        text += f" against {estimate(pair.champion.metrics[metric])} of champion v{pair.champion.version}"
    return text


def decision(pair: ModelPair) -> str:
    """What the promotion rule did with the challenger."""
    return _DECISIONS.get(pair.decision or "", "without a verdict")


def judgement(pair: ModelPair) -> list[str]:
    """The numbers behind the decision, a sentence each."""
    told = []
    if pair.rows is not None:
        told.append(f"{number(pair.rows)} held-out rows with {number(pair.outcomes)} outcomes.")
    if pair.difference and pair.metric:
        told.append(f"Difference in {pair.metric}, challenger less champion: {estimate(pair.difference)}.")
    limits = [("threshold", pair.threshold), ("floor", pair.floor)]
    if given := [f"{name} {limit:g}" for name, limit in limits if limit is not None]:
        told.append(f"{capital(', '.join(given))}.")
    if pair.champion_after:
        told.append(f"Champion in the end: version {pair.champion_after}.")
    return told


def tables_in_words(found: Rehearsal) -> str:
    """`6 tables: 1 with other columns, 2 with other rows`."""
    counted = {
        "new": sum(pair.before is None for pair in found.tables),
        "gone": sum(pair.after is None for pair in found.tables),
        "dropped and made anew": sum(pair.made_anew for pair in found.tables),
        "with other columns": sum(bool(pair.column_changes()) for pair in found.tables),
        "with more or fewer rows": sum(bool(pair.row_change) for pair in found.tables),
    }
    parts = [f"{count} {word}" for word, count in counted.items() if count]
    tables = f"{len(found.tables)} {'table' if len(found.tables) == 1 else 'tables'}"
    return f"{tables}: {', '.join(parts) or 'none changed'}"


def versions(pair: TablePair) -> str:
    """A table's Delta versions, one where both are the same."""
    return _both(*(number(side.version if side else None) for side in (pair.before, pair.after)))


def rows(pair: TablePair) -> str:
    """A table's rows, one number where both are the same."""
    return _both(*(number(side.rows if side else None) for side in (pair.before, pair.after)))


def table_state(pair: TablePair) -> str:
    """What became of a table's columns."""
    if pair.before is None:
        return "new"
    if pair.after is None:
        return "gone"
    if pair.made_anew:
        return "dropped and made anew"
    return "" if pair.column_changes() else "same columns"


def column_change(change: ColumnChange) -> str:
    """`+ visits double`, `- visits double`, `visits: int → double`."""
    if change.before is None and change.after is not None:
        return f"+ {change.name} {column_type(change.after)}"
    if change.after is None and change.before is not None:
        return f"- {change.name} {column_type(change.before)}"
    before, after = (column_type(each) if each else "" for each in (change.before, change.after))
    return f"{change.name}: {before} → {after}"


def column_type(column: Column) -> str:
    """The type, and whether the column must have a value."""
    return column.type if column.nullable else f"{column.type} NOT NULL"


def field_change(change: FieldChange) -> str:
    """`timeout_seconds: 7200 → 3600`."""
    forced = " (forces replacement)" if change.forces_replacement else ""
    return f"{change.path}: {value(change.before)} → {value(change.after)}{forced}"


def value(given: Any) -> str:
    """A value of a plan on one line, cut where it is long."""
    text = given if isinstance(given, str) else "–" if given is None else json.dumps(given, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def estimate(given: Estimate | None) -> str:
    """`0.615 [0.509, 0.746]`."""
    if given is None:
        return "–"
    interval = "" if given.low is None or given.high is None else f" [{given.low:.3f}, {given.high:.3f}]"
    return f"{given.value:.3f}{interval}"


def number(given: int | None) -> str:
    """A count with its thousands apart."""
    return "–" if given is None else f"{given:,}"


def signed(given: int | None) -> str:
    """A difference of counts; nothing where there is none."""
    return f"{given:+,}" if given else ""


def took(run: JobRun | None) -> str:
    """A run's time, and its state unless it succeeded."""
    if run is None:
        return "–"
    return seconds(run.seconds) + ("" if run.succeeded else f" {run.state}")


def seconds(given: float | None) -> str:
    """A duration; a dash where there is none."""
    return "–" if given is None else duration(given)


def capital(text: str) -> str:
    """With a capital at its start."""
    return text[:1].upper() + text[1:]


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
