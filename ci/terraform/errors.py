"""What Terraform's errors mean for people."""

from __future__ import annotations

import re
from pathlib import Path

from ci.errors import Trouble

_LOCKED = "Error acquiring the state lock"
_BOX = re.compile(r"^[╷│╵][ \t]?", re.MULTILINE)
_INFO = re.compile(r"^\s*(ID|Path|Operation|Who|Created):[ \t]*(.+?)\s*$", re.MULTILINE)
# How the provider, its SDK and Terraform itself word what may pass by itself. A bare number would also be an id.
_TRANSIENT = re.compile(
    r"(?:status(?: code)?|HTTP|error(?: code)?|answered|:)[ :]*(?:429|500|502|503|504)\b"
    r"|Too Many Requests|REQUEST_LIMIT_EXCEEDED|RESOURCE_EXHAUSTED|TEMPORARILY_UNAVAILABLE|Service Unavailable"
    r"|Internal Server Error|INTERNAL_ERROR|Bad Gateway|Gateway Time-?out"
    r"|the workspace answered (?:429|5\d\d)|cannot reach the workspace"
    r"|connection refused|connection reset|broken pipe|unexpected EOF|i/o timeout|TLS handshake timeout"
    r"|context deadline exceeded|no such host|Unavailable desc",
    re.IGNORECASE,
)


class TerraformFailed(Trouble):
    """Terraform ended with an error; `output` is all that it said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output

    @property
    def transient(self) -> bool:
        """Whether the workspace, or the way to it, may have been at fault for a moment only."""
        return not isinstance(self, StateLocked) and bool(_TRANSIENT.search(self.output))


class StateLocked(TerraformFailed):
    """Another process works on the same state, or died while it did."""


def failure(stack: str, folder: Path, verb: str, output: str) -> TerraformFailed:
    """The error that tells people what Terraform's output means."""
    words = _BOX.sub("", output)
    if _LOCKED in words:
        return StateLocked(_locked(stack, folder, words), output)
    errors = words[words.index("Error: ") :] if "Error: " in words else words
    return TerraformFailed(f"terraform {verb} of {stack} failed:\n{errors.strip()}", output)


def _locked(stack: str, folder: Path, words: str) -> str:
    info = dict(_INFO.findall(words))
    held = f"the state of {stack} is locked"
    if info.get("Who"):
        held += f" by {info['Who']}"
    if info.get("Operation"):
        held += f", for {info['Operation'].removeprefix('OperationType')}"
    if info.get("Created"):
        held += f", since {info['Created']}"
    lines = [held + ": nothing was changed.", "Wait until that deployment has ended, then run this command again."]
    if info.get("ID"):
        lines.append(
            "Only if its process has died for certain (the state is whole, but may lack its last objects), free it:\n"
            f"  terraform -chdir={folder} force-unlock {info['ID']}"
        )
    return "\n".join(lines)
