"""Where a task's code comes from."""

from collections.abc import Iterator

from infra.policies.check import check
from infra.policies.jobs import tasks
from infra.policies.policy import Severity
from infra.policies.resource import Block, Resource

_FROM_GIT = {"notebook_task": "notebook_path", "spark_python_task": "python_file", "dbt_task": "project_directory"}
_NEVER_FROM_GIT = ("spark_jar_task", "spark_submit_task", "python_wheel_task", "clean_rooms_notebook_task")


@check(
    "BRL_DBX_3",
    "The code of every task comes from git",
    kinds=["databricks_job"],
    severity=Severity.HIGH,
    advice='Set source = "GIT" and a path inside the repository: files of the workspace have no history, no review '
    "and no rollback.",
)
def task_code_from_git(job: Resource) -> Iterator[str]:
    """No notebook or file of the workspace, no artefact built elsewhere."""
    for where, task in tasks(job):
        for kind, path in _FROM_GIT.items():
            for block in task.blocks(kind):
                yield from _problems(f"{where}: {kind}", block, path)
        for sql in task.blocks("sql_task"):
            if file := sql.block("file"):
                yield from _problems(f"{where}: sql_task", file, "path")
            else:
                yield f"{where}: sql_task runs a query that lies in the workspace"
        for kind in _NEVER_FROM_GIT:
            if task.blocks(kind):
                yield f"{where}: {kind} runs what was built elsewhere"


def _problems(where: str, block: Block, path: str) -> Iterator[str]:
    source, file = block.value("source"), str(block.value(path) or "")
    if source != "GIT":
        yield f"{where} has source {source or 'unset'}"
    if file.startswith("/") or ":" in file:
        yield f"{where} runs {file}, which lies outside of the repository"
