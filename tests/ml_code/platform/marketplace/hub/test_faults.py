"""The import is killed, loses answers, loses its access: what it then has is whole, and the next one completes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ml_code.platform.marketplace.hub import again as again_module
from ml_code.platform.marketplace.hub.bring import bring_version
from ml_code.platform.marketplace.hub.choice import Chosen
from ml_code.platform.marketplace.registry.http import Rest, Unreachable, bearer_or_basic, patient
from tests.ml_code.platform.marketplace.hub.conftest import Hub, Origins


class Killed(BaseException):
    """Not an error that anything may handle."""


class Faulty(Rest):
    """A connection; `after` is told of every call once it is answered, and may raise."""

    def __init__(self, url: str, after: Callable[[str], None]) -> None:
        super().__init__(url, bearer_or_basic, retry=patient(3, backoff=0.01))
        self.after = after

    def call(
        self, method: str, path: str, fields: Mapping[str, Any] | None = None, *, repeatable: bool = False
    ) -> dict[str, Any]:
        answer = super().call(method, path, fields, repeatable=repeatable)
        self.after(f"{method} {path}")
        return answer

    def upload(self, path: str, content: Callable[[], Iterable[bytes]], size: int) -> None:
        super().upload(path, content, size)
        self.after(f"PUT {path}")


def test_killed_after_any_request_nothing_is_lost_and_nothing_doubled(hub: Hub, origins: Origins) -> None:
    point, ended = -1, False
    while not ended:
        point += 2
        pair = two_versions(origins, f"kill{point:02}")
        ended = not killed(hub, pair, point)
        results = hub.take(pair)
        assert {each.status for each in results} <= {"imported", "skipped"}, (point, [each.reason for each in results])
        whole(hub, pair, point)
    assert point > 15  # as many requests as there are for two small versions


@pytest.mark.parametrize(
    "lost",
    ["runs/create", "runs/log-batch", "logged-models", "runs/outputs", "artifacts/", "model-versions/create", "alias"],
)
def test_an_answer_that_is_lost_does_not_double_what_was_done(
    hub: Hub, origins: Origins, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(again_module, "_PAUSE", 0.01)
    left = [1]

    def lose(call: str) -> None:
        if lost in call and left[0]:
            left[0] -= 1
            raise Unreachable(f"{call}: the answer was lost")

    pair = two_versions(origins, f"lost_{''.join(filter(str.isalpha, lost))}")
    registry = replace(hub.registry(), rest=Faulty(hub.url, lose))

    results = hub.take(pair, registry, concurrency=1)

    if lost == "alias":  # done once more by the next import
        assert [each.status for each in results] == ["imported", "failed"]
        results = hub.take(pair)
    assert left == [0]
    assert {each.status for each in results} <= {"imported", "skipped"}, [each.reason for each in results]
    whole(hub, pair, lost)


def test_expired_access_ends_the_import_and_keeps_what_is_done(hub: Hub, origins: Origins) -> None:
    chosen = [origins.version(f"expire{number}", 1) for number in range(4)]
    rest = hub.registry().rest
    valid = [True]

    def expire(call: str) -> None:
        if "model-versions/create" in call:
            valid[0] = False

    registry = replace(hub.registry(), rest=Faulty(hub.url, expire))
    registry.rest._headers = lambda: bearer_or_basic() if valid[0] else {"Authorization": "Bearer expired"}

    results = hub.take(chosen, registry, concurrency=1)

    assert [each.status for each in results] == ["imported", "failed", "failed", "failed"]
    assert all("401" in each.reason for each in results[1:])
    assert registry.rest.requests < 30  # nobody goes on asking
    assert rest.requests == 0
    assert [each.status for each in hub.take(chosen)] == ["skipped", "imported", "imported", "imported"]


def test_a_version_that_fails_holds_back_the_later_ones_of_its_model(hub: Hub, origins: Origins) -> None:
    chosen = [origins.version("held", number) for number in (1, 2, 3)]
    other = origins.version("free", 1)
    broken = [True]

    def fail(call: str) -> None:
        if broken[0] and "/runs/outputs" in call:
            broken[0] = False
            raise ValueError("no reason at all")

    results = hub.take([*chosen, other], replace(hub.registry(), rest=Faulty(hub.url, fail)), concurrency=1)

    failed = [each for each in results if each.status == "failed"]
    assert "ValueError: no reason at all" in failed[0].reason
    assert all("it waits for dev01's held 1" in each.reason for each in failed[1:])
    hub.take([*chosen, other])
    assert [each.tags["marketplace.version"] for each in hub.versions(hub.name("held"))] == ["1", "2", "3"]
    assert len(hub.versions(hub.name("free"))) == 1
    assert all(len(hub.runs(f"run-held-{number}")) == 1 for number in (1, 2, 3))


def test_one_version_is_brought_under_a_name_of_the_callers(hub: Hub, origins: Origins) -> None:
    chosen = origins.version("brought", 3, aliases=("champion",))
    manifest = origins.archive.manifest(chosen.manifest)
    name = f"{hub.place}.mine"

    first = bring_version(origins.archive, manifest, hub.registry(), name)
    again = bring_version(origins.archive, manifest, hub.registry(), name)

    assert (first.status, first.version) == ("imported", 1)
    assert (again.status, again.version) == ("skipped", 1)
    assert hub.versions(name)[0].aliases == ["champion"]


def two_versions(origins: Origins, model: str) -> list[Chosen]:
    """Small ones: a run with a metric and no files, and one of the same run."""
    small: dict[str, Any] = {"artifacts": {}, "run": f"run-{model}", "run_fields": {"inputs": ()}}
    return [origins.version(model, number, aliases=("champion",) * (number == 2), **small) for number in (1, 2)]


def killed(hub: Hub, pair: list[Chosen], point: int) -> bool:
    """Whether the import came to an end by the kill after its request number `point`, and not by itself."""
    left = [point]

    def kill(call: str) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed(call)

    try:
        hub.take(pair, replace(hub.registry(), rest=Faulty(hub.url, kill)), concurrency=1)
    except Killed:
        return True
    return False


def whole(hub: Hub, pair: list[Chosen], case: object) -> None:
    """Two versions of one run in their order, each with a model of its own, and nothing else."""
    model = pair[0].model
    versions = hub.versions(hub.name(model))
    assert [each.tags["marketplace.version"] for each in versions] == ["1", "2"], case
    assert versions[1].aliases == ["champion"], case
    [run] = hub.runs(f"run-{model}")
    assert run.info.status == "FINISHED", case
    assert len(hub.client.get_metric_history(run.info.run_id, "loss")) == 50, case
    models = hub.client.search_logged_models(
        [run.info.experiment_id], filter_string=f"tags.`marketplace.model` = '{model}'"
    )
    assert {f"models:/{each.model_id}" for each in models} == {each.source for each in versions}, case
    assert len(models) == 2, case
    assert {each.run_id for each in versions} == {run.info.run_id}, case
