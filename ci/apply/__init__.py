"""Deploying an environment: exactly what was approved, then its hooks."""

from ci.apply.deploy import DeploymentFailed
from ci.apply.environment import apply
from ci.apply.report import Report
from ci.apply.request import Request

__all__ = ["DeploymentFailed", "Report", "Request", "apply"]
