from __future__ import annotations

from ci.release.ledger import releases
from ci.release.render import status_table
from ci.release.status import DriftKnown, statuses
from ci.terraform.credentials import Credentials
from tests.ci.release.prod import Prod
from tests.ci.release.repo import Project


def test_an_environment_tells_what_it_runs_and_one_that_is_gone_tells_why(prod: Prod, project: Project) -> None:
    cut = project.cut("v1.0.0")
    prod.models.set_champion(prod.version(cut.release.commit))
    prod.deploy(cut.release.commit, approved_by="An Approver", state="failed")
    project.commit({"a.txt": "a"}, branch="release")
    create = prod.client.jobs.create
    jobs = [create(name=f"{prefix}prod-hrob-landing").job_id for prefix in ("", "feature-x-")]
    remote, target = project.ask(), project.line.target

    def ask(host: str) -> list[object]:
        given = {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": prod.workspace.token}
        known = DriftKnown(drift="yes", detail="1 changed by a repair")
        answer = lambda settings, latest: known  # noqa: E731 - one line that says all
        return list(statuses([target], remote, releases(remote), answer, Credentials(environment=given)))

    try:
        (found,) = ask(prod.workspace.url)
        (gone,) = ask("http://127.0.0.1:9")
    finally:
        for job in jobs:
            prod.client.jobs.delete(job or 0)
    assert found.problem is None
    assert (found.deployed.commit, found.deployed.tag, found.deployed.state) == (cut.release.commit, "v1.0.0", "failed")
    assert (found.behind, found.champion.version, found.champion.commit) == (1, 1, cut.release.commit)
    assert [(job.job, job.state) for job in found.jobs] == [("landing", "never")]
    assert found.drift.drift == "yes"
    assert "no workspace answers at http://127.0.0.1:9" in gone.problem
    assert gone.tip == remote.branch("release")
    assert [column.header for column in status_table([found, gone]).columns] == ["", "prod", "prod"]
