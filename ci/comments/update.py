"""One comment a pull request: found by a mark in its first line, and updated."""

from __future__ import annotations

from collections.abc import Sequence

from ci.comments.forge import Forge
from ci.markdown import LONGEST_COMMENT, clipped


def mark(name: str) -> str:
    """The first line of a comment of ours; nobody sees it."""
    return f"<!-- branchline:{name} -->"


def body(name: str, parts: Sequence[str]) -> str:
    """The comment's text: each part gets its share of the room, so that a long one does not push others out."""
    room = LONGEST_COMMENT - len(mark(name)) - 200
    left, texts = room, [""] * len(parts)
    # Shortest first: what a short part does not need is the longer ones'.
    for done, index in enumerate(sorted(range(len(parts)), key=lambda each: len(parts[each]))):
        texts[index] = clipped(parts[index].strip(), left // (len(parts) - done))
        left -= len(texts[index])
    return "\n\n".join([mark(name), *texts]) + "\n"


def update(forge: Forge, name: str, parts: Sequence[str]) -> bool:
    """Writes the comment, or rewrites the first that bears the mark; whether it was there already.

    Raises Trouble if the forge refuses.
    """
    text = body(name, parts)
    mine = next((comment for comment in forge.comments() if comment.text.startswith(mark(name))), None)
    if mine is None:
        forge.add(text)
    elif mine.text.strip() != text.strip():
        forge.replace(mine, text)
    return mine is not None
