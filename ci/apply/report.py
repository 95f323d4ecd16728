"""What a deployment did and why, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ci import console
from ci.apply.parts import Part
from ci.deployments.record import Deployment, HookResult
from ci.markdown import cell, clipped, fenced
from ci.plan.model import Frozen

_SHOWN_LEFT = 10
_SIGNS = {"succeeded": "✓", "failed": "✗", "pending": "…", "skipped": "–"}


class Report(Frozen):
    """A deployment with the reasons for what it touched, and what an interrupted one before it had left."""

    deployment: Deployment
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        """`staging: applied, hook train failed`."""
        found = self.deployment
        ended = [f"hook {hook.name} {hook.state}" for hook in found.hooks if hook.state in ("failed", "pending")]
        return ", ".join([f"{found.environment}: {found.state}", *ended])


def report_as_json(report: Report) -> str:
    """Everything, the approved changes among it."""
    return json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def report_as_text(report: Report) -> str:
    """For a terminal or a log."""
    found = report.deployment
    lines = [f"{report.headline} ({found.id}, {console.duration(report.seconds)})"]
    lines += [f"  {note}" for note in report.notes]
    width = max(len(part.name) for part in report.parts)
    lines += [f"  {part.name:<{width}}  {part.state:<9}  {part.why}" for part in report.parts]
    lines += [f"  hook {hook.name}: {_hook_in_words(hook)}" for hook in found.hooks]
    lines += [f"  {line}" for line in _facts(found)]
    lines += [f"  not applied: {line}" for line in _left(found)]
    if found.problem:
        lines += ["", found.problem]
    return "\n".join([*lines, ""])


def report_as_markdown(report: Report) -> str:
    """For a pull request or a pipeline's summary."""
    found = report.deployment
    lines = [f"## {cell(report.headline)}", ""]
    lines += [f"> {cell(note)}\n" for note in report.notes]
    lines += ["| part | | why |", "|---|---|---|"]
    lines += [f"| {cell(part.name)} | {part.state} | {cell(part.why)} |" for part in report.parts]
    if found.hooks:
        lines += ["", "| hook | | |", "|---|---|---|"]
        lines += [f"| {cell(hook.name)} | {hook.state} | {cell(_words_of(hook))} |" for hook in found.hooks]
    lines += ["", *(f"- {cell(fact)}" for fact in _facts(found)), *(f"- not applied: {cell(x)}" for x in _left(found))]
    if found.problem:
        lines += ["", fenced(found.problem)]
    return clipped("\n".join([*lines, ""]))


def _facts(found: Deployment) -> Iterator[str]:
    where = f" on {found.branch}" if found.branch else ""
    yield f"commit {found.commit[:12]}{where}, deployed digest {found.digest[:12]}, as {found.by}"
    if found.approved_by:
        yield f"plan {found.plan_digest[:12]} approved by {found.approved_by}; author: {found.author or 'not named'}"
    if found.champion_before != found.champion_after:
        yield f"champion: {found.champion_before or 'none'} → {found.champion_after or 'none'}"


def _left(found: Deployment) -> list[str]:
    more = len(found.left) - _SHOWN_LEFT
    return [*found.left[:_SHOWN_LEFT], *([f"… and {more} more"] if more > 0 else [])]


def _hook_in_words(hook: HookResult) -> str:
    message = "\n    ".join(_words_of(hook).splitlines())
    return f"{_SIGNS[hook.state]} {hook.state}; {message}"


def _words_of(hook: HookResult) -> str:
    return f"{hook.reason}; {hook.message}" if hook.message else hook.reason
