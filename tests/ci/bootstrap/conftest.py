"""A cloud's command line that answers from a table, and remembers what it was asked."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

_SCRIPT = """\
#!{python} -IS
import json, sys
line = " ".join(sys.argv[1:])
with open({log!r}, "a") as log:
    log.write(json.dumps([{program!r}, *sys.argv[1:]]) + "\\n")
table = json.load(open({table!r}))
found = [words for words in table if line.startswith(words)]
answer = table[max(found, key=len)] if found else None
if answer is None:
    sys.exit("ERROR: (NotFound) it could not be found")
if isinstance(answer, str) and answer.startswith("!"):
    sys.exit(answer[1:])
print(answer if isinstance(answer, str) else json.dumps(answer))
"""

Answers = Mapping[str, object]


class Cloud:
    """Programs that answer each command by the longest words that it begins with; what has no answer is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"

    def install(self, program: str, answers: Answers) -> None:
        """Puts a program onto the PATH, or gives it other answers; an answer "!words" is an error with these words."""
        table = self._folder / f"{program}.json"
        table.write_text(json.dumps(answers))
        path = self._folder / program
        path.write_text(_SCRIPT.format(python=sys.executable, log=str(self._log), table=str(table), program=program))
        path.chmod(0o700)

    def asked(self) -> list[str]:
        """All command lines since the last time that this was asked."""
        lines = (
            [shlex.join(json.loads(line)) for line in self._log.read_text().splitlines()] if self._log.exists() else []
        )
        self._log.write_text("")
        return lines


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """No cloud's own program is on the PATH but those that a test installs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin/nothing")
    return Cloud(folder)


@pytest.fixture
def heard() -> list[str]:
    """What is said in a test."""
    return []


@pytest.fixture
def say(heard: list[str]) -> Callable[[str], None]:
    return heard.append
