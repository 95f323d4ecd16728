"""Step hrob.report: the environment's report, one self-contained page in the workspace."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.reporting.history import read_history
from ml_code.platform.reporting.page import Page
from ml_code.platform.reporting.sections import cards, sections
from ml_code.projects.hrob.monitored import LOG

if TYPE_CHECKING:
    from ml_code.context import Context

FILE = "hrob.html"


@dataclass(frozen=True)
class Reported:
    """Where the page is, and its length in bytes."""

    path: str
    size: int


def run(context: "Context", *, model: str, folder: str, **_: Any) -> Reported:
    """Read what monitoring has written, draw it, put the page where the last one was."""
    from databricks.sdk.service.workspace import ImportFormat

    history = read_history(context, model, log=LOG)
    page = Page(
        title=f"High-risk births: {context.environment}",
        subtitle=f"{model}, as of {context.date:%-d %B %Y}",
        footer=f"Made by hrob.report from commit {context.origin.commit[:12]} (job run {context.run_id}).",
        cards=cards(history),
        sections=sections(history),
    )
    content = page.html().encode()
    path = f"{folder.rstrip('/')}/{FILE}"
    context.workspace.workspace.mkdirs(folder)
    # RAW: a page that is imported by its name alone would become a notebook.
    context.workspace.workspace.upload(path, content, format=ImportFormat.RAW, overwrite=True)
    context.say(f"report of {context.date} in {path} ({len(content) / 1024:.0f} KiB)")
    return Reported(path, len(content))
