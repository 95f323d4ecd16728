"""Typed settings: project.yaml and one file per environment; all differences between environments are values here."""

from infra.settings.errors import Problem, SettingsError
from infra.settings.loader import load_all, load_project, load_settings
from infra.settings.project import Project
from infra.settings.settings import BranchCopy, Settings

__all__ = [
    "BranchCopy",
    "Problem",
    "Project",
    "Settings",
    "SettingsError",
    "load_all",
    "load_project",
    "load_settings",
]
