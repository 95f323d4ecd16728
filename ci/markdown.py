"""Pieces of GitHub-flavoured Markdown; what they hold cannot break out of them."""

from __future__ import annotations

import html
import re

LONGEST_COMMENT = 60_000
"""Characters; GitHub takes 65,536, Azure Repos 150,000."""

_FENCE = re.compile(r"`{3,}")


def cell(text: str) -> str:
    """Text in a table's cell: one line, no markup of its own."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|").replace("`", "\\`")


def fenced(text: str, language: str = "") -> str:
    """A block of code; its fence is longer than any in the text."""
    longest = max((len(found) for found in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def details(summary: str, content: str) -> str:
    """Folded away behind its summary."""
    return f"<details><summary>{html.escape(summary, quote=False)}</summary>\n\n{content}\n\n</details>"


def clipped(text: str, longest: int = LONGEST_COMMENT) -> str:
    """The text, or its beginning with open blocks closed and a note of what is left out."""
    if len(text) <= longest:
        return text
    kept = text[:longest].rpartition("\n")[0]
    fences = re.findall(r"^(`{3,})", kept, re.MULTILINE)
    closing = [fences[-1]] if len(fences) % 2 else []
    closing += ["", "</details>"] * (kept.count("<details>") - kept.count("</details>"))
    note = f"*{len(text) - len(kept)} characters more are left out: the whole is with the run's files.*"
    return "\n".join([kept, *closing, "", note, ""])
