"""Libraries of tasks: the local workspace installs none, it checks that its own environment has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement


def unmet(libraries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why each library that a task asks for (Databricks' `libraries`) cannot be had; empty if all are there.

    Python packages by name and version are compared with what is installed; other kinds are refused by their name.
    """
    return [problem for library in libraries if (problem := _problem(library))]


def _problem(library: Mapping[str, Any]) -> str:
    if "pypi" not in library:
        return f"libraries of kind {next(iter(library), '?')} are not supported by the local workspace"
    package = str(library["pypi"].get("package", ""))
    try:
        wanted = Requirement(package)
    except InvalidRequirement as error:
        return f"{package!r} is not a requirement: {error}"
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{package} is not installed in the workspace's own environment: add it to pyproject.toml"
    if not wanted.specifier.contains(found, prereleases=True):
        return f"{package} is asked for, the workspace's own environment has {found}: let both name one version"
    return ""
