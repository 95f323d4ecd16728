"""A registry and its runs as they are read from a real server, by the REST API and by MLflow's client."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.registry.http import Missing, patient
from ml_code.platform.marketplace.registry.reading import Registry, is_in_catalog
from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel, version_of
from ml_code.platform.marketplace.registry.runs import Runs
from tests.ml_code.conftest import CATALOG, Place, Services


@pytest.fixture
def by_rest(services: Services) -> Registry:
    return Registry.connect(services.workspace.url, retry=patient(3, backoff=0.01))


@pytest.fixture
def name(place: Place) -> str:
    """A model with twelve versions, of which the second is the champion and in two aliases."""
    client, name = MlflowClient(), f"{CATALOG}.{place.schema}.risk"
    experiment = client.create_experiment(place.experiment)
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "flavors: {}", "model/MLmodel")
    client.create_registered_model(name, {"owner": "room"}, "predicts")
    source = f"{run.info.artifact_uri}/model"
    for number in range(1, 13):
        client.create_model_version(name, source, run.info.run_id, tags={"n": str(number)}, description=f"v{number}")
    for alias in ("champion", "blue"):
        client.set_registered_model_alias(name, alias, "2")
    return name


def test_versions_come_by_number(by_rest: Registry, name: str) -> None:
    found = by_rest.versions(name)
    assert [each.version for each in found] == list(range(1, 13))
    assert [each.description for each in found][8:11] == ["v9", "v10", "v11"]
    model = next(model for model in by_rest.models() if model.name == name)
    assert (model.description, model.tags) == ("predicts", {"owner": "room"})
    assert model.aliases_of(2) == ("blue", "champion")
    assert model.aliases_of(3) == ()


def test_mlflows_client_tells_the_same_as_the_rest_api(by_rest: Registry, name: str, services: Services) -> None:
    client = MlflowClient(services.workspace.url)
    by_client = replace(by_rest, client=client)
    assert by_client.versions(name) == by_rest.versions(name)
    assert by_client.version(name, 2) == by_rest.version(name, 2)
    assert _known(by_client.model(name)) == _known(by_rest.model(name))
    assert name in {model.name for model in by_client.models()}
    by_client.describe_version(name, 3, "told by the client")
    assert by_rest.version(name, 3).description == "told by the client"
    for registry in (by_client, by_rest):
        with pytest.raises(Missing):
            registry.version(name, 99)
        with pytest.raises(Missing):
            registry.model(name + "x")


def test_a_registry_lists_its_own_kind_of_names(services: Services, name: str) -> None:
    legacy = name.replace(".", "-")
    MlflowClient().create_registered_model(legacy)
    names = {
        kind: {model.name for model in Registry.connect(services.workspace.url, kind).models()}
        for kind in ("unity_catalog", "workspace")
    }
    assert name in names["unity_catalog"]
    assert legacy in names["workspace"]
    assert all(map(is_in_catalog, names["unity_catalog"]))
    assert not any(map(is_in_catalog, names["workspace"]))


def test_a_run_with_long_histories_is_read_whole(by_rest: Registry, place: Place) -> None:
    client = MlflowClient()
    run_id = client.create_run(client.create_experiment(place.experiment)).info.run_id
    odd = [Metric("odd", float("nan"), 5, 0), Metric("odd", -1.5, 6, -3), Metric("odd", 2.5, 6, -3)]
    client.log_batch(run_id, [Metric("loss", step / 7, step, step) for step in range(900)] + odd)
    runs = Runs(by_rest.rest)
    found = runs.get(run_id)
    assert found is not None
    assert found.run.metrics["loss"] == tuple((step / 7, step, step) for step in range(900))
    values = found.run.metrics["odd"]
    assert sorted((step, time) for _, step, time in values) == [(-3, 6), (-3, 6), (0, 5)]
    assert [math.isnan(value) for value, step, _ in values if step == 0] == [True]
    assert runs.get("0" * 32) is None
    with pytest.raises(Missing):
        runs.logged_model("m-" + "0" * 32)


def test_a_place_that_is_no_server_is_refused() -> None:
    with pytest.raises(StepError, match=r"sqlite:///x.*servers"):
        Registry.connect("sqlite:///x")


def test_a_version_names_its_logged_model_by_its_source() -> None:
    answer = {"name": "a", "version": "10", "source": "models:/m-0a1b"}
    assert version_of(answer) == ModelVersion("a", 10, "", {}, None, 0, None, "m-0a1b", "models:/m-0a1b", "READY")
    assert version_of({**answer, "source": "models:/risk/3"}).model_id is None


def _known(model: RegisteredModel) -> RegisteredModel:
    return replace(model, latest=())
