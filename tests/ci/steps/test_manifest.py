from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.steps.manifest import read_manifest


def manifest(root: Path, text: str) -> Path:
    (root / "ml_code").mkdir()
    (root / "ml_code/steps.yaml").write_text(text)
    return root


def test_a_step_is_found_by_its_last_part(tmp_path: Path) -> None:
    steps = "entry: run.py\nsteps:\n  a.train: {}\n  a.score: {}\n  b.score: {}\n"
    found = read_manifest(manifest(tmp_path, steps))
    assert found.find("train").name == "a.train"
    assert found.find("b.score").name == "b.score"
    with pytest.raises(Trouble, match=r"several steps.*a\.score, b\.score"):
        found.find("score")
    with pytest.raises(Trouble, match="did you mean 'train'"):
        found.find("trian")


@pytest.mark.parametrize("text", ["steps: [", "just words", "entry: x\n", "steps: {}\n", "- a\n"])
def test_a_bad_manifest_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Trouble, match=r"steps\.yaml is not a manifest"):
        read_manifest(manifest(tmp_path, text))


def test_no_manifest_is_said(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="does not exist"):
        read_manifest(tmp_path)
