from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.privacy.pseudonyms import pseudonym
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import collect, erase, features, ingest
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import BASELINE, ensure_table
from ml_code.projects.hrob.rows import hash_split
from tests.ml_code.projects.hrob.conftest import KEY, SCORED, TRAINED, Project


def places_with(project: Project, *words: str) -> list[str]:
    """Every file of the volume and every table of the schema that has one of the words anywhere."""
    context = project.context(TRAINED)
    found = []
    landing = context.volume("landing")
    for folder in (landing, f"{landing}/quarantine"):
        volume = Volume(context.workspace, folder)
        contents = volume.read_all([file.name for file in volume.files()])
        found += [f"{folder}/{name}" for name, content in contents.items() if any(w.encode() in content for w in words)]
    for table in context.workspace.tables.list(context.catalog, context.schema):
        text = repr(tables.to_arrow(context.spark.table(str(table.full_name))).to_pylist())
        found += [str(table.name)] if any(word in text for word in words) else []
    return found


def erased(project: Project, member: str, **options: Any) -> erase.Erased:
    return erase.run(project.context(TRAINED), member=member, **options)


def a_member_scored(project: Project, side: str) -> str:
    """A member of the second scored day that the model learned from, or was measured on."""
    split = hash_split(read_project(project.root, "dev").parameters.split)
    members = (row["birth_id"] for row in project.rows("predictions") if row["date"] == SCORED[1])
    return str(next(member for member in members if split.side(member) == side))


def put_into_baseline(project: Project, member: str) -> None:
    context = project.context(TRAINED)
    parameters = read_project(project.root, "dev")
    name = ensure_table(context, parameters, BASELINE)
    hashed = pseudonym(member, KEY.encode())
    log = context.spark.table(context.table("inference_log")).where(f"birth_id = '{hashed}'")
    assert log.count()
    tables.append(context.spark, name, log)


def test_nothing_of_an_erased_member_is_found(
    scored: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = scored.context(TRAINED)
    member = a_member_scored(scored, "train")
    hashed = pseudonym(member, KEY.encode())
    put_into_baseline(scored, member)
    volume = Volume(context.workspace, context.volume("landing"))
    Volume(context.workspace, f"{volume.path}/quarantine").write("torn.csv", f"x\n{member};5\nother;6\n".encode())
    there = places_with(scored, member, hashed)
    tables_with = {
        "births", "features", "labels", "predictions", "inference_log", "inference_log_baseline", "attributions",
    }  # fmt: skip
    assert tables_with < set(there)
    assert len(there) == len(tables_with) + 2
    counts = {name: len(scored.rows(name)) for name in tables_with}

    # Killed once the files are rewritten; run again, it finishes.
    with monkeypatch.context() as patch:
        patch.setattr(erase, "_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            erased(scored, member)
    capsys.readouterr()
    done = erased(scored, member)
    said = capsys.readouterr().out
    assert places_with(scored, member, hashed) == []
    assert {name.rpartition(".")[2]: rows for name, rows in done.rows.items()} == dict.fromkeys(tables_with, 1)
    assert {name: len(scored.rows(name)) for name in tables_with} == {name: n - 1 for name, n in counts.items()}
    assert any("v1, trained on rows up to 2026-06-30, learned from" in version for version in done.versions)
    assert "births: 1 rows deleted" in said
    assert "older versions" in said

    again = erased(scored, member)
    assert (again.files, set(again.rows.values()), again.versions) == ({}, {0}, ())


def test_a_rewritten_file_is_neither_read_again_nor_another_one(scored: Project) -> None:
    context = scored.context(TRAINED)
    member = a_member_scored(scored, "test")
    done = erased(scored, member)
    assert list(done.files.values()) == [1]
    assert "was measured on" in done.versions[0]

    volume = Volume(context.workspace, context.volume("landing"))
    logged = {row["file"]: row for row in scored.rows("landing_files")}
    assert len(logged) == len(scored.rows("landing_files"))
    for file, content in volume.read_all(logged).items():
        assert logged[file]["digest"] == hashlib.sha256(content).hexdigest()
        assert logged[file]["rows_read"] == content.count(b"\n") - 1
        assert logged[file]["status"] == "ingested"

    assert ingest.run(context) == ingest.Ingested(0, 0, {})
    assert features.run(context).features.rows == 0
    collect.run(context, horizon_days=130, retention_days=730)
    scored.score(SCORED[1])
    assert places_with(scored, member, pseudonym(member, KEY.encode())) == []


def test_requests_of_an_endpoint_that_name_the_member_go_too(scored: Project) -> None:
    context = scored.context(TRAINED)
    name = context.table("erase_payload")
    columns = [tables.Column("client_request_id", "string"), tables.Column("request", "string")]
    tables.create_table(context.spark, name, columns, "payload")
    rows = [("m-7", "{}"), (None, '{"inputs": [{"birth_id": "m-7"}]}'), ("m-70", '{"x": "m-70"}'), (None, None)]
    tables.append(context.spark, name, context.spark.createDataFrame(rows, tables.ddl(columns)))
    assert erased(scored, "m-7", payload_table=name).rows[name] == 2
    assert len(scored.rows("erase_payload")) == 2


def test_an_unknown_member_and_none_at_all(scored: Project) -> None:
    version = scored.version("births")
    nobody = erased(scored, "nobody' or '1'='1")
    assert (nobody.files, sum(nobody.rows.values()), nobody.versions) == ({}, 0, ())
    assert scored.version("births") == version
    with pytest.raises(StepError, match="expected the identifier of a birth"):
        erased(scored, "  ")
