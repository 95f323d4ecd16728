"""The gate: judges the synthesized stacks and the plan of a commit, for review or for apply."""

from ci.gate.model import GateReport
from ci.gate.run import run_gate
from infra.policies.rule import Purpose

__all__ = ["GateReport", "Purpose", "run_gate"]
