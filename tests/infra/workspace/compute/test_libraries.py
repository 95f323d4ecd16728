"""A task's libraries are those of the workspace's environment, or the task does not start."""

from __future__ import annotations

from importlib.metadata import version

from infra.settings import load_project
from infra.workspace.compute.libraries import unmet


def test_what_is_installed_is_met() -> None:
    assert unmet([{"pypi": {"package": f"mlflow=={version('mlflow')}"}}, {"pypi": {"package": "numpy>=1"}}]) == []


def test_what_is_not_is_named() -> None:
    problems = unmet(
        [{"pypi": {"package": "mlflow==1.0"}}, {"pypi": {"package": "no-such-package-here"}}, {"whl": "/Volumes/a.whl"}]
    )
    assert [problem.split()[0] for problem in problems] == ["mlflow==1.0", "no-such-package-here", "libraries"]
    assert version("mlflow") in problems[0]
    assert "whl" in problems[2]


def test_the_projects_libraries_are_those_of_the_lock() -> None:
    """What jobs install on Databricks is what they run with here."""
    project = load_project()
    assert project.libraries
    assert unmet([{"pypi": {"package": package}} for package in project.libraries]) == []
