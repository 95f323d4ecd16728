"""What arrives in the hub: everything of a version, in order, once, and nothing of what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tests.ml_code.platform.marketplace.hub.conftest import MLMODEL, STEPS, Hub, Origins
from tests.ml_code.platform.marketplace.hub.test_faults import Faulty


def test_a_version_arrives_with_all_that_belongs_to_it(hub: Hub, origins: Origins, tmp_path: Path) -> None:
    [result] = hub.take([origins.version("risk", 4, aliases=("champion",))])

    assert (result.status, result.hub_model, result.hub_version) == ("imported", hub.name("risk"), 1)
    [version] = hub.versions(hub.name("risk"))
    assert version.description == "the 4th"
    assert version.aliases == ["champion"]
    assert version.tags["reviewed"] == "yes"
    assert version.tags["marketplace.version"] == "4"
    assert json.loads(version.tags["marketplace.origin"])["run_id"] == "run-risk-4"
    model = hub.client.get_registered_model(version.name)
    assert (model.description, model.tags["team"]) == ("about risk", "births")

    run = hub.client.get_run(version.run_id)
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", 1_000, 9_000)
    assert run.info.run_name == "training"
    assert run.data.params == {"depth": "3", "rate": "0.1"}
    assert run.data.tags["team"] == "births"
    assert run.data.tags["marketplace.parent_run"] == "elsewhere"
    assert "mlflow.parentRunId" not in run.data.tags
    history = hub.client.get_metric_history(version.run_id, "loss")
    assert tuple((point.value, point.step, point.timestamp) for point in history) == STEPS
    odd = sorted((point.step, point.value) for point in hub.client.get_metric_history(version.run_id, "odd"))
    assert math.isnan(odd[0][1])
    assert odd[1][1] > 1e300
    [data] = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.profile, data.tags[0].value) == ("births", '{"rows": 5}', "training")
    assert [each.path for each in hub.client.list_artifacts(version.run_id, "plots")] == ["plots/roc.txt"]
    experiment = hub.client.get_experiment(run.info.experiment_id)
    assert experiment.tags["marketplace.experiment"] == "/Users/ann/births"

    logged = hub.client.get_logged_model(model_of(version))
    assert (logged.status.value, logged.source_run_id, logged.name) == ("READY", version.run_id, "model")
    assert logged.params == {"depth": "3"}
    assert [(each.key, each.value, each.dataset_name) for each in logged.metrics] == [("accuracy", 0.9, "births")]
    assert [each.model_id for each in run.outputs.model_outputs] == [model_of(version)]
    named = yaml.safe_load(hub.file(version, "MLmodel", tmp_path))
    assert (named["model_id"], named["run_id"]) == (model_of(version), version.run_id)
    assert hub.file(version, "data/weights.bin", tmp_path) == b"dev01 risk 4"


def test_thirteen_versions_keep_their_order_and_arrive_once(hub: Hub, origins: Origins) -> None:
    chosen = [origins.version("many", number) for number in sorted(range(1, 14), key=str)]

    first = hub.take(chosen)
    registry = hub.registry()
    again = hub.take(chosen, registry)

    assert {each.status for each in first} == {"imported"}
    assert [(each.status, each.hub_version) for each in again] == [("skipped", each.chosen.version) for each in first]
    versions = hub.versions(hub.name("many"))
    assert [each.tags["marketplace.version"] for each in versions] == [str(number) for number in range(1, 14)]
    assert registry.rest.requests == 3  # the server's version, the model, its versions


def test_runs_that_read_the_same_dataset_arrive_at_once(hub: Hub, origins: Origins) -> None:
    inputs = ({"name": "shared", "digest": "d2", "source_type": "local", "source": "{}", "tags": {}},)
    chosen = [origins.version(f"same{number}", 1, run_fields={"inputs": inputs}) for number in range(6)]

    results = hub.take(chosen)

    assert {each.status for each in results} == {"imported"}, [each.reason for each in results]


def test_two_versions_of_one_run_are_one_run_and_two_models(hub: Hub, origins: Origins, tmp_path: Path) -> None:
    shared = [origins.version("pair", number, run="shared", weights=f"w{number}".encode()) for number in (1, 2)]

    hub.take(shared[:1])
    hub.take(shared)

    versions = hub.versions(hub.name("pair"))
    assert len(hub.runs("shared")) == 1
    assert len({model_of(each) for each in versions}) == 2
    found = [hub.file(each, "data/weights.bin", tmp_path / each.version) for each in versions]
    assert found == [b"w1", b"w2"]


def test_what_does_not_match_its_sum_is_refused_and_the_rest_goes_on(hub: Hub, origins: Origins) -> None:
    chosen = [origins.version("torn", number) for number in (1, 2, 3)]
    origins.damage(chosen[1], "data/weights.bin")
    plots = origins.version("plots", 1, artifacts={"plots/own.txt": b"of its own"})
    origins.damage(plots, "plots/own.txt")

    results = hub.take([*chosen, plots])

    assert [each.status for each in results] == ["imported", "refused", "imported", "refused"]
    assert "data/weights.bin" in results[1].reason
    assert [each.tags["marketplace.version"] for each in hub.versions(hub.name("torn"))] == ["1", "3"]
    assert hub.runs("run-torn-2") == hub.runs("run-plots-1") == []
    assert hub.client.search_registered_models(f"name='{hub.name('plots')}'") == []


def test_a_manifest_of_another_version_or_of_a_newer_format_is_refused(hub: Hub, origins: Origins) -> None:
    honest = origins.version("forms", 1)
    manifest = origins.archive.manifest(honest.manifest)
    newer = origins.chosen(replace(manifest, version=replace(manifest.version, version=2), format=99), honest.exported)
    swapped = replace(honest, version=3)

    results = hub.take([honest, newer, swapped])

    assert [each.status for each in results] == ["imported", "refused", "refused"]
    assert "format 99" in results[1].reason
    assert "is the manifest of dev01's forms 1" in results[2].reason


def test_models_that_the_hub_cannot_use_are_noted_and_what_is_no_model_is_refused(hub: Hub, origins: Origins) -> None:
    strange = MLMODEL.replace("flavors:\n", "flavors:\n  catboost9: {data: x}\n").replace("2.22.0", "9.1.0")
    chosen = [
        origins.version("strange", 1, mlmodel=strange),
        origins.version("unread", 1, mlmodel="flavors: [not, a, mapping]"),
        origins.version("unread", 2, mlmodel=b"\xff\xfe{"),
    ]

    results = hub.take(chosen)

    assert [each.status for each in results] == ["imported", "refused", "refused"]
    assert "flavour catboost9" in results[0].reason
    assert "MLflow 9.1.0, newer than the hub's" in results[0].reason
    assert "names no flavour" in results[1].reason
    assert "cannot be read" in results[2].reason


def test_models_of_one_name_do_not_mix(hub: Hub, origins: Origins) -> None:
    both = [origins.version("twin", 1, workspace=workspace) for workspace in ("dev01", "dev02")]

    apart = hub.take(both)
    together = hub.take(both, naming="all_{model}")
    again = hub.take(both[::-1], naming="all_{model}")

    assert [each.hub_model for each in apart] == [hub.name("twin", "dev01"), hub.name("twin", "dev02")]
    assert sorted(each.status for each in together) == ["imported", "refused"], [each.reason for each in together]
    assert sorted(each.status for each in again) == ["refused", "skipped"]
    [refused] = [each for each in together if each.status == "refused"]
    assert "already" in refused.reason
    assert hub.runs("run-twin-1", refused.chosen.workspace) != []  # of the first import


def test_a_name_that_the_hub_may_not_use_is_refused_with_the_rule(hub: Hub, origins: Origins) -> None:
    [result] = hub.take([origins.version("my model", 1)])

    assert result.status == "refused"
    assert "cannot contain ' '" in result.reason


def test_a_version_without_its_run_or_logged_model_arrives(hub: Hub, origins: Origins, tmp_path: Path) -> None:
    chosen = [origins.version("lone", 1, run=None), origins.version("old", 1, logged=False)]

    results = hub.take(chosen)

    assert [each.status for each in results] == ["imported", "imported"]
    [lone], [old] = hub.versions(hub.name("lone")), hub.versions(hub.name("old"))
    assert lone.run_id in (None, "")
    assert hub.file(lone, "data/weights.bin", tmp_path) == b"dev01 lone 1"
    assert yaml.safe_load(hub.file(old, "MLmodel", tmp_path / "old"))["model_id"] == model_of(old)


def test_aliases_move_forward_only(hub: Hub, origins: Origins) -> None:
    first = origins.version("moves", 1, aliases=("champion",), exported="2026-03-01T06:00:00.000000+00:00")
    second = origins.version("moves", 2, aliases=("champion",), exported="2026-03-02T06:00:00.000000+00:00")

    hub.take([first, second])
    hub.take([first])
    assert hub.client.get_model_version_by_alias(hub.name("moves"), "champion").version == "2"

    hub.take([replace(first, exported="2026-03-03T06:00:00.000000+00:00")])
    hub.take([second])
    assert hub.client.get_model_version_by_alias(hub.name("moves"), "champion").version == "1"


def test_the_workspace_registry_has_stages_and_unity_catalog_a_champion(hub: Hub, origins: Origins) -> None:
    days = [f"2026-03-0{day}T06:00:00.000000+00:00" for day in (1, 2)]
    chosen = [
        origins.version("staged", number, stage="Production", exported=day, workspace="legacy")
        for number, day in enumerate(days, start=1)
    ]
    naming = f"{hub.place.partition('.')[2]}_{{model}}"

    hub.take(chosen)
    hub.take(chosen, hub.registry("workspace"), naming=naming)
    hub.take(chosen, hub.registry("workspace"), naming=naming)

    assert hub.client.get_model_version_by_alias(hub.name("staged", "legacy"), "champion").version == "2"
    stages = [each.current_stage for each in hub.versions(naming.format(model="staged"))]
    assert stages == ["Archived", "Production"]


def test_a_dry_run_tells_and_writes_nothing(hub: Hub, origins: Origins) -> None:
    known, new = origins.version("dry", 1), origins.version("dry", 2)
    hub.take([known])
    registry = hub.registry()

    results = hub.take([known, new, origins.version("wet", 1)], registry, dry_run=True)

    assert [each.status for each in results] == ["skipped", "imported", "imported"]
    assert len(hub.versions(hub.name("dry"))) == 1
    assert hub.client.search_registered_models(f"name='{hub.name('wet')}'") == []
    assert hub.runs("run-dry-2") == []


def test_few_requests_bring_a_version(hub: Hub, origins: Origins) -> None:
    chosen = [origins.version("lean", number, run_fields={"inputs": ()}) for number in range(1, 6)]
    calls: list[str] = []

    hub.take(chosen, replace(hub.registry(), rest=Faulty(hub.url, calls.append)))

    files = 3  # MLmodel, weights, plot
    # Is the run there? Run, history, its end; logged model, its metrics, output, readiness; version.
    # Once: folder and experiment, the model.
    assert len(calls) <= len(chosen) * (9 + files) + 6, calls


def model_of(version: Any) -> str:
    """The logged model that a version is made of."""
    return str(version.source).removeprefix("models:/")
