"""What speaks for or against a model: verdict, quality, fairness and profile of its origin, the scan of a request.

The files are those that this platform's validation leaves on a run. Runs of other projects may have files of the same
names and another form: such a file is said to be unknown, and what every run has (its metrics) stands anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ml_code.platform.marketplace.catalogue.records import Entry, Evidence, Intake
from ml_code.platform.marketplace.catalogue.words import day, mood, size
from ml_code.platform.model_card.facts import FILES
from ml_code.platform.model_card.parts import estimate, shown
from ml_code.platform.reporting.page import Cell, Label, Part

_MOST_METRICS = 40
_MOST_FILES = 40
_Made = Callable[[Mapping[str, Any]], Iterator[Part]]


def evidence_parts(entry: Entry) -> list[Part]:
    """Tables of all that is known; empty where nothing is."""
    evidence = entry.evidence
    parts = list(_scan(entry.intake)) if entry.intake else []
    if "validation" not in evidence.results:
        parts += _verdict_of_tags({**evidence.tags, **entry.shown.tags})
    for name, make in (("validation", _validation), ("fairness", _fairness), ("profile", _profile)):
        if found := evidence.results.get(name):
            parts += _known(FILES[name], make, found)
    return parts + list(_metrics(evidence))


def _known(file: str, make: _Made, found: Mapping[str, Any]) -> list[Part]:
    try:
        return list(make(found))
    except (KeyError, TypeError, ValueError, AttributeError):
        return [Part(file, "The run has this file, but not in the form that this page knows.")]


def _validation(found: Mapping[str, Any]) -> Iterator[Part]:
    verdict, candidate = found["verdict"], found["candidate"]
    outcomes = {"met": "good", "missed": "bad"}
    rows: list[list[Cell]] = [
        [
            each["name"],
            Label(each["outcome"], outcomes.get(each["outcome"], "")),
            shown(each["value"]),
            shown(each["limit"]),
            each["words"],
        ]
        for each in verdict["findings"]
    ]
    words = f"{verdict['decision']}: {verdict['reason']}."
    yield Part(
        "Verdict of the promotion rule", words, head=("condition", "outcome", "value", "limit", "in words"), rows=rows
    )
    metrics: list[list[Cell]] = [[name, estimate(value)] for name, value in candidate["metrics"].items()]
    words = f"On {candidate['rows']} held-out rows with {candidate['positives']} outcomes; in brackets 95 % intervals."
    yield Part("Quality", words, head=("metric", "value"), rows=metrics)


def _verdict_of_tags(tags: Mapping[str, str]) -> Iterator[Part]:
    known: list[list[Cell]] = [
        [key.removeprefix("verdict_").replace("_", " "), value]
        for key, value in sorted(tags.items())
        if key == "verdict" or key.startswith(("verdict_", "gate"))
    ]
    if known:
        yield Part("Verdict of its origin", "As tags of the version tell it.", head=("what", "value"), rows=known)


def _fairness(found: Mapping[str, Any]) -> Iterator[Part]:
    rows: list[list[Cell]] = [
        [column["candidate"]["column"], name.replace("_", " "), estimate(value)]
        for column in found["columns"]
        for name, value in column["candidate"]["disparities"].items()
    ]
    if rows:
        words = "How far the groups of each sensitive column are apart; in brackets intervals."
        yield Part("Fairness", words, head=("column", "disparity", "value"), rows=rows)


def _profile(found: Mapping[str, Any]) -> Iterator[Part]:
    rows: list[list[Cell]] = [
        [f"latency of {rows} rows, ms (median; 95th percentile)", f"{taken['median']:.3g}; {taken['p95']:.3g}"]
        for rows, taken in found["latency_ms"].items()
    ]
    rows += [
        ["memory to load and predict, MB", shown(found["memory_mb"])],
        ["size on disk, MB", shown(found["size_mb"])],
        ["time to load, s", shown(found["load_seconds"])],
    ]
    yield Part("Profile", "What it costs to run, measured at its origin.", head=("what", "measured"), rows=rows)


def _metrics(evidence: Evidence) -> Iterator[Part]:
    rows: list[list[Cell]] = [[key, shown(value)] for key, value in sorted(evidence.metrics.items())[:_MOST_METRICS]]
    if rows:
        more = len(evidence.metrics) - len(rows)
        words = "Last values." + (f" {more} more are on the run." if more else "")
        yield Part("Metrics of the run", words, head=("metric", "value"), rows=rows)


def _scan(intake: Intake) -> Iterator[Part]:
    report = intake.report
    loaded = report.get("loaded") or {}
    loading = [str(loaded[key]) for key in ("state", "told") if loaded.get(key)]
    facts: list[tuple[str, Cell]] = [
        ("verdict", Label(intake.verdict, mood(intake.verdict == "accepted"))),
        ("source", f"{intake.source} at {intake.revision}"),
        ("licence", intake.licence),
        ("asked for by", intake.owner),
        ("for", intake.purpose),
        ("checked on", day(intake.checked_at)),
        ("scanner", str(report.get("scanner") or "")),
        (
            "loading in a process of its own",
            ": ".join(loading),
        ),
        ("report", str(report.get("unreadable") or "")),
    ]
    rows = [[what, value] for what, value in facts if value]
    findings = [each for each in report.get("findings") or () if isinstance(each, Mapping)]
    words = "" if findings else "; ".join(intake.reasons)
    yield Part("Check of the request", words, head=("what", "value"), rows=rows)
    if findings:
        found: list[list[Cell]] = [
            [
                Label(str(each.get("level", "")), "bad" if each.get("level") == "refused" else ""),
                *_told(each, "rule", "file", "told"),
            ]
            for each in findings
        ]
        yield Part("Findings", head=("level", "rule", "file", "what it is"), rows=found)
    files = [each for each in report.get("files") or () if isinstance(each, Mapping)]
    if files:
        listed: list[list[Cell]] = [
            [*_told(each, "path", "kind"), size(int(each.get("size") or 0)), *_told(each, "sha256")]
            for each in files[:_MOST_FILES]
        ]
        words = f"The first {_MOST_FILES} of {len(files)}." if len(files) > _MOST_FILES else ""
        yield Part("Files", words, head=("file", "what it is by its content", "size", "SHA-256"), rows=listed)


def _told(found: Mapping[str, Any], *keys: str) -> list[Cell]:
    return [str(found.get(key) or "–") for key in keys]
