"""What one local workspace is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WorkspaceConfig:
    """Where a workspace keeps its data and where it listens; ports are final (never 0) once this exists.

    `repos` maps a git URL, as the stacks name it, to the local repository that stands for it.
    """

    data_dir: Path
    port: int
    provider_port: int
    workspace_id: int
    repos: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def folder(self, name: str) -> Path:
        """A folder of the workspace's data, made when first asked for, closed to other users."""
        path = self.data_dir / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path
