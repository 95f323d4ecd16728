"""Which code a job runs."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.policy import Severity
from infra.policies.resource import Resource


@check(
    "BRL_DBX_2",
    "A job runs the branch of its environment",
    kinds=["databricks_job"],
    severity=Severity.HIGH,
    advice="Take git_source from the settings: the environment's branch, or that of the copy.",
    setting="branch",
)
def job_branch_of_environment(job: Resource) -> Iterator[str]:
    """Git_source names the settings' repository and branch; a commit only where a copy is pinned to it."""
    git, settings = job.block("git_source"), job.settings
    if not git:
        yield "has no git_source: its code would be what lies in the workspace"
        return
    if git.value("url") != settings.project.git.url:
        yield f"runs the repository {git.value('url')}, the settings say {settings.project.git.url}"
    if git.value("tag"):
        yield f"is pinned to the tag {git.value('tag')}, which may be moved"
    commit, branch = git.value("commit"), git.value("branch")
    if commit:
        if commit != settings.commit:
            yield f"is pinned to commit {commit}, the settings to {settings.commit or f'branch {settings.branch}'}"
    elif branch != settings.branch:
        yield f"runs branch {branch}, {settings.environment} is pinned to {settings.branch}"
