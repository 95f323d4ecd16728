"""Values as the catalogue's pages say them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from ml_code.platform.marketplace.catalogue.records import Version

_EXPORT_MARK = re.compile(r"^Exported Already On [0-9T:.+Z-]+, previous description: ?")


def number(value: int) -> str:
    """With thousands apart."""
    return f"{value:,}"


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def size(count: int) -> str:
    """Bytes for people, in powers of 1024."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def day(moment: datetime.date | datetime.datetime | None) -> str:
    """ISO date; a dash where it is not known."""
    return f"{moment:%Y-%m-%d}" if moment else "–"


def mood(good: bool) -> str:
    """The mood of a card or a label."""
    return "good" if good else "bad"


def version_name(version: Version) -> str:
    """Its number, with its aliases and stage."""
    marks = [*version.aliases, *([version.stage] if version.stage not in ("", "None") else [])]
    return f"v{version.number}" + (f" ({', '.join(marks)})" if marks else "")


def flavours(names: Sequence[str]) -> str:
    """MLflow's flavours; python_function, which nearly all have, only where it is the only one."""
    own = [name for name in names if name != "python_function"] or list(names)
    return ", ".join(own)


def plain_description(text: str) -> str:
    """What its owner wrote, without the mark that an export put before it."""
    return _EXPORT_MARK.sub("", text).strip()


def first_sentence(text: str, most: int = 160) -> str:
    """The beginning of a description, for a table."""
    words = " ".join(plain_description(text).split())
    sentence = re.split(r"(?<=[.!?])\s", words, maxsplit=1)[0]
    return sentence if len(sentence) <= most else f"{sentence[: most - 2].rstrip()} …"
