"""What checks ask of jobs: their tasks, also nested ones, and every cluster that they would start."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policies.resource import Block, Resource


def tasks(job: Block) -> Iterator[tuple[str, Block]]:
    """Each task and what to call it; first the job itself, on which old jobs of one task have the task's arguments."""
    yield "the job", job
    for task in job.blocks("task"):
        yield from _with_inner(task)


def clusters(resource: Resource) -> Iterator[tuple[str, Block]]:
    """Each cluster that a job or a databricks_cluster would start, and what to call it."""
    if resource.kind == "databricks_cluster":
        yield "the cluster", resource
        return
    for shared in resource.blocks("job_cluster"):
        yield f"job cluster '{shared.value('job_cluster_key')}'", shared.block("new_cluster")
    for where, task in tasks(resource):
        for cluster in task.blocks("new_cluster"):
            yield f"the cluster of {where}", cluster


def _with_inner(task: Block) -> Iterator[tuple[str, Block]]:
    yield f"task '{task.value('task_key')}'", task
    for loop in task.blocks("for_each_task"):
        for inner in loop.blocks("task"):
            yield from _with_inner(inner)
