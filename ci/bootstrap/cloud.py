"""A cloud's own command line: questions are asked, changes are made or, in a dry run, only told."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from ci.errors import Trouble

Say = Callable[[str], None]

_ASK_SECONDS, _DO_SECONDS = 120, 900
# How az, aws and gcloud word that something is not there; everything else that they refuse is a trouble.
_MISSING = re.compile(r"not ?found|could not be found|does not exist|matched no objects|NoSuch|\b404\b", re.IGNORECASE)


class CloudCommand:
    """`az`, `aws` or `gcloud`, as found on the PATH; `say` hears every command line."""

    def __init__(self, program: str, login: str, say: Say, *, dry_run: bool = False) -> None:
        self.program = program
        self.dry_run = dry_run
        self.changes: list[str] = []
        """The commands that changed something, or would in a dry run."""
        self._login = login
        self._say = say
        self._path = shutil.which(program)

    def require_login(self, *arguments: str) -> Any:
        """Who is logged in, as the command tells it. Raises Trouble that says how to log in.

        A dry run goes on without the program: then everything is taken to be missing.
        """
        if self._path is None:
            if self.dry_run:
                self._say(f"# {self.program} is not on the PATH: the commands as they are for an empty subscription")
                return None
            raise Trouble(
                f"{self.program} is not on the PATH, and the state backend needs it: install it, then {self._login}"
            )
        done = self._run(arguments, _ASK_SECONDS)
        if done.returncode != 0 or not done.stdout.strip():
            if self.dry_run:
                self._say(f"# nobody is logged in ({self._login}): the commands as they are for an empty subscription")
                self._path = None
                return None
            raise Trouble(f"{self.program} is not logged in: {self._login} ({_first_line(done.stderr)})")
        return _value(done.stdout)

    def ask(self, *arguments: str) -> Any:
        """The answer (JSON where it is), or None where the thing asked for does not exist. Raises Trouble."""
        if self._path is None:
            self._say(f"$ {self._line(arguments)}")
            return None
        done = self._run(arguments, _ASK_SECONDS)
        if done.returncode == 0:
            return _value(done.stdout)
        if _MISSING.search(done.stderr):
            return None
        raise Trouble(f"{self._line(arguments)}: {done.stderr.strip() or f'exit code {done.returncode}'}")

    def do(self, *arguments: str) -> None:
        """Makes a change, once; a dry run tells it alone. Raises Trouble with the program's own words."""
        self.changes.append(self._line(arguments))
        if self.dry_run:
            self._say(f"$ {self._line(arguments)}  # would change")
            return
        done = self._run(arguments, _DO_SECONDS)
        if done.returncode != 0:
            self.changes.pop()
            raise Trouble(f"{self._line(arguments)}: {done.stderr.strip() or f'exit code {done.returncode}'}")

    def _run(self, arguments: tuple[str, ...], seconds: int) -> subprocess.CompletedProcess[str]:
        self._say(f"$ {self._line(arguments)}")
        try:
            return subprocess.run(
                [self._path or self.program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Trouble(f"{self._line(arguments)}: no end within {seconds} s; run the same again") from error

    def _line(self, arguments: tuple[str, ...]) -> str:
        return shlex.join([self.program, *arguments])


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it named nobody")
