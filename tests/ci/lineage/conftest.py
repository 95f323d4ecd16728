"""One deployment of dev that has landed, trained and scored: approved and applied, from a merged pull request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from ci.apply import Request, apply
from ci.lineage.predictions import Prediction, find_prediction
from ci.lineage.reproduction import Reproduction, reproduce
from ci.lineage.sight import Sight, sight_of
from ci.lineage.subject import parse, parse_prediction
from ci.lineage.trace import trace
from ci.lineage.trail import Trail
from ci.target import Target
from ci.terraform.credentials import Credentials
from infra.workspace import launch
from tests.support.clone import Clone
from tests.support.deployment import Deployment, git_url

# The project's days are simulated and all of one year; by this one, half of them have landed.
DAY = "2026-06-30"
PULL_REQUEST = 12
APPROVER = "owner@example.com"


@dataclass(frozen=True)
class Scored(Deployment):
    """Dev after a day's batch inference; `commit` is what its jobs ran."""

    commit: str
    target: Target
    sight: Sight

    def births(self) -> list[str]:
        """The members scored on the day, in order."""
        rows = self.sight.tables.query("SELECT birth_id FROM dev.hrob.predictions ORDER BY birth_id")
        return [str(row["birth_id"]) for row in rows]

    def change(self, table: str, what: str, birth: str) -> None:
        """Changes a member's row, as nobody should."""
        self.sight.tables.query(f"UPDATE dev.hrob.{table} SET {what} WHERE birth_id = '{birth}'")  # noqa: S608  # ours

    def trace(self, subject: str) -> Trail:
        return trace(self.sight, parse(subject, self.sight.settings_named))

    def find(self, subject: str) -> Prediction:
        return find_prediction(self.sight, parse_prediction(subject, self.sight.settings_named))

    def reproduce(self, subject: str) -> Reproduction:
        return reproduce(self.sight, self.target, self.find(subject))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    folder = tmp_path_factory.mktemp("scored")
    clone = Clone(folder)
    commit = _merge_a_pull_request(clone)
    data_dir = folder / "workspace"
    workspace = launch.start(data_dir, port=0, repos={git_url(): str(clone.remote)})
    target = Target(workspace.url, launch.environment(workspace))
    with ExitStack() as stack:
        stack.callback(launch.stop, data_dir)
        request = Request("dev", root=clone.path, approver=APPROVER)
        apply(request, lambda line: None, Credentials(data_dir=data_dir, environment={}))
        deployed = Deployment(clone, workspace)
        for job, parameters in (
            ("landing", {"source": "generator", "members": "3000"}),
            ("training", {"trials": "1"}),
            ("batch-inference", {}),
        ):
            run = deployed.run_job(f"dev-hrob-{job}", date=DAY, **parameters)
            assert run.result == "SUCCESS", run
        sight = stack.enter_context(sight_of(target, "dev", clone.path))
        yield Scored(clone, workspace, commit, target, sight)


def _merge_a_pull_request(clone: Clone) -> str:
    """Leaves dev checked out, as whoever deploys it has it."""
    clone.commit("feature/visits", {"docs/note.md": "a note\n"}, "Say what a visit is")
    clone.git("checkout", "-q", "dev")
    clone.git("merge", "-q", "--no-ff", "feature/visits", "-m", f"Merge pull request #{PULL_REQUEST} from team/visits")
    clone.git("push", "-q", "origin", "dev")
    return clone.git("rev-parse", "HEAD")
