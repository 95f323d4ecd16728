"""The step: merged requests into the archive, each once, and from there into the hub like any other model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.intake import deliver as delivery
from ml_code.platform.marketplace.intake.policy import FILE
from ml_code.platform.marketplace.intake.request import FOLDER
from ml_code.platform.marketplace.schema import IMPORTS_TABLE, INTAKES_TABLE
from ml_code.projects.marketplace import import_, intake
from tests.ml_code.conftest import Place
from tests.support.model_hub import COMMIT, ModelHub, serving
from tests.support.model_requests import (
    TRANSFORMERS,
    classifier,
    of_hub,
    policy,
    request,
    transformer_files,
)

DAY = date(2026, 11, 21)
REPORT = f"intake/notes/{COMMIT}/report.json"


@dataclass
class Step:
    """The step on a checkout of its own, with a hub of models to fetch from."""

    place: Place
    root: Path
    models: ModelHub
    archive: str

    def ask(self, name: str = "notes", **changes: Any) -> None:
        (self.root / FOLDER).mkdir(parents=True, exist_ok=True)
        named = request(of_hub(self.models.url), name, **{**TRANSFORMERS, **changes})
        (self.root / FOLDER / f"{name}.yaml").write_text(named.request.model_dump_json())

    def allow(self, **changes: Any) -> None:
        (self.root / "ml_code" / "marketplace").mkdir(parents=True, exist_ok=True)
        (self.root / FILE).write_text(policy(self.models.url, **changes).model_dump_json())

    def run(self, *, dry_run: bool = False, run_id: str = "0") -> list[str]:
        context = self.place.context("marketplace.intake", DAY, self.root, run_id)
        found = intake.run(context, archive=self.archive, archive_secret="", dry_run=dry_run)
        return [f"{each.request}: {each.verdict}" for each in found]

    def store(self) -> Archive:
        return Archive.open(self.archive)

    def rows(self) -> list[dict[str, Any]]:
        context = self.place.context("marketplace.intake", DAY, self.root)
        found = context.spark.table(context.table(INTAKES_TABLE)).orderBy("checked_at")
        return [row.asDict() for row in found.collect()]

    def exported(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.store().exports([delivery.WORKSPACE], DAY, DAY).to_pylist()
        return found


@pytest.fixture
def step(place: Place, tmp_path: Path) -> Iterator[Step]:
    with serving(files=transformer_files()) as models:
        made = Step(place, tmp_path, models, str(tmp_path / "archive"))
        made.allow()
        yield made


def test_an_accepted_model_is_delivered_once_with_its_report(step: Step) -> None:
    step.ask()
    Archive.open(step.archive, create=True)
    assert step.run(dry_run=True) == []
    assert step.models.asked == []
    assert step.run(run_id="0") == ["notes: accepted"]
    fetched = len(step.models.asked)
    assert step.run() == [], "it is there already"
    assert len(step.models.asked) == fetched
    (row,) = step.rows()
    assert (row["request"], row["verdict"], row["revision"], row["report"]) == ("notes", "accepted", COMMIT, REPORT)
    report = step.store().read_document(REPORT)
    assert report is not None
    assert row["content_sha256"] == report["content_sha256"]
    manifest = step.store().manifest(report["manifest"])
    assert manifest.origin.workspace == "open-source"
    assert {file.path: file.sha256 for file in manifest.model_files} == {
        file["path"]: file["sha256"] for file in report["files"]
    }
    assert manifest.lineage["revision"] == COMMIT
    assert manifest.version.tags["intake.licence"] == "Apache-2.0"
    (exported,) = step.exported()
    assert (exported["model"], exported["version"], exported["status"]) == ("note-sorter", 1, "exported")


def test_refused_and_unreachable_requests_end_the_step_and_the_rest_goes_on(step: Step) -> None:
    step.ask("a", version=1, licence="MIT")
    step.ask("b", version=2)
    step.ask("c", version=3, licence="GPL-3.0-only")
    with pytest.raises(StepError, match=r"2 of 3 requests") as error:
        step.run()
    assert "a: refused: the source states 'apache-2.0', the request says 'MIT'" in str(error.value)
    assert "c: refused: licence GPL-3.0-only is not on the list" in str(error.value)
    assert [(row["request"], row["verdict"]) for row in step.rows()] == [
        ("a", "refused"),
        ("b", "accepted"),
        ("c", "refused"),
    ]
    assert json.loads(step.rows()[2]["reasons"])
    assert [row["version"] for row in step.exported()] == [2]


def test_a_source_that_does_not_answer_leaves_no_verdict(step: Step) -> None:
    step.ask()
    step.models.answered_revision = COMMIT
    step.models.files["gone.json"] = b"{}"
    del step.models.files["config.json"]
    step.models.redirects[f"/clinic/notes/resolve/{COMMIT}/gone.json"] = "http://127.0.0.1:9/gone"
    with pytest.raises(StepError, match="cannot be fetched"):
        step.run()
    assert step.rows() == []
    assert step.store().documents("intake") == []


def test_a_version_is_not_given_to_other_content(step: Step) -> None:
    step.ask()
    step.run()
    step.models.files["README.md"] = b"# Other notes\n"
    step.ask(purpose="sorting of other notes")
    with pytest.raises(StepError, match="note-sorter version 1 is in the archive with other content"):
        step.run()
    assert len(step.exported()) == 1
    step.ask(purpose="sorting of other notes", version=2)
    assert step.run() == ["notes: accepted"]
    assert sorted(row["version"] for row in step.exported()) == [1, 2]


@pytest.mark.parametrize("killed", ["commit", "append_exports", "write_document"])
def test_a_kill_in_between_loses_nothing_and_doubles_nothing(
    step: Step, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    class Killed(BaseException):
        """As if the process ended here."""

    def end(*arguments: Any, **options: Any) -> Any:
        raise Killed

    step.ask()
    with monkeypatch.context() as patch:
        patch.setattr(Archive, killed, end)
        with pytest.raises(Killed):
            step.run()
    assert step.run() == ["notes: accepted"]
    assert len(step.store().manifests("open-source")) == 1
    assert len(step.exported()) == 1
    assert step.run() == []


def test_a_rule_that_came_later_counts_for_what_is_there_already(step: Step) -> None:
    step.ask()
    step.run()
    step.allow(licences=["MIT"])
    with pytest.raises(StepError, match=r"licence Apache-2\.0 is not on the list"):
        step.run()


def test_the_hub_gets_a_model_that_answers(step: Step) -> None:
    import mlflow
    import pandas as pd

    step.models.files = {"model.pkl": classifier()}
    plain = request(of_hub(step.models.url)).request.model_dump(mode="json")
    step.ask(**{key: plain[key] for key in ("format", "requirements", "signature")}, task="")
    assert step.run() == ["notes: accepted"]
    context = step.place.context("marketplace.import", DAY, step.root)
    import_.run(
        context, archive=step.archive, archive_secret="", registry="unity_catalog", since="", workspaces="open-source",
        naming="{workspace}__{model}", concurrency=2, dry_run=False,
    )  # fmt: skip
    (row,) = context.spark.table(context.table(IMPORTS_TABLE)).collect()
    assert (row["workspace"], row["model"], row["status"]) == ("open-source", "note-sorter", "imported")
    model = mlflow.pyfunc.load_model(f"models:/{row['hub_model']}/{row['hub_version']}")
    assert model.predict(pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]})).tolist() == [0, 1]
