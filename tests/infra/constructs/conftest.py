"""A stack to put constructs into, and what it comes to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.settings import load_settings
from infra.synth.app import make_app
from infra.synth.stack import EnvironmentStack

Synthesize = Callable[[], dict[str, Any]]


@pytest.fixture
def stack(tmp_path: Path) -> EnvironmentStack:
    """An empty stack of prod."""
    return EnvironmentStack(make_app(tmp_path), "prod", load_settings("prod"), root=tmp_path)


@pytest.fixture
def synthesize(stack: EnvironmentStack, tmp_path: Path) -> Synthesize:
    """Writes the stack and reads it back as Terraform would."""

    def read() -> dict[str, Any]:
        stack.node.root.synth()  # type: ignore[attr-defined] - the root of a stack's tree is the app
        return json.loads((tmp_path / "stacks" / "prod" / "cdk.tf.json").read_text())

    return read
