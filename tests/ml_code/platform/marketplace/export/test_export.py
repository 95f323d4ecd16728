"""What an export keeps, takes and leaves, on a real server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Leased
from ml_code.platform.marketplace.export.export import preview
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.manifest import Manifest
from tests.ml_code.platform.marketplace.export.conftest import MLMODEL, Content, Exports


def test_a_version_is_kept_whole(content: Content, exports: Exports) -> None:
    name = content.name("risk")
    run_id = content.run(
        {"plots/roc.txt": b"curve", "models/aside.txt": b"not the model"}, git_commit="c0ffee", data_tables="a.b.c@v3"
    )
    logged = content.logged(run_id, b"w" * 50_000)
    number = content.champion(name, run_id=run_id, logged=logged, description="good", tags={"verdict": "promoted"})
    content.client.set_registered_model_alias(name, "blue", str(number))

    report = exports()

    assert (report.counts, report.failures) == ({"exported": 1, "skipped": 0, "failed": 0}, ())
    (row,) = exports.rows()
    manifest = exports.archive.manifest(row["manifest"], row["manifest_sha256"])
    version, run = manifest.version, manifest.run
    assert (version.model, version.version, version.description) == (name, number, "good")
    assert (version.model_description, version.model_tags) == (f"about {name}", {"owner": "room"})
    assert (version.tags, version.aliases, version.model_id) == ({"verdict": "promoted"}, ("blue", "champion"), logged)
    assert run is not None
    assert (run.run_id, run.name, run.status, run.start, run.end) == (run_id, "training", "FINISHED", 1_000, 9_000)
    assert run.metrics == {"loss": tuple((1 / (step + 1), step, 2_000 + step) for step in range(50))}
    assert run.params == {"depth": "3"}
    assert run.tags["git_commit"] == "c0ffee"
    assert (run.experiment, run.experiment_tags["team"]) == (f"/Shared/{content.schema}", "births")
    (data,) = run.inputs
    assert (data["name"], data["digest"], data["tags"]) == ("births", "d1", {"context": "training"})
    assert (data["schema"], data["profile"]) == ('{"x": 1}', '{"rows": 5}')
    assert manifest.logged_model is not None
    assert (manifest.logged_model.model_id, manifest.logged_model.params) == (logged, {"depth": "3"})
    assert [file.path for file in manifest.model_files] == ["MLmodel", "extra/notes.txt", "weights.bin"]
    assert [file.path for file in manifest.artifacts] == ["models/aside.txt", "plots/roc.txt"]
    assert contents(exports, manifest)["weights.bin"] == b"w" * 50_000
    assert contents(exports, manifest)["models/aside.txt"] == b"not the model"
    assert manifest.signature is not None
    assert manifest.signature["inputs"] == [{"type": "double", "name": "age", "required": True}]
    assert manifest.flavors == ("python_function", "sklearn")
    assert manifest.lineage["code"]["commit"] == "c0ffee"
    assert manifest.lineage["data"] == ["a.b.c@v3", "births#d1"]
    assert manifest.notes == ()
    assert row["bytes"] == manifest.size == sum(len(data) for data in contents(exports, manifest).values())
    assert 0 < row["bytes_written"] < row["bytes"]
    assert (row["files"], row["run_id"], row["content_sha256"]) == (5, "5", manifest.content)


def test_what_is_exported_says_so_and_is_left_the_next_time(content: Content, exports: Exports) -> None:
    name = content.name("risk")
    number = content.champion(name, description="good")
    exports()
    said = "Exported Already On 2026-03-14, previous description: good"
    assert content.description(name, number) == said

    again = exports()

    assert again.counts == {"exported": 0, "skipped": 1, "failed": 0}
    assert again.outcomes[0].reason == "Exported Already On 2026-03-14"
    assert again.requests <= 2
    assert len(exports.rows()) == 1
    assert content.description(name, number) == said


def test_only_the_latest_production_version_of_each_model_is_taken(content: Content, exports: Exports) -> None:
    first, second = content.name("a"), content.name("b")
    content.champion(first)
    taken = content.champion(first)
    content.version(first)
    content.version(second)
    report = exports()
    assert [(each.model, each.version, each.status) for each in report.outcomes] == [
        (first, taken, "exported"),
        (second, None, "skipped"),
    ]
    assert report.outcomes[1].reason == "no version in production: no alias champion"


def test_the_workspaces_registry_is_asked_for_its_stage(content: Content, exports: Exports) -> None:
    name, other = f"{content.schema}-staged", f"{content.schema}-archived"
    versions = [content.version(name) for _ in range(3)]
    for version in versions[:2]:
        content.client.transition_model_version_stage(name, str(version), "Production")
    content.client.transition_model_version_stage(other, str(content.version(other)), "Archived")
    content.champion(content.name("elsewhere"))
    report = exports(registry="workspace", patterns=(f"{content.schema}-*", exports.pattern))
    assert [(each.model, each.version, each.status) for each in report.outcomes] == [
        (other, None, "skipped"),
        (name, versions[1], "exported"),
    ]
    (row,) = exports.rows()
    assert exports.archive.manifest(row["manifest"]).version.stage == "Production"


def test_thirteen_versions_keep_their_order(content: Content, exports: Exports) -> None:
    name, run_id = content.name("many"), content.run()
    logged = content.logged(run_id, b"same")
    numbers = [content.version(name, run_id=run_id, logged=logged) for _ in range(13)]
    report = exports(versions="all")
    assert [each.version for each in report.outcomes] == numbers == list(range(1, 14))
    paths = exports.archive.manifests("dev01", name)
    assert [exports.archive.manifest(path).version.version for path in paths] == numbers


def test_each_version_of_two_models_in_one_run_has_its_own_files(content: Content, exports: Exports) -> None:
    name, run_id = content.name("twins"), content.run()
    models = [content.logged(run_id, weights, called) for called, weights in (("first", b"one"), ("second", b"two"))]
    for logged in models:
        content.version(name, run_id=run_id, logged=logged)
    exports(versions="all")
    manifests = [exports.archive.manifest(path) for path in exports.archive.manifests("dev01", name)]
    assert [each.logged_model.model_id for each in manifests if each.logged_model] == models
    assert [contents(exports, each)["weights.bin"] for each in manifests] == [b"one", b"two"]


@pytest.mark.parametrize("folder", ["models", "models/risk", "a models b/ä"])
def test_a_model_among_its_runs_artifacts_is_found_by_any_path(content: Content, exports: Exports, folder: str) -> None:
    files = {f"{folder}/MLmodel": MLMODEL.encode(), f"{folder}/w.bin": b"w", "models.txt": b"aside"}
    run_id = content.run(files)
    content.champion(content.name("old"), run_id=run_id, source=f"runs:/{run_id}/{folder}", model_id=None)
    report = exports()
    assert report.failures == ()
    manifest = exports.archive.manifest(exports.rows()[0]["manifest"])
    assert [file.path for file in manifest.model_files] == ["MLmodel", "w.bin"]
    assert [file.path for file in manifest.artifacts] == ["models.txt"]
    assert manifest.logged_model is None


def test_a_model_without_files_fails_and_the_rest_goes_on(content: Content, exports: Exports) -> None:
    run_id = content.run({"a.txt": b"a"})
    content.champion(content.name("empty"), run_id=run_id, source=f"runs:/{run_id}/nothing", model_id=None)
    content.champion(content.name("whole"))
    said: list[str] = []
    report = exports(say=said.append)
    assert report.counts == {"exported": 1, "skipped": 0, "failed": 1}
    (failure,) = report.failures
    assert "no MLmodel at" in failure
    assert any("no MLmodel" in line for line in said)
    (row,) = exports.rows("failed")
    assert row["manifest"] is None
    assert content.description(content.name("empty"), 1) == ""


def test_a_dry_run_shows_sizes_and_writes_nothing(content: Content, exports: Exports, tmp_path: Path) -> None:
    name = content.name("risk")
    number = content.champion(name)
    before = {path: path.read_bytes() for path in exports.folder.rglob("*") if path.is_file()}
    ((choice, files, size),) = preview(exports.registry(), exports.order(), Pace(2))
    assert (choice.model.name, choice.skipped, files) == (name, None, 4)
    report = exports()
    assert report.size == size
    assert before.keys() < {path for path in exports.folder.rglob("*") if path.is_file()}
    assert content.description(name, number).startswith("Exported")


def test_two_exports_of_one_workspace_do_not_run_at_once(content: Content, exports: Exports) -> None:
    content.champion(content.name("risk"))
    with exports.archive.lease("export-dev01"), pytest.raises(Leased, match="export-dev01"):
        exports()
    assert exports().counts["exported"] == 1


def test_an_unknown_registry_is_refused_by_name(exports: Exports) -> None:
    with pytest.raises(StepError, match="unity_catalog, or workspace"):
        exports(registry="legacy")


def contents(exports: Exports, manifest: Manifest) -> dict[str, bytes]:
    """Every file's bytes, which must have the sum that the manifest gives."""
    found = {}
    for file in (*manifest.model_files, *manifest.artifacts):
        data = b"".join(exports.archive.read(file))
        assert hashlib.sha256(data).hexdigest() == file.sha256
        found[file.path] = data
    return found
