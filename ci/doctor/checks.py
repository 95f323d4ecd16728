"""Which checks there are."""

from __future__ import annotations

from pathlib import Path

from ci.doctor import tools, workspace
from ci.doctor.check import Check
from ci.repository import ROOT
from ci.target import DATA_DIR


def all_checks(data_dir: Path = DATA_DIR) -> list[Check]:
    """Everything that the commands of this clone rely on."""
    return [
        tools.git(),
        tools.make(),
        tools.terraform(),
        tools.python(),
        tools.packages(ROOT),
        tools.node(),
        tools.cdktf(ROOT),
        workspace.mlflow_template(),
        workspace.ports(data_dir),
        workspace.data_folder(data_dir),
        workspace.settings(),
        workspace.credentials(data_dir),
    ]


def demo_checks(data_dir: Path = DATA_DIR) -> list[Check]:
    """What the demo cannot do without."""
    return [
        tools.git(),
        tools.terraform(),
        tools.python(),
        tools.node(),
        tools.cdktf(ROOT),
        workspace.data_folder(data_dir),
        workspace.settings(),
    ]
