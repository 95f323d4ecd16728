"""The way into deployments for other commands."""

from __future__ import annotations

from ci import evidence
from ci.apply.deploy import DeploymentFailed, deploy
from ci.apply.report import Report, report_as_json, report_as_markdown
from ci.apply.request import Request
from ci.apply.stacks import Say
from ci.terraform.credentials import Credentials
from infra.settings import load_settings


def apply(request: Request, say: Say, credentials: Credentials | None = None) -> Report:
    """Deploys, and keeps the report with the commit's evidence, that of a failed deployment too.

    Raises Trouble where the deployment was refused, DeploymentFailed where it could not be ended.
    """
    settings = load_settings(request.environment, folder=request.root / "infra" / "settings", repository=request.root)
    log_file = request.root / ".branchline" / "apply" / f"{settings.state_key(request.environment)}.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w", encoding="utf-8", buffering=1) as log:
        try:
            report = deploy(request, settings, credentials or Credentials(), say, lambda line: print(line, file=log))
        except DeploymentFailed as error:
            _keep(error.report, request)
            raise
    _keep(report, request)
    return report


def _keep(report: Report, request: Request) -> None:
    for suffix, text in (("json", report_as_json(report)), ("md", report_as_markdown(report))):
        evidence.keep(report.deployment.commit, f"apply-{request.environment}.{suffix}", text, request.root)
