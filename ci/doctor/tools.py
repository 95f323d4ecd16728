"""Programs that the user's machine must have, and those that `make setup` brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ci.doctor.check import Check, Version, dotted, output_of, version_in

TERRAFORM_SITES = (
    "install Terraform 1.10 or newer from HashiCorp's site (developer.hashicorp.com/terraform/install),"
    " or OpenTofu 1.11 or newer from opentofu.org and set TERRAFORM_BINARY_NAME=tofu"
)
_LEAST: Mapping[str, Version] = {"Terraform": (1, 10), "OpenTofu": (1, 11)}  # since these know ephemeral variables
_NODE: Version = (20, 18)
_PYTHONS: tuple[Version, Version] = ((3, 11), (3, 13))


def git() -> Check:
    return _program("git", "install git with your system's packages")


def make() -> Check:
    return _program("make", "install make with your system's packages")


def terraform(variables: Mapping[str, str] = os.environ) -> Check:
    """Terraform, or what TERRAFORM_BINARY_NAME names, new enough for ephemeral variables."""
    name = variables.get("TERRAFORM_BINARY_NAME", "terraform")
    if shutil.which(name) is None:
        if name == "terraform" and shutil.which("tofu"):
            return Check("terraform", "not on the PATH, but OpenTofu is", "export TERRAFORM_BINARY_NAME=tofu")
        return Check("terraform", f"{name} is not on the PATH", TERRAFORM_SITES)
    told = re.search(r"(Terraform|OpenTofu) v(\S+)", output_of([name, "version"]) or "")
    version = version_in(told[2]) if told else None
    if told is None or version is None:
        return Check("terraform", f"{name} does not tell its version", TERRAFORM_SITES)
    if version < _LEAST[told[1]]:
        return Check("terraform", f"{told[1]} {dotted(version)}, older than {dotted(_LEAST[told[1]])}", TERRAFORM_SITES)
    return Check("terraform", f"{told[1]} {dotted(version)} ({shutil.which(name)})")


def python() -> Check:
    found = sys.version_info[:3]
    first, last = _PYTHONS
    if not first <= found[:2] <= last:
        return Check(
            "python", dotted(found), f"make setup PYTHON=python3.11, or any up to {dotted(last)}: others lack packages"
        )
    return Check("python", f"{dotted(found)} ({sys.prefix})")


def packages(root: Path) -> Check:
    """Whether the Python environment is what uv.lock says."""
    uv = root / ".bootstrap" / "bin" / "uv"
    if not uv.exists():
        return Check("python packages", "uv is not set up in .bootstrap", "make setup")
    if (
        output_of([uv, "sync", "--locked", "--check", "--offline", "--no-install-project", "--inexact"], cwd=root)
        is None
    ):
        return Check("python packages", ".venv differs from uv.lock", "make setup")
    return Check("python packages", "as in uv.lock")


def node() -> Check:
    """The Node that came as a Python package: cdktf-cli's terminal module does not load under newer ones."""
    own = Path(sys.executable).parent / "node"
    version = version_in(output_of([own, "--version"]) or "")
    if version is None:
        return Check("node", f"not in {own.parent}", "make setup")
    if version[:2] != _NODE:
        return Check("node", dotted(version), f"make setup (cdktf-cli needs {dotted(_NODE)})")
    return Check("node", dotted(version))


def cdktf(root: Path) -> Check:
    """cdktf-cli, in the version that package.json pins."""
    pinned = json.loads((root / "package.json").read_text())["devDependencies"]["cdktf-cli"]
    manifest = root / "node_modules" / "cdktf-cli" / "package.json"
    if not manifest.exists() or not (root / "node_modules" / ".bin" / "cdktf").exists():
        return Check("cdktf-cli", "not in node_modules", "make setup")
    found = json.loads(manifest.read_text())["version"]
    if found != pinned:
        return Check("cdktf-cli", f"{found}, not {pinned}", "make setup")
    return Check("cdktf-cli", found)


def _program(name: str, remedy: str) -> Check:
    told = output_of([name, "--version"])
    version = version_in(told or "")
    if version is None:
        return Check(name, "not on the PATH", remedy)
    return Check(name, f"{dotted(version)} ({shutil.which(name)})")
