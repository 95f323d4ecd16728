from __future__ import annotations

import datetime
import json
import math
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import payload
from ml_code.platform.privacy.pseudonyms import pseudonym
from ml_code.platform.registry.versions import CHAMPION, Versions
from ml_code.platform.tables import Column
from ml_code.projects.hrob import collect
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import ensure_table, layout_of
from tests.ml_code.projects.hrob.conftest import KEY, SCORED, TRAINED, Project

DAY = SCORED[0]
PAYLOAD = (
    Column("request_date", "date"),
    Column("databricks_request_id", "string"),
    Column("client_request_id", "string"),
    Column("request_time", "timestamp"),
    Column("status_code", "int"),
    Column("sampling_fraction", "double"),
    Column("execution_duration_ms", "bigint"),
    Column("request", "string"),
    Column("response", "string"),
    Column("served_entity_id", "string"),
    Column("logging_error_codes", "array<string>"),
    Column("requester", "string"),
)


def run(project: Project, day: datetime.date = TRAINED, **options: Any) -> collect.Collected:
    parameters: dict[str, Any] = {"horizon_days": 130, "retention_days": 730, **options}
    return collect.run(project.context(day), **parameters)


def of_day(project: Project, name: str, day: datetime.date = DAY) -> dict[str, dict[str, Any]]:
    rows = [row for row in project.rows(name) if row["timestamp"].date() == day]
    assert rows
    return {row["request_id"]: row for row in rows}


def test_the_log_has_each_prediction_with_its_features_as_declared(scored: Project) -> None:
    log, attributions = of_day(scored, "inference_log"), of_day(scored, "attributions")
    predictions = [row for row in scored.rows("predictions") if row["date"] == DAY]
    features = {row["birth_id"]: row for row in scored.rows("features")}
    assert len(log) == len(attributions) == len(predictions) > 30
    for prediction in predictions:
        member = pseudonym(prediction["birth_id"], KEY.encode())
        row, explained = log[f"{member}:{DAY}"], attributions[f"{member}:{DAY}"]
        assert row["birth_id"] == explained["birth_id"] == member
        assert (row["risk"], row["band"]) == (prediction["risk"], prediction["band"])
        assert (row["source"], row["model_version"], row["prediction"]) == ("batch", "1", int(row["risk"] >= 0.12))
        assert row["timestamp"] == datetime.datetime.combine(DAY, datetime.time(11), datetime.UTC)
        assert row["visits"] == features[prediction["birth_id"]]["visits"]
        assert row["mother_group"] in ("white", "black", "other")
        assert row["boy"] is None

        contributions = dict(explained["contributions"])
        assert "boy" not in contributions
        assert "visits" in contributions
        # What is dropped is missing from the sum.
        rest = math.log(row["risk"] / (1 - row["risk"])) - explained["expected"] - sum(contributions.values())
        assert abs(rest) < 1.0
    plain = {prediction["birth_id"] for prediction in predictions}
    assert not any(member in repr(rows) for member in plain for rows in (log, attributions))


def test_labels_join_hashed_members_and_survive_another_versions_scoring(scored: Project) -> None:
    first = run(scored, DAY + datetime.timedelta(40))
    assert 0 < first.labels.new < len(scored.rows("inference_log"))
    done = run(scored)
    assert done.labels.new > 0
    assert all(row["label"] is not None for row in of_day(scored, "inference_log").values())
    truth = {pseudonym(row["birth_id"], KEY.encode()): row for row in scored.rows("labels")}
    for row in of_day(scored, "inference_log").values():
        label = truth[row["birth_id"]]
        assert (row["label"], row["labelled_at"].date()) == (label["low_birth_weight"], label["outcome_date"])

    versions = {name: scored.version(name) for name in ("inference_log", "attributions", "predictions")}
    again = run(scored)
    scored.score(DAY)
    assert (again.labels.new, again.labels.corrected, sum(again.deleted.values())) == (0, 0, 0)
    assert {name: scored.version(name) for name in versions} == versions

    before = of_day(scored, "inference_log")
    model = scored.place.model
    mlflow.register_model(MlflowClient().get_model_version(model, "1").source, model)
    Versions(model).point(CHAMPION, 2)
    other = scored.score(DAY)
    Versions(model).point(CHAMPION, 1)
    assert other.logged == other.explained == len(before)
    after = of_day(scored, "inference_log")
    assert {row["model_version"] for row in after.values()} == {"2"}
    assert {key: row["label"] for key, row in after.items()} == {key: row["label"] for key, row in before.items()}
    assert {row["model_version"] for row in of_day(scored, "attributions").values()} == {"2"}
    assert {row["model_version"] for row in of_day(scored, "inference_log", SCORED[1]).values()} == {"1"}


