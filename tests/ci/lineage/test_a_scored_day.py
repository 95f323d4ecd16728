"""The trail of a real prediction on a real deployment, whole and with things missing, and the prediction made again."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow
import pytest
from pyspark.sql import SparkSession

from ci.errors import Trouble
from ci.lineage.reproduction import Finding, Reproduction
from ci.lineage.trace import trace_prediction
from ci.lineage.trail import Kind, State, Trail
from ci.repository import ROOT
from ci.steps.execute import spark
from ci.tables import _Spark
from tests.ci.lineage.conftest import APPROVER, DAY, PULL_REQUEST, Scored
from tests.support.clone import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VOLUME = "/Volumes/dev/hrob/landing"


def only(trail: Trail, kind: Kind) -> dict[str, str]:
    found = [node for node in trail.nodes if node.kind is kind]
    assert len(found) == 1, found
    return found[0].facts


def gaps(trail: Trail) -> dict[str, str]:
    return {str(node.kind): node.reason for node in trail.gaps}


def findings(made: Reproduction, state: str) -> list[Finding]:
    return [each for each in made.findings if each.state == state]


def test_the_trail_of_a_prediction_is_whole(scored: Scored) -> None:
    birth = scored.births()[0]
    trail = scored.trace(f"dev:birth_id={birth}")
    assert gaps(trail) == {}
    assert trail.exit_code == 0
    assert trail.subject == f"prediction:dev.hrob.predictions/birth_id={birth},date={DAY}"

    file = only(trail, Kind.FILE)
    landed = scored.target.client().files.download(f"{VOLUME}/generated-{DAY}.csv").contents.read()
    assert file["sha256"] == hashlib.sha256(landed).hexdigest()
    assert file["in the volume"] == "the same content"
    features = only(trail, Kind.FEATURES)
    assert features["Delta version"] == "1"
    assert "cigarettes" in features["used by the model"]
    model = only(trail, Kind.MODEL)
    assert model["verdict"].startswith("promote: first champion")
    assert model["aliases"] == "candidate, champion"
    assert "[" in model["auc"]
    assert "dev.hrob.labels@v" in only(trail, Kind.DATA)["tables"]
    assert only(trail, Kind.RUN)["experiment"].startswith("/branchline/dev/hrob")
    commit = only(trail, Kind.COMMIT)
    assert (commit["commit"], commit["author"]) == (scored.commit, "A Scientist <scientist@example.com>")
    assert trail.node(f"pull-request:{PULL_REQUEST}").kind is Kind.PULL_REQUEST
    assert only(trail, Kind.PLAN)["approved by"] == APPROVER
    assert only(trail, Kind.DEPLOYMENT)["deployed by"]
    assert {node.title.rpartition(" ")[0] for node in trail.nodes if node.kind is Kind.JOB_RUN} == {
        "dev-hrob-training",
        "dev-hrob-batch-inference",
    }


def test_a_model_is_traced_to_where_it_serves(scored: Scored) -> None:
    trail = scored.trace("dev.hrob.risk@champion")
    assert trail.subject == "model:dev.hrob.risk/1"
    assert trail.exit_code == 0, gaps(trail)
    wrote = only(trail, Kind.PREDICTIONS)
    assert wrote == {"rows": str(len(scored.births())), "first day": DAY, "last day": DAY, "job runs": "1"}
    assert [node.title for node in trail.nodes if node.kind is Kind.JOB] == ["dev-hrob-batch-inference"]
    endpoint = next(node for node in trail.nodes if node.kind is Kind.ENDPOINT)
    assert (endpoint.state, endpoint.reason) == (State.NONE, "not offered by this workspace")


def test_spark_reads_what_a_warehouse_reads(scored: Scored) -> None:
    """The stacks make a warehouse; where a caller sees none, an engine answers."""
    subject = f"dev:birth_id={scored.births()[0]}@{DAY}"
    with spark(scored.target, ROOT, {}) as remote:
        session = SparkSession.builder.remote(remote).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        tables = _Spark(session)
        assert type(tables) is not type(scored.sight.tables)
        found = scored.find(subject)
        assert trace_prediction(replace(scored.sight, tables=tables), found) == scored.trace(subject)
        statement = "SELECT * FROM dev.hrob.features WHERE birth_id = :birth"
        birth = str(found.key["birth_id"])
        assert tables.query(statement, birth=birth) == scored.sight.tables.query(statement, birth=birth)
        session.stop()


def test_the_command_prints_writes_and_draws(scored: Scored, tmp_path: Path) -> None:
    birth = scored.births()[0]
    drawn, told = tmp_path / "trail.svg", tmp_path / "trail.json"
    printed = _branchline(scored, "lineage", f"dev:birth_id={birth}", "--json", str(told), "--picture", str(drawn))
    assert f"brought it: pull request #{PULL_REQUEST}" in printed
    assert "The trail is whole" in printed
    assert json.loads(told.read_text())["subject"].endswith(f"birth_id={birth},date={DAY}")
    assert ">PREDICTION</text>" in drawn.read_text()


def test_the_same_prediction_comes_out_again(scored: Scored) -> None:
    printed = _branchline(scored, "reproduce", f"dev:birth_id={scored.births()[0]}")
    assert "REPRODUCED" in printed
    assert "the same bit by bit" in printed
    assert "this one: its packages are those of the commit's uv.lock" in printed
    assert not list((scored.clone.path / ".branchline/worktrees").glob("*")), "the worktree is gone"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("dev:birth_id=nobody", "has no row with birth_id=nobody among its"),
        (f"dev:date={DAY}", "several rows of dev.hrob.predictions have"),
        ("dev:berth_id=1", "has no column 'berth_id': it has birth_id"),
        ("dev:birth_id=1@yesterday", "expected a day such as"),
        ("dev.hrob.births/birth_id=1", "is no table of predictions: it has no column risk"),
        ("dev.hrob.nothing/birth_id=1", "no table dev.hrob.nothing"),
        ("test:birth_id=1", "no environment 'test': there are dev, staging, prod"),
        ("dev/9", "has no version 9"),
        ("dev@gold", "has no alias gold"),
    ],
)
def test_what_cannot_be_found_is_said(scored: Scored, subject: str, said: str) -> None:
    with pytest.raises(Trouble, match=said):
        scored.trace(subject)


def test_a_number_that_was_changed_is_found_out_and_features_that_changed_later_change_nothing(scored: Scored) -> None:
    birth = scored.births()[1]
    scored.change("features", "visits = visits + 1", birth)
    scored.change("predictions", "risk = risk + 0.0001", birth)
    made = scored.reproduce(f"dev:birth_id={birth}")
    assert not made.reproduced
    assert [each.part for each in findings(made, "differs")] == ["risk"]
    assert made.computed is not None
    assert scored.find(f"dev:birth_id={birth}").row["risk"] == pytest.approx(made.computed["risk"] + 0.0001)
    note = findings(made, "note")[0]
    assert (note.part, note.told.partition(": ")[0]) == ("data", "the row has changed since")
    assert "visits" in note.told


def test_a_landed_file_that_was_changed_is_a_gap(scored: Scored) -> None:
    client, path = scored.target.client(), f"{VOLUME}/generated-{DAY}.csv"
    content = client.files.download(path).contents.read()
    client.files.upload(path, io.BytesIO(content + b"\n"), overwrite=True)
    try:
        trail = scored.trace(f"dev:birth_id={scored.births()[0]}")
    finally:
        client.files.upload(path, io.BytesIO(content), overwrite=True)
    assert trail.exit_code == 3
    assert list(gaps(trail)) == ["landed file"]
    assert hashlib.sha256(content).hexdigest() in gaps(trail)["landed file"]


def test_a_commit_that_the_clone_lacks_is_a_gap(scored: Scored) -> None:
    birth, lost = scored.births()[2], "0123456789abcdef" * 2 + "01234567"
    scored.change("predictions", f"`commit` = '{lost}'", birth)
    trail = scored.trace(f"dev:birth_id={birth}")
    assert "the result names commit 0123456789ab, the run executed" in gaps(trail)["commit"]
    assert "has no record of the scoring" in gaps(trail)["features"]
    made = scored.reproduce(f"dev:birth_id={birth}")
    assert made.computed is None
    assert {each.part for each in findings(made, "missing")} == {"code", "data"}
    assert "is not in this clone" in findings(made, "missing")[0].told


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class Pickled(mlflow.pyfunc.PythonModel):
    """Whatever it predicts, it is not asked."""

    def __init__(self, bomb: Bomb) -> None:
        self.bomb = bomb

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input


def test_a_pickled_model_is_not_loaded(scored: Scored, tmp_path: Path) -> None:
    birth, unpickled = scored.births()[3], tmp_path / "unpickled"
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # nobody else can import a test's classes
    experiment = scored.sight.mlflow.get_experiment_by_name("/branchline/dev/hrob")
    # Not set_experiment: the process would keep it for tests of other workspaces.
    with mlflow.start_run(experiment_id=experiment.experiment_id):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=Pickled(Bomb(unpickled)),
            registered_model_name="dev.hrob.risk",
            pip_requirements=["mlflow"],
        )
    unpickled.unlink(missing_ok=True)
    scored.change("predictions", "model_version = 2", birth)
    scored.sight.tables.query(
        "INSERT INTO dev.hrob.scoring_runs SELECT run_id, `date`, `commit`, model, 2, features_table,"
        " features_version, features_table_id FROM dev.hrob.scoring_runs WHERE model_version = 1"
    )
    made = scored.reproduce(f"dev:birth_id={birth}")
    assert [each.part for each in findings(made, "missing")] == ["model"], made
    assert "logged as a pickle" in findings(made, "missing")[0].told
    assert not unpickled.exists()


def test_what_was_deleted_is_a_gap(scored: Scored) -> None:
    """The last test of the module: nothing of it comes back."""
    client, birth = scored.target.client(), scored.births()[0]
    for alias in ("champion", "candidate"):
        client.registered_models.delete_alias("dev.hrob.risk", alias)
    client.model_versions.delete("dev.hrob.risk", 1)
    made = scored.reproduce(f"dev:birth_id={birth}")
    assert [each.part for each in findings(made, "missing")] == ["model"]
    assert "dev.hrob.risk v1 is not in the registry" in findings(made, "missing")[0].told

    client.jobs.delete_run(int(str(scored.find(f"dev:birth_id={birth}").row["run_id"])))
    client.tables.delete("dev.hrob.births")
    trail = scored.trace(f"dev:birth_id={birth}")
    assert trail.exit_code == 3
    assert "not in the registry" in gaps(trail)["model version"]
    assert "keeps runs for 60 days" in gaps(trail)["job run"]
    assert {node.title for node in trail.gaps if node.kind is Kind.TABLE} == {"dev.hrob.births", "row of births"}

    client.tables.delete("dev.hrob.features")
    assert {"features", "data version"} <= gaps(scored.trace(f"dev:birth_id={birth}")).keys()
    made = scored.reproduce(f"dev:birth_id={birth}")
    assert {each.part for each in findings(made, "missing")} == {"data", "model"}


def _branchline(scored: Scored, *words: str) -> str:
    command = [".venv/bin/python", "-c", "from ci.main import main; main()", *words]
    return run(command, scored.clone.path, {**scored.environment(), "COLUMNS": "160"})
