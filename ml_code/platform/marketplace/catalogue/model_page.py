"""The page of one model: what it is, where it comes from, who may use it and does, what speaks for or against it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ml_code.platform.marketplace.catalogue.evidence_parts import evidence_parts
from ml_code.platform.marketplace.catalogue.records import RECENT, Approval, Catalogue, Entry, Evidence
from ml_code.platform.marketplace.catalogue.tables import short
from ml_code.platform.marketplace.catalogue.usage import usage
from ml_code.platform.marketplace.catalogue.words import (
    day,
    first_sentence,
    mood,
    number,
    plain_description,
    plural,
    size,
    version_name,
)
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.reporting.page import Card, Cell, Label, Link, Page, Part, Section

_MOST_TAGS = 60
_NAMED = 3


def model_page(entry: Entry, catalogue: Catalogue, up: str, made_by: str) -> Page:
    """The page; `up` leads to the catalogue."""
    return Page(
        title=short(entry.name),
        subtitle=first_sentence(entry.description or entry.shown.description) or entry.name,
        footer=made_by,
        up=Link("Model marketplace", up),
        cards=_cards(entry, catalogue),
        sections=[
            _about(entry),
            _origin(entry),
            _versions(entry),
            _approvals(entry, catalogue),
            _evidence(entry),
            _card(entry.evidence),
            usage(entry, catalogue.date),
            _how_to_get(entry, catalogue),
        ],
    )


def _cards(entry: Entry, catalogue: Catalogue) -> list[Card]:
    shown, popular, approved = entry.shown, entry.popularity(catalogue.date), entry.approved(catalogue.date)
    came = f"version {shown.version} of {shown.workspace}" if shown.workspace else "made at the hub"
    more = f" and {len(approved) - _NAMED} more" if len(approved) > _NAMED else ""
    users = ", ".join(each.principal for each in approved[:_NAMED]) + more
    ends = sorted(each.until for each in approved if each.until)
    verdict = shown.verdict or entry.evidence.tags.get("verdict", "")
    reason = shown.tags.get("verdict_reason") or entry.evidence.tags.get("verdict_reason", "")
    judged = Card("Verdict of its origin", verdict or "none", reason, mood(verdict != "refuse") if verdict else "")
    if entry.intake:
        judged = Card("Check of the request", entry.intake.verdict, "", mood(entry.intake.verdict == "accepted"))
    return [
        Card("Version", version_name(shown), came),
        Card("May be used by", users or "nobody yet", f"the first approval ends {day(ends[0])}" if ends else ""),
        judged,
        Card(f"Uses in {RECENT} days", number(popular.uses), f"by {plural(popular.workspaces, 'workspace')}"),
    ]


def _about(entry: Entry) -> Section:
    shown, evidence = entry.shown, entry.evidence
    described = plain_description(entry.description)
    of_version = plain_description(shown.description)
    parts = [Part("The model", described)] if described else []
    if of_version and of_version != described:
        parts.append(Part(f"Version {shown.number}", of_version))
    rows = [
        ("registered in the hub as", entry.name),
        ("flavours", ", ".join(evidence.flavors)),
        ("size", f"{size(evidence.size)} in {plural(evidence.files, 'file')}" if evidence.files else ""),
        ("takes", _columns(evidence.signature, "inputs")),
        ("gives", _columns(evidence.signature, "outputs")),
    ]
    parts.append(_facts("What it is", rows))
    if evidence.readme and not evidence.card:
        parts.append(Part("What its makers say", "README.md, as it came with the model.", code=evidence.readme))
    return Section("about", "About", "" if described or of_version else "Its owner has not described it.", parts)


def _columns(signature: Mapping[str, Any] | None, side: str) -> str:
    """The columns of a signature: MLflow keeps each side as a list or as the JSON text of one."""
    found = (signature or {}).get(side)
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return found
    if not isinstance(found, list):
        return ""
    columns = [each for each in found if isinstance(each, Mapping)]
    return ", ".join(" ".join(str(each[key]) for key in ("name", "type") if each.get(key)) for each in columns)


def _origin(entry: Entry) -> Section:
    shown, evidence = entry.shown, entry.evidence
    if not shown.workspace:
        return Section("origin", "Origin", "This version was not brought by the marketplace: it has no tags of origin.")
    tags = {key: value for key, value in shown.tags.items() if not key.startswith("marketplace.")}
    rows = [
        ("workspace", f"{shown.workspace} ({evidence.host})" if evidence.host else shown.workspace),
        ("model and version there", f"{shown.model} v{shown.version}"),
        ("run that made it", evidence.run_id),
        ("by", evidence.user),
        ("exported with MLflow", evidence.mlflow),
        *((key.replace("_", " "), _told(value)) for key, value in evidence.lineage.items() if value),
        ("data", ", ".join(_dataset(each) for each in evidence.inputs)),
        ("manifest in the archive", evidence.manifest),
        ("SHA-256 of its content", shown.tags.get(marks.CONTENT, "")),
    ]
    parts = [_facts("", rows)]
    if tags:
        listed = sorted(tags.items())[:_MOST_TAGS]
        parts.append(_facts("Tags of the version", listed))
    if evidence.notes:
        noted: list[list[Cell]] = [[note] for note in evidence.notes]
        parts.append(Part("Noted", "What could not be brought or shown.", head=("note",), rows=noted))
    words = f"What the export of {shown.workspace} recorded of v{shown.number}, verified by its sums."
    return Section("origin", "Origin", words, parts)


def _versions(entry: Entry) -> Section:
    head = ("version", "aliases and stage", "from", "brought on", "verdict", "description")
    rows: list[list[Cell]] = [
        [
            f"v{each.number}",
            ", ".join([*each.aliases, *([each.stage] if each.stage not in ("", "None") else [])]) or "–",
            f"{each.workspace} v{each.version}" if each.workspace else "–",
            day(each.created),
            Label(each.verdict, mood(each.verdict != "refuse")) if each.verdict else "–",
            first_sentence(each.description),
        ]
        for each in entry.versions
    ]
    return Section("versions", "Versions", "Newest first.", [Part(head=head, rows=rows)])


def _approvals(entry: Entry, catalogue: Catalogue) -> Section:
    if not entry.approvals:
        words = "Nobody may use it yet. How to have it approved stands under How to get it."
        return Section("approvals", "Approvals", words)
    head = ("who may use it", "state", "where", "until", "approved by", "reason", "applied", "commit")
    rows: list[list[Cell]] = [
        [
            each.principal,
            _state(each, catalogue.date),
            _where(each) if each.holds(catalogue.date) else "–",
            day(each.until),
            each.approved_by or "–",
            each.reason + (f" (could not be changed since: {each.problem})" if each.problem else ""),
            day(each.applied_at),
            each.commit[:10],
        ]
        for each in sorted(entry.approvals, key=lambda each: (not each.holds(catalogue.date), each.principal))
    ]
    words = "As they were applied to the hub, ended ones too. The approvals of the repository are what counts."
    return Section("approvals", "Approvals", words, [Part(head=head, rows=rows)])


def _state(approval: Approval, date: datetime.date) -> Label:
    if approval.holds(date):
        return Label("approved", "good")
    return Label("failed" if approval.problem else "ended", "bad" if approval.problem else "")


def _where(approval: Approval) -> str:
    return "at the hub" + (f", brought to {', '.join(approval.workspaces)}" if approval.workspaces else "")


def _evidence(entry: Entry) -> Section:
    parts = evidence_parts(entry)
    if not parts:
        return Section("evidence", "Risk evidence", "Its origin has left nothing that it could be judged by.")
    return Section(
        "evidence", "Risk evidence", "What validation at its origin and the marketplace's checks found.", parts
    )


def _card(evidence: Evidence) -> Section:
    if not evidence.card:
        return Section("card", "Model card", "Its run has no model card (model_card/card.html).")
    words = "As its origin wrote it. It is shown in a frame of its own, where it runs nothing."
    return Section("card", "Model card", words, [Part("", document=evidence.card)])


def _how_to_get(entry: Entry, catalogue: Catalogue) -> Section:
    name, shown = short(entry.name), entry.shown
    approve = (
        f"- model: {name}\n  principals: [your-group]\n  workspaces: [your-workspace]\n  until: YYYY-MM-DD\n"
        "  approved_by: who.answers@example.com\n  reason: what it is for and what speaks for it"
    )
    wanted = f"wanted:\n  - {{model: {name}}}   # the approved champion; version, name and deploy say more"
    bring = f"branchline marketplace bring {name} --workspace your-workspace"
    load = f'import mlflow\n\nmodel = mlflow.pyfunc.load_model("models:/{entry.name}/{shown.number}")'
    return Section(
        "get",
        "How to get it",
        "An approval comes first; it is a pull request, and the merge applies it.",
        [
            Part("1. Have it approved", "An entry in ml_code/marketplace/approvals.yaml:", code=approve),
            Part(
                "2. Bring it to your workspace",
                "An entry of your workspace in infra/settings/marketplace.yaml, which the next daily run follows:",
                code=wanted,
            ),
            Part(
                "Or at once",
                "From a checkout:",
                code=bring,
            ),
            Part("Or use it at the hub", "With an approval, from code that reaches the hub's registry:", code=load),
        ],
    )


def _facts(title: str, rows: Sequence[tuple[str, str]]) -> Part:
    known: list[list[Cell]] = [[what, value] for what, value in rows if value]
    return Part(title, head=("what", "value"), rows=known)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(item)}" for key, item in value.items() if item)
    if isinstance(value, list | tuple):
        return ", ".join(_told(item) for item in value)
    return str(value)


def _dataset(found: Mapping[str, Any]) -> str:
    return " ".join(str(found[key]) for key in ("name", "digest") if found.get(key))
