"""The catalogue's front page: every model, the most used first, and a search over all that stands in the table."""

from __future__ import annotations

from collections.abc import Mapping

from ml_code.platform.marketplace.catalogue.records import RECENT, Approval, Catalogue, Entry, Intake
from ml_code.platform.marketplace.catalogue.tables import short
from ml_code.platform.marketplace.catalogue.words import first_sentence, flavours, mood, number, plural, version_name
from ml_code.platform.reporting.page import Card, Cell, Label, Link, Page, Part, Section

_MODELS_HEAD = (
    "model",
    "what it is",
    "from",
    "version",
    "flavour",
    "verdict",
    "may be used by",
    "using workspaces",
    "uses",
)


def front_page(catalogue: Catalogue, address: Mapping[str, str], made_by: str) -> Page:
    """The page; `address` has each model's page."""
    return Page(
        title="Model marketplace",
        subtitle=f"{catalogue.hub}, as of {catalogue.date:%-d %B %Y}",
        footer=made_by,
        cards=_cards(catalogue),
        sections=[_models(catalogue, address), _requests(catalogue), _refusals(catalogue)],
    )


def _cards(catalogue: Catalogue) -> list[Card]:
    entries = catalogue.entries
    origins = {version.workspace for entry in entries for version in entry.versions if version.workspace}
    approved = sum(1 for entry in entries if entry.approved(catalogue.date))
    counted = [entry.popularity(catalogue.date) for entry in entries]
    versions = sum(len(entry.versions) for entry in entries)
    problems = sum(1 for entry in entries for approval in entry.approvals if approval.problem)
    note = f"{plural(problems, 'approval')} could not be applied" if problems else f"of {plural(len(entries), 'model')}"
    refused = len(catalogue.refusals)
    return [
        Card("Models", number(len(entries)), f"{plural(versions, 'version')} from {plural(len(origins), 'workspace')}"),
        Card("Approved for use", number(approved), note, "bad" if problems else ""),
        Card("Uses", number(sum(each.uses for each in counted)), f"in the last {RECENT} days"),
        Card(
            "Not taken by the last import",
            number(refused),
            "reasons below" if refused else "",
            "bad" if refused else "",
        ),
    ]


def _models(catalogue: Catalogue, address: Mapping[str, str]) -> Section:
    if not catalogue.entries:
        return Section("models", "Models", "The hub has no models yet: they come with the first import.")
    words = (
        f"The most used first, by consuming workspaces and uses of the last {RECENT} days. The search looks at all "
        "that stands in a row: names, origins, flavours, who may use it."
    )
    rows = [_model_row(entry, catalogue, address[entry.name]) for entry in catalogue.by_popularity()]
    return Section("models", "Models", words, [Part(head=_MODELS_HEAD, rows=rows, search="Search models")])


def _model_row(entry: Entry, catalogue: Catalogue, address: str) -> list[Cell]:
    shown, popular = entry.shown, entry.popularity(catalogue.date)
    return [
        Link(short(entry.name), address),
        first_sentence(entry.description or shown.description),
        shown.workspace or "–",
        version_name(shown),
        flavours(entry.evidence.flavors) or "–",
        _verdict(entry),
        _principals(entry.approved(catalogue.date)),
        number(popular.workspaces),
        number(popular.uses),
    ]


def _verdict(entry: Entry) -> Cell:
    found = entry.shown.verdict or entry.evidence.tags.get("verdict", "")
    if found:
        return Label(found, mood(found != "refuse"))
    return Label(f"scan: {entry.intake.verdict}", mood(entry.intake.verdict == "accepted")) if entry.intake else "–"


def _principals(approvals: list[Approval]) -> Cell:
    if not approvals:
        return Label("nobody yet")
    workspaces = sorted({workspace for approval in approvals for workspace in approval.workspaces})
    where = f" (brought to {', '.join(workspaces)})" if workspaces else ""
    return ", ".join(approval.principal for approval in approvals) + where


def _requests(catalogue: Catalogue) -> Section:
    latest: dict[str, Intake] = {}
    for intake in catalogue.intakes:
        latest.setdefault(intake.request, intake)
    if not latest:
        return Section("requests", "Requests for models from outside", "Nobody has asked for one yet.")
    head = ("request", "source", "licence", "purpose", "owner", "check", "what it found")
    rows: list[list[Cell]] = [
        [
            each.request,
            f"{each.source} at {each.revision[:12]}",
            each.licence,
            each.purpose,
            each.owner,
            Label(each.verdict, mood(each.verdict == "accepted")),
            "; ".join(each.reasons) or "nothing against it",
        ]
        for _, each in sorted(latest.items())
    ]
    words = "What the check of each request's pinned revision found last. An accepted one comes with the next import."
    return Section("requests", "Requests for models from outside", words, [Part(head=head, rows=rows)])


def _refusals(catalogue: Catalogue) -> Section:
    if not catalogue.refusals:
        return Section(
            "refusals", "Not taken by the last import", "It took or already had everything that was exported."
        )
    head = ("workspace", "model", "version", "outcome", "reason")
    rows: list[list[Cell]] = [
        [each.workspace, each.model, str(each.version or "–"), Label(each.status, "bad"), each.reason]
        for each in catalogue.refusals
    ]
    words = "Exported versions that the hub refused or failed to bring in, each with its reason."
    return Section("refusals", "Not taken by the last import", words, [Part(head=head, rows=rows)])
