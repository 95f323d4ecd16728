"""Rehearsals: the base branch deployed and run in a workspace of its own, then the change over it."""

from ci.rehearsal.model import Rehearsal
from ci.rehearsal.rehearse import rehearse

__all__ = ["Rehearsal", "rehearse"]
