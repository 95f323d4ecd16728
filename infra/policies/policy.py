"""What a check and a rule have in common: the policy that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much is at stake; everything but LOW refuses."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def refuses(self) -> bool:
        """Whether a violation stops a change."""
        return self is not Severity.LOW


@dataclass(frozen=True)
class Policy:
    """One thing that must hold; `advice` says what to do where it does not."""

    id: str
    name: str
    severity: Severity
    advice: str
    setting: str | None = None
    """Dotted key of the settings that decides it, if one does: where a report points to."""
    exceptable: bool = True
    """Whether exceptions.yaml may except an object from it."""
