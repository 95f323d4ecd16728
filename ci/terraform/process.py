"""Running Terraform so that it outlives us: its output goes to a file, not through a pipe that would break with us.

A Terraform whose pipe breaks is ended by the system, and forgets the objects that it has just made.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

_LOOK_SECONDS = 0.05


class Process:
    """A command under way; iterate over its lines, then ask for `returncode`."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._command = command
        self._folder = folder
        self._environment = environment
        self.returncode = 0

    def __iter__(self) -> Iterator[str]:
        with (
            tempfile.NamedTemporaryFile() as output,
            Path(output.name).open(encoding="utf-8", errors="replace") as read,
        ):
            process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield from _lines(process, read)
            finally:
                # Interrupted too: Terraform ends what it has begun and writes it down, and nobody may look before that.
                self.returncode = process.wait()


def _lines(process: subprocess.Popen[bytes], output: IO[str]) -> Iterator[str]:
    begun = ""
    while True:
        ended = process.poll() is not None
        text = output.read()
        *whole, begun = (begun + text).split("\n")
        yield from whole
        if ended and not text:
            break
        if not text:
            time.sleep(_LOOK_SECONDS)
    if begun:
        yield begun
