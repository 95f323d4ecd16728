"""Many runs at once are the same runs as one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param

from ml_code.platform.marketplace.registry.http import Rest, patient
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.run_batches import RunBatches
from ml_code.platform.marketplace.registry.runs import Runs
from tests.ml_code.conftest import Place, Services
from tests.support.proxy import Proxy, proxy


@pytest.fixture
def between(services: Services) -> Iterator[Proxy]:
    with proxy(services.workspace.url) as found:
        yield found


@pytest.fixture
def rest(between: Proxy) -> Rest:
    return Registry.connect(between.url, retry=patient(2, backoff=0.01)).rest


@pytest.fixture
def run_ids(place: Place) -> list[str]:
    """Runs with different metrics, one with none, one deleted."""
    client = MlflowClient()
    experiment, ids = client.create_experiment(place.experiment, tags={"team": "births"}), []
    for number in range(4):
        run_id = client.create_run(experiment, 1_000 + number, run_name=f"run {number}").info.run_id
        metrics = [Metric(f"m{key}", step / 3, 5 * step, step - 1) for key in range(number) for step in range(7)]
        odd = [Metric("odd", float("inf"), 1, 0), Metric("odd", 1.5, 1, 0)] if number == 2 else []
        client.log_batch(run_id, metrics + odd, [Param("n", str(number))])
        client.log_inputs(run_id, [DatasetInput(Dataset("births", f"d{number}", "local", "{}"))])
        client.set_terminated(run_id, end_time=9_000)
        ids.append(str(run_id))
    client.delete_run(ids[3])
    return ids


def test_they_are_the_same_as_one_by_one(rest: Rest, run_ids: list[str]) -> None:
    runs = Runs(rest)
    before = rest.requests
    batches = RunBatches(rest, runs, run_ids)
    found = [batches.get(run_id) for run_id in run_ids]
    assert rest.requests - before == 6  # experiments, runs, and one for each of four metrics
    assert found == [runs.get(run_id) for run_id in run_ids]
    assert [each.deleted for each in found if each] == [False, False, False, True]
    assert [each.run.metrics.keys() for each in found if each][2] == {"m0", "m1", "odd"}


def test_a_run_that_is_gone_is_none_and_one_of_many_uses_is_read_once(rest: Rest, run_ids: list[str]) -> None:
    batches = RunBatches(rest, Runs(rest), [*run_ids, "0" * 32, run_ids[0], run_ids[0]])
    assert batches.get("0" * 32) is None
    before = rest.requests
    assert len({id(batches.get(run_ids[0])) for _ in range(3)}) == 1
    assert rest.requests == before


@pytest.mark.parametrize("call", ["get-history-bulk", "runs/search", "experiments/search"])
def test_a_server_that_does_not_have_such_a_call_is_asked_for_each_run(
    rest: Rest, between: Proxy, run_ids: list[str], call: str
) -> None:
    between.fault = lambda method, path: 404 if call in path else None
    runs = Runs(rest)
    batches = RunBatches(rest, runs, run_ids)
    assert [batches.get(run_id) for run_id in run_ids] == [runs.get(run_id) for run_id in run_ids]


def test_histories_that_are_cut_short_are_asked_for_by_run(
    rest: Rest, between: Proxy, run_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_code.platform.marketplace.registry.run_batches._BULK_POINTS", 10)
    found = RunBatches(rest, Runs(rest), run_ids).get(run_ids[2])
    assert found is not None
    assert found.run.metrics["m1"] == tuple((step / 3, step - 1, 5 * step) for step in range(7))
    assert any("metrics/get-history?" in path for _, path, _ in between.seen)
