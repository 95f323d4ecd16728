from __future__ import annotations

from tests.infra.workspace.tracking.rooms import prod, staging, workspace

__all__ = ["prod", "staging", "workspace"]
