"""The summary for a pull request's comment, in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ci.rehearsal import words
from ci.rehearsal.model import ModelPair, Rehearsal, Verdict

LONGEST = 60_000
"""Characters; GitHub takes 65,536 in a comment."""

_MARKS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.BASE_FAILED: "⚠️"}
_FIELDS = 12
# What means something in running text: emphasis, code, tables, links and images, references, addresses.
_SPECIAL = re.compile(r"([\\`*_#|~$]|\](?=[(\[:])|:(?=//)|(?<=www)\.)", re.IGNORECASE)


def markdown(found: Rehearsal) -> str:
    """The verdict, then what stands behind it; cut with a note where it is too long for a comment."""
    text = "\n".join(_lines(found)).rstrip() + "\n"
    if len(text) <= LONGEST:
        return text
    cut = text[:LONGEST].rpartition("\n")[0]
    fence = "\n```" if cut.count("\n```") % 2 else ""
    return f"{cut}{fence}\n\n… cut here: the page and the JSON have all of it.\n"


def _lines(found: Rehearsal) -> Iterator[str]:
    yield f"{_MARKS[found.verdict]} **{words.title(found)}** · {found.environment} · {_verdict(found)}"
    yield ""
    base = f"{_name(words.revision(found.base))} {_commit(found.base.sha)}".strip()
    change = f"{_commit(found.change.sha)} {_text(found.change.subject)}"
    yield f"{change} over {base}, in a local workspace, in {words.seconds(found.seconds)}."
    for problem in found.problems:
        yield from ("", f"### {problem.side}: {_text(problem.step)} failed", "", *_code(problem.reason))
        if problem.log:
            yield from ("", "<details><summary>the end of its log</summary>", "", *_code(problem.log), "", "</details>")
    if found.update:
        yield from ("", "### Update", "", f"{words.capital(words.update_in_words(found))}.{_settled(found)}", "")
        yield from _changes(found)
    for pair in found.models:
        yield from _model(pair)
    if found.tables:
        yield from ("", "### Tables", "", f"{words.tables_in_words(found)}.", "", *_tables(found))
    if found.jobs:
        yield from ("", "### Durations", "", *_durations(found))
    if found.notes:
        yield from ("", "### Notes", "", *(f"- {_text(note)}" for note in found.notes))


def _verdict(found: Rehearsal) -> str:
    if found.problems:
        return "; ".join(_text(problem.step) for problem in found.problems) + " failed"
    models = [f"{_name(pair.name)} {_text(words.model_in_words(pair))}" for pair in found.models]
    return "; ".join([words.update_in_words(found), *models, words.tables_in_words(found)])


def _settled(found: Rehearsal) -> str:
    if found.settled is None:
        return ""
    return " A second plan is empty." if found.settled else " **A second plan is not empty: it would change again.**"


def _changes(found: Rehearsal) -> Iterator[str]:
    if not found.changes:
        return
    yield from _table_head("object", "stack", "what", "fields")
    for stack, change in found.changes:
        # A new object's fields are all of it: the page has them.
        told = [words.field_change(field) for field in change.fields[:_FIELDS]] if change.action != "create" else []
        more = [f"… {len(change.fields) - _FIELDS} more"] if told and len(change.fields) > _FIELDS else []
        fields = "<br>".join([*map(_name, told), *more])
        action = words.done(change.action)
        bold = f"**{action}**" if (stack, change) in found.destroyed else action
        yield _row(_name(change.address), _name(stack), bold, fields)


def _model(pair: ModelPair) -> Iterator[str]:
    yield from ("", f"### Model {_name(pair.name)}", "")
    yield f"{words.capital(_text(words.model_in_words(pair)))}."
    if pair.reason:
        yield f"{words.capital(_text(pair.reason))}."
    names = dict.fromkeys([*_metrics(pair, "challenger"), *_metrics(pair, "champion")])
    if not names:
        return
    yield from ("", *_table_head("metric", "challenger", "champion", right=(1, 2)))
    for name in names:
        both = (side.metrics.get(name) if side else None for side in (pair.challenger, pair.champion))
        yield _row(_name(name), *(words.estimate(each) for each in both))
    yield from ("", _text(" ".join(words.judgement(pair))))


def _metrics(pair: ModelPair, side: str) -> Sequence[str]:
    measured = getattr(pair, side)
    return list(measured.metrics) if measured else []


def _tables(found: Rehearsal) -> Iterator[str]:
    yield from _table_head("table", "columns", "rows", "", "Delta version", right=(2, 3, 4))
    for pair in found.tables:
        columns = [_name(words.column_change(change)) for change in pair.column_changes()]
        yield _row(
            _name(pair.name),
            "<br>".join(part for part in (*columns, words.table_state(pair)) if part),
            words.rows(pair),
            words.signed(pair.row_change),
            words.versions(pair),
        )


def _durations(found: Rehearsal) -> Iterator[str]:
    yield from _table_head("job or task", "base", "change", right=(1, 2))
    for pair in found.jobs:
        yield _row(f"**{_name(pair.name)}**", _text(words.took(pair.before)), _text(words.took(pair.after)))
        for key, before, after in pair.tasks():
            both = (words.seconds(task.seconds if task else None) for task in (before, after))
            yield _row(f"&nbsp;&nbsp;{_name(key)}", *both)


def _table_head(*headings: str, right: Sequence[int] = ()) -> Iterator[str]:
    yield _row(*headings)
    yield _row(*("---:" if index in right else "---" for index in range(len(headings))))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _commit(sha: str) -> str:
    return f"`{words.short(sha)}`"


def _text(given: str) -> str:
    """Text that shows as it is: no markup, link, mention, image or new line of its own."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(words.visible(given).split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _name(given: str) -> str:
    """A name or a value as code on one line, where nothing in it means anything."""
    plain = " ".join(words.visible(given).replace("`", "'").split()).replace("|", "\\|")
    return f"`{plain}`" if plain else ""


def _code(given: str) -> Iterator[str]:
    """A block that no text can leave: its fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", given)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", words.visible(given).strip(), fence)
