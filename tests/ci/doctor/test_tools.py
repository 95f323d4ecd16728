from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci.doctor import tools
from ci.doctor.check import Check, version_in


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own, empty at first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, name: str, says: str) -> None:
    (path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (path / name).chmod(0o755)


def test_terraform_missing_says_where_to_get_it(path: Path) -> None:
    check = tools.terraform({})
    assert check.blocks
    assert "terraform is not on the PATH" in check.found
    assert "HashiCorp" in check.remedy
    assert "opentofu.org" in check.remedy
    assert "\n" not in check.line()


def test_opentofu_alone_is_pointed_out(path: Path) -> None:
    program(path, "tofu", "OpenTofu v1.11.0")
    assert tools.terraform({}).remedy == "export TERRAFORM_BINARY_NAME=tofu"
    assert tools.terraform({"TERRAFORM_BINARY_NAME": "tofu"}).well


@pytest.mark.parametrize(
    ("says", "well"),
    [
        ("Terraform v1.10.0", True),
        ("Terraform v1.11.4\non linux_amd64", True),
        ("Terraform v1.9.8", False),
        ("OpenTofu v1.10.6", False),
        ("OpenTofu v1.11.0-rc1", True),
        ("something else", False),
    ],
)
def test_terraform_must_know_ephemeral_variables(path: Path, says: str, well: bool) -> None:
    program(path, "terraform", says)
    assert tools.terraform({}).well is well


def test_git_and_make_missing_block(path: Path) -> None:
    assert tools.git().blocks
    assert tools.make().blocks
    program(path, "git", "git version 2.47.1")
    assert tools.git().found.startswith("2.47.1")


def test_cdktf_must_be_the_pinned_version(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"devDependencies": {"cdktf-cli": "0.21.0"}}))
    assert tools.cdktf(tmp_path).blocks
    manifest = tmp_path / "node_modules/cdktf-cli/package.json"
    manifest.parent.mkdir(parents=True)
    (tmp_path / "node_modules/.bin").mkdir()
    (tmp_path / "node_modules/.bin/cdktf").touch()
    manifest.write_text(json.dumps({"version": "0.20.0"}))
    assert tools.cdktf(tmp_path).blocks
    manifest.write_text(json.dumps({"version": "0.21.0"}))
    assert tools.cdktf(tmp_path).well


def test_packages_without_uv_are_not_set_up(tmp_path: Path) -> None:
    assert tools.packages(tmp_path) == Check("python packages", "uv is not set up in .bootstrap", "make setup")


def test_a_note_does_not_block() -> None:
    assert not Check("ports", "in use", "choose others", must=False).blocks
    assert Check("git", "missing", "install it").blocks
    assert not Check("git", "2.47").blocks


def test_versions_are_read_wherever_they_stand() -> None:
    assert version_in("git version 2.47.1.windows.1") == (2, 47, 1)
    assert version_in("v20.18") == (20, 18)
    assert version_in("none") is None