def test_a_scoring_that_was_killed_before_its_log_is_completed(
    scored: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = datetime.date(2026, 2, 9)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ml_code.projects.hrob.score.log_attributions", killed)
        with pytest.raises(KeyboardInterrupt):
            scored.score(day)
    again = scored.score(day)
    assert (again.written, again.logged) == (0, 0)
    assert again.explained == again.members == len(of_day(scored, "attributions", day))
    without = scored.score(datetime.date(2026, 2, 10), explain=False)
    assert (without.logged, without.explained) == (without.members, 0)
    context = scored.context(day)
    assert not tables.exists(context.spark, context.table("scores_under_way"))


def test_online_predictions_join_the_log_once(scored: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    member = scored.rows("features")[0]
    moment = datetime.datetime.combine(TRAINED, datetime.time(8, 30))
    body = {"dataframe_records": [{"birth_id": member["birth_id"], "visits": 3}]}
    split = {"dataframe_split": {"columns": ["visits", "birth_id"], "data": [[1, "x1"], [None, None]]}}
    asked = [
        ("r1", 200, body, {"predictions": [0.2]}, "e1"),
        ("r2", 200, split, {"predictions": [0.01, 0.07]}, "e2"),
        ("r3", 400, body, {"error": "no"}, "e1"),
        ("r4", 200, {"inputs": [[1]]}, {"predictions": [0.2]}, "e1"),
    ]
    context = scored.context(TRAINED)
    rows = [
        (TRAINED, name, None, moment, status, 1.0, 12, json.dumps(request), json.dumps(answer), entity, None, "someone")
        for name, status, request, answer, entity in asked
    ]
    table, served = context.table("risk_payload"), context.table("served_entities")
    tables.create_table(context.spark, table, PAYLOAD, "payload")
    tables.append(context.spark, table, context.spark.createDataFrame(rows, tables.ddl(PAYLOAD)))
    entities = [Column(name, "string") for name in ("served_entity_id", "entity_name", "entity_version")]
    entities.append(Column("change_time", "timestamp"))
    known = context.spark.createDataFrame([("e1", scored.place.model, "1", moment)], tables.ddl(entities))
    tables.create_table(context.spark, served, entities, "served")
    tables.append(context.spark, served, known)
    monkeypatch.setattr(collect, "SERVED_ENTITIES", served)

    online = run(scored, payload_table=table).online
    assert online == payload.Online(3, {"rows without column names": 1, "status 400": 1}, ("e2",))
    found = {row["request_id"]: row for row in scored.rows("inference_log") if row["source"] == "online"}
    assert set(found) == {"r1:0", "r2:0", "r2:1"}
    one = found["r1:0"]
    assert one["birth_id"] == pseudonym(member["birth_id"], KEY.encode())
    assert (one["model"], one["model_version"], one["visits"], one["band"]) == (scored.place.model, "1", 3.0, "high")
    assert one["age_group"] is not None
    assert (one["prediction"], one["boy"]) == (1, None)
    assert [found[f"r2:{n}"]["band"] for n in (0, 1)] == ["low", "raised"]
    assert (found["r2:1"]["birth_id"], found["r2:1"]["model_version"]) == (None, "e2")

    version = scored.version("inference_log")
    assert run(scored, payload_table=table).online.written == 0
    assert scored.version("inference_log") == version
    with pytest.raises(StepError, match="lacks databricks_request_id"):
        run(scored, payload_table=context.table("labels"))
    with pytest.raises(StepError, match="there is no table"):
        run(scored, payload_table=context.table("nothing"))


def test_a_feature_that_joins_later_gets_a_column(scored: Project) -> None:
    context = scored.context(TRAINED)
    path = scored.root / "ml_code/projects/hrob/feature_selection_config.yml"
    text = path.read_text()
    path.write_text(text.replace("  - drinks ", "  - mother_other "))
    before = scored.rows("inference_log")
    ensure_table(context, read_project(scored.root, "dev"), "inference_log")
    path.write_text(text)
    after = scored.rows("inference_log")
    assert {row["request_id"] for row in after} == {row["request_id"] for row in before}
    assert all(row["drinks"] is None for row in after)
    assert scored.score(SCORED[1]).logged == 0


def test_without_the_key_a_step_says_how_to_put_it(scored: Project) -> None:
    context = scored.context(TRAINED)
    context.environment = "staging"
    with pytest.raises(StepError, match=r"cannot be read .*`databricks secrets put-secret staging-hrob privacy-key"):
        layout_of(context, read_project(scored.root, "staging"))


def test_what_is_past_its_time_is_deleted(scored: Project) -> None:
    day = datetime.date(2026, 2, 12)
    scored.score(day)
    # Ten days, this one included: 3 February is the first to stay.
    kept = run(scored, DAY + datetime.timedelta(9), retention_days=10)
    assert sum(kept.deleted.values()) == 0
    with pytest.raises(StepError, match="expected at least"):
        run(scored, retention_days=0)
    count = len(of_day(scored, "inference_log"))
    gone = run(scored, DAY + datetime.timedelta(10), retention_days=10).deleted
    assert set(gone.values()) == {count}
    assert min(row["date"] for row in scored.rows("predictions")) == SCORED[1]
    version = scored.version("inference_log")
    run(scored, DAY + datetime.timedelta(10), retention_days=10)
    assert scored.version("inference_log") == version
    assert scored.score(DAY).written == count
