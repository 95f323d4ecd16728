"""Names for a feature branch's copy: readable, short, and never the same for two branches."""

import hashlib
import re

LONGEST = 40
"""Characters of a slug; job and cluster names stay readable, schema names far below their limit of 255."""

_PLAIN = re.compile(r"[a-z0-9]+/[a-z0-9]+(-[a-z0-9]+)*")
_LOOKS_HASHED = re.compile(r"-[0-9a-f]{8}$")


def branch_slug(branch: str) -> str:
    """`feature/x` becomes `feature-x`: lower-case letters, digits and single dashes, a letter first, at most 40.

    The usual form (one word, a slash, words joined by dashes) keeps its words and can be read back, so two such
    branches never meet. Any other branch (upper case, underscores, more slashes, too long, …) loses something on
    the way, so it gets a hash of its full name.
    """
    words = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    if words[:1].isdigit() or not words:
        words = f"b-{words}".rstrip("-")
    plain = _PLAIN.fullmatch(branch) and words == branch.replace("/", "-") and not _LOOKS_HASHED.search(words)
    if plain and len(words) <= LONGEST:
        return words
    digest = hashlib.sha256(branch.encode()).hexdigest()[:8]
    return f"{words[: LONGEST - 9].rstrip('-')}-{digest}"
