"""One thing that the doctor looked at."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do if it is not well; not every trouble stops the work."""

    what: str
    found: str
    remedy: str = ""
    must: bool = True

    @property
    def well(self) -> bool:
        """Whether nothing has to be done."""
        return not self.remedy

    @property
    def blocks(self) -> bool:
        """Whether the main commands cannot work like this."""
        return self.must and not self.well

    def line(self) -> str:
        """All of it as one line."""
        word = "ok" if self.well else "MISSING" if self.must else "note"
        return f"{word:8}{self.what:22}{self.found}" + (f" → {self.remedy}" if self.remedy else "")


Version = tuple[int, ...]


def version_in(text: str) -> Version | None:
    """The first version number of a text."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else None


def dotted(version: Version) -> str:
    """A version as people write it."""
    return ".".join(str(part) for part in version)


def output_of(arguments: Sequence[str | Path], cwd: Path | None = None) -> str | None:
    """What a program prints, both streams; None if it is not there, hangs or fails."""
    program = shutil.which(str(arguments[0]))
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *map(str, arguments[1:])],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
