"""The job that refreshes a monitor: Databricks computes its monitors itself, the local workspace runs this.

It is found by its tag `quality_monitor`, whose value is the table's full name in lower case with every character but
letters, digits, `_` and `-` replaced by `_` (`dev.hrob.inference_log` becomes `dev_hrob_inference_log`): what job tags
may hold on every cloud.
"""

from __future__ import annotations

import re
from typing import Any

from infra.workspace.gateway.errors import NotFound
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs.service import JobsService

TAG = "quality_monitor"
_PAGE = 100


def tag_of(table_name: str) -> str:
    """The tag's value for a table."""
    return re.sub(r"[^a-z0-9_-]", "_", table_name.lower())


def job_of(jobs: JobsService, principal: Principal, table_name: str) -> int:
    """The job that the principal sees under the table's tag; NotFound says which tag is missing, or on too many."""
    value = tag_of(table_name)
    found = [job for job in _visible(jobs, principal) if job["settings"].get("tags", {}).get(TAG) == value]
    if len(found) == 1:
        return int(found[0]["job_id"])
    tagged = f"the tag {TAG} = {value}"
    if not found:
        raise NotFound(
            f"No job that {principal.name} may see has {tagged}. The local workspace refreshes a monitor by running "
            f"the job with that tag: deploy such a job, or add the tag to one."
        )
    names = ", ".join(f"{job['settings']['name']} ({job['job_id']})" for job in found)
    raise NotFound(f"More than one job has {tagged}: {names}. Exactly one may have it.")


def _visible(jobs: JobsService, principal: Principal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = None
    while True:
        page = jobs.list_jobs(principal, limit=_PAGE, page_token=token)
        found += page["jobs"]
        token = page.get("next_page_token")
        if token is None:
            return found
