"""Releases and their status for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ci.release.cut import Cut
from ci.release.ledger import Release
from ci.release.rollback import Prepared
from ci.release.status import EnvironmentStatus

_STATES = {"applied": "green", "applying": "yellow", "failed": "red", "SUCCESS": "green", "FAILED": "red"}
_DRIFTS = {"yes": "red", "no": "green", "unknown": "dim"}


def status_table(found: Sequence[EnvironmentStatus]) -> Table:
    """A column an environment: what is deployed, how far behind its branch, champion, jobs and drift."""
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for status in found:
        table.add_column(status.environment, overflow="fold")
    rows: dict[str, list[Text]] = {}
    for at, status in enumerate(found):
        for name, value in _facts(status).items():
            rows.setdefault(name, [Text("")] * len(found))[at] = value
    for name, values in rows.items():
        table.add_row(Text(name, style="dim"), *values)
    return table


def cut_as_text(cut: Cut, main: str, branch: str, remote: str) -> str:
    """What was cut, or would be; then the notes."""
    release = cut.release
    how = f"fast-forward of {branch} to {main}"
    if cut.merged:
        how = f"merge of {main} into {branch} with the tree of {main}: {branch} had commits of a rollback"
    lines = [
        f"{release.tag}  {release.commit[:12]}  {how} at {remote}",
        f"evidence: {len(cut.files)} files" + (f", without {', '.join(cut.missing)}" if cut.missing else ""),
    ]
    return "\n".join([*lines, "", cut.notes])


def release_as_text(release: Release, files: Sequence[tuple[str, int]]) -> str:
    """The message of the tag, and what is attached."""
    facts = f"commit {release.commit}\nmain   {release.source}\ncut    {release.cut_at} by {release.cut_by}"
    return "\n".join([release.tag, facts, "", release.message.strip(), "", *(_file(*file) for file in files)])


def rollback_as_text(prepared: Prepared) -> str:
    """What a rollback would do, beside its plan."""
    release, journal = prepared.release, prepared.journal
    former = f"version {journal.champion_before}" if journal.champion_before else "none"
    lines = [
        f"Rollback of {journal.environment} to {release.tag}: possible, nothing was changed",
        f"  branch    {journal.before[:12]} → {journal.restored[:12]}, a further commit with the tree of {release.tag}",
        f"  champion  {former} → version {journal.champion}",
        "  hooks     none for changed code: no job is trained",
        "",
    ]
    return "\n".join(lines)


def _facts(status: EnvironmentStatus) -> dict[str, Text]:
    facts = {"branch": Text(f"{status.branch} {_short(status.tip) if status.tip else '(not at the remote)'}")}
    if status.problem:
        return facts | {"deployed": Text(status.problem, style="red")}
    deployed = status.deployed
    if deployed is None:
        facts["deployed"] = Text("nothing yet", style="dim")
    else:
        name = deployed.restores or deployed.tag
        facts |= {
            "deployed": Text(f"{_short(deployed.commit)}{_in_brackets(name, restored=bool(deployed.restores))}"),
            "state": Text(deployed.state, style=_STATES.get(deployed.state, "")),
            "digest": Text(deployed.digest[:12]),
            "since": Text(f"{deployed.at} by {deployed.by}"),
            "approved by": Text(deployed.approved_by or "–"),
            "behind": Text(_behind(status.behind)),
        }
    champion = status.champion
    made = f" of {_short(champion.commit)}" if champion and champion.commit else ""
    facts["champion"] = Text(f"version {champion.version}{made}" if champion else "none")
    for job in status.jobs:
        moment = f" {job.at}" if job.at else ""
        facts[job.job] = Text(f"{job.state}{moment}", style=_STATES.get(job.state, ""))
    drift = status.drift
    said = " ".join(part for part in (drift.drift, drift.at and f"({drift.at})", drift.detail) if part)
    return facts | {"drift": Text(said, style=_DRIFTS[drift.drift])}


def _behind(commits: int | None) -> str:
    if commits is None:
        return "unknown: the deployed commit is not in this clone"
    return "no" if commits == 0 else f"{commits} commit{'' if commits == 1 else 's'}"


def _in_brackets(name: str | None, *, restored: bool) -> str:
    return f" ({'restores ' if restored else ''}{name})" if name else ""


def _short(commit: str) -> str:
    return commit[:8]


def _file(path: str, size: int) -> str:
    return f"{size:>9}  {path}"
