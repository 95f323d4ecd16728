"""The report for people: in a terminal and in a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ci.gate.model import Finding, GateReport
from ci.markdown import cell, clipped, details


def verdict(report: GateReport) -> str:
    """`passed`, or `refused: 2 findings`, with the number of warnings."""
    refusals, warnings = len(report.refusals), len(report.warnings)
    text = f"refused: {_counted(refusals, 'finding')}" if refusals else "passed"
    return f"{text}, {_counted(warnings, 'warning')}" if warnings else text


def as_text(report: GateReport) -> str:
    """The verdict, then each finding with what to do."""
    lines = [f"Gate for {report.purpose} of {report.commit[:8]}: {verdict(report)}", f"  {_looked_at(report)}"]
    policies = {policy.id: policy for policy in report.policies}
    for (refuses, rule), group in groupby(report.findings, lambda finding: (finding.refuses, finding.rule)):
        policy = policies[rule]
        lines += ["", f"{'✗' if refuses else '!'} {policy.name} ({rule})"]
        for finding in group:
            named = f"{finding.object}: " if finding.object else ""
            lines += [f"    {named}{finding.message}", f"      {finding.place.file}:{finding.place.line}"]
        lines += [f"    → {policy.advice}"]
    lines += ["", *(f"  {line}" for line in _let_pass(report))] if _has_passes(report) else []
    return "\n".join(lines) + "\n"


def as_markdown(report: GateReport) -> str:
    """For a comment: refusals open, warnings and what was let pass folded."""
    mark = "✅" if report.passed else "❌"
    parts = [
        f"## {mark} Gate {verdict(report)}",
        "",
        f"For {report.purpose} of `{report.commit[:8]}`. {_looked_at(report)}",
    ]
    if report.refusals:
        parts += ["", *_table(report, report.refusals)]
    if report.warnings:
        table = "\n".join(_table(report, report.warnings))
        parts += ["", details(_counted(len(report.warnings), "warning"), table)]
    if _has_passes(report):
        passes = "\n".join(f"- {cell(line)}" for line in _let_pass(report))
        parts += ["", "### Let pass", "", passes]
    return clipped("\n".join(parts) + "\n")


def _table(report: GateReport, findings: Sequence[Finding]) -> Iterator[str]:
    policies = {policy.id: policy for policy in report.policies}
    yield "| rule | object | what is wrong | where to put it right |"
    yield "|---|---|---|---|"
    for finding in findings:
        policy = policies[finding.rule]
        rule = f"{cell(policy.name)} (`{finding.rule}`)"
        named = f"`{finding.object}`" if finding.object else "–"
        place = f"`{finding.place.file}:{finding.place.line}`"
        yield f"| {rule} | {named} | {cell(finding.message)} | {place}<br>{cell(policy.advice)} |"


def _let_pass(report: GateReport) -> Iterator[str]:
    for loss in report.declared_losses:
        yield f"{loss.environment} loses {loss.address}: commit {loss.commit[:8]} says so by name"
    for used in report.exceptions_used:
        approval = f"approved by {used.approver}, until {used.until}"
        yield f"{used.finding.rule} for {used.finding.object}: {used.reason} ({approval})"


def _has_passes(report: GateReport) -> bool:
    return bool(report.declared_losses or report.exceptions_used)


def _looked_at(report: GateReport) -> str:
    return (
        f"{len(report.policies)} rules over {report.resources} resources of {len(report.stacks)} stacks"
        f" ({', '.join(report.stacks)}), {report.seconds:.1f} s"
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
