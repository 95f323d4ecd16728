"""How bad settings are reported: every problem at once, each with its file, line, key and what was expected."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `file` as the user knows it, the dotted `key` (may be empty), 1-based `line`."""

    file: str
    message: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds all that was found, the message lists them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the settings have {count}:", *(f"  {p}" for p in self.problems)]))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known word, else the known words, else nothing."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known are {', '.join(choices)}" if choices else ""


def shown(path: Path, root: Path) -> str:
    """The path as a user would type it from the repository's root."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
