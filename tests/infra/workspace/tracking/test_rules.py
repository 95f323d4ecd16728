"""Every route of MLflow's server is decided on: by a rule, by a call of the workspace's own, or as not supported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.gateway.errors import ApiError, MalformedRequest
from infra.workspace.identity.principal import Principal
from infra.workspace.tracking import rules
from infra.workspace.tracking.calls import Call, artifact_path, fields_of
from infra.workspace.tracking.unsupported import family

SOMEONE = Principal(2, "someone", "Someone", "service_principal")


def test_every_route_of_mlflow_is_decided_on_once() -> None:
    own = {(method, path) for method, path in rules.OWN}
    undecided, twice = [], []
    routes = sorted(set(_routes_of_mlflow()))
    assert len(routes) > 250
    for method, path in routes:
        ways = [
            rules.find(method, path) is not None,
            (method, rules.canonical(path)) in own,
            family(rules.canonical(path)) is not None,
        ]
        if not any(ways):
            undecided.append((method, path))
        if ways[0] and ways[1]:
            twice.append((method, path))
    assert undecided == []
    assert twice == []


def test_every_rule_is_for_a_route_that_mlflow_has() -> None:
    routes = set(_routes_of_mlflow())
    paths = {(method, rules.canonical(path)) for method, path in routes}
    for rule in rules.RULES:
        samples = [(method, path) for method, path in paths if rule.match(method, path) is not None]
        assert samples, f"{rule.method} {rule.template}"


class NoOne:
    """Access that grants nothing: whatever a rule lets through without asking is open to all."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*arguments: object) -> None:
            raise PermissionError(name)

        return refuse


def test_only_calls_without_anyones_data_are_open_to_all() -> None:
    fields = {
        "run_id": "1", "run_uuid": "1", "run_ids": ["1"], "experiment_id": "1", "experiment_ids": ["1"], "path": "1/a",
        "model_id": "1", "name": "a.b.c", "trace_id": "1", "trace_ids": ["1"], "request_id": "1", "source": "runs:/1/m",
        "locations": [{"mlflow_experiment": {"experiment_id": "1"}}],
        "trace": {"trace_info": {"trace_location": {"mlflow_experiment": {"experiment_id": "1"}}}},
        "query": "query { mlflowGetRun(input: {runId: \"1\"}) { run { info { runId } } } }",
    }  # fmt: skip
    unguarded = []
    for rule in rules.RULES:
        call = Call(SOMEONE, rule.method, rule.template, fields, {})
        try:
            rule.check(NoOne(), call)  # type: ignore[arg-type]  # grants nothing, whatever is asked
        except PermissionError:
            continue
        if rule.filter is None:
            unguarded.append(rule.template)
    assert unguarded == [
        "/",
        "/static-files/{path:path}",
        "/health",
        "/version",
        "/api/3.0/mlflow/server-info",
        "/api/3.0/mlflow/ui-telemetry",
        "/api/3.0/mlflow/ui-telemetry",
    ]


def test_a_call_that_names_nothing_is_refused_and_not_passed_on() -> None:
    for rule in rules.RULES:
        if rule.check is rules.anyone:
            continue
        with pytest.raises((ApiError, PermissionError)):
            rule.check(NoOne(), Call(SOMEONE, rule.method, rule.template, {}, {}))  # type: ignore[arg-type]


def test_two_spellings_of_one_field_are_refused() -> None:
    with pytest.raises(MalformedRequest):
        fields_of("POST", "", b'{"run_id": "mine", "runId": "theirs"}')
    assert fields_of("POST", "", b'{"runId": "x"}') == {"run_id": "x"}
    assert fields_of("DELETE", "name=m", b"") == {"name": "m"}
    assert fields_of("GET", "run_id=a&run_id=b", b"") == {"run_id": ["a", "b"]}


@given(st.text(alphabet="a1/.%2fe\\", max_size=12))
def test_an_artifact_path_never_leaves_its_experiment(path: str) -> None:
    try:
        cleaned = artifact_path(path)
    except ApiError:
        return
    assert ".." not in cleaned.split("/")
    assert cleaned == path.strip("/")
    assert cleaned
    assert not cleaned.startswith("/")


def _routes_of_mlflow() -> Iterator[tuple[str, str]]:
    from mlflow.server import app as flask_app
    from mlflow.server.fastapi_app import app

    def walk(routes: Any, prefix: str) -> Iterator[tuple[str, str]]:
        for route in routes:
            if hasattr(route, "original_router"):
                yield from walk(route.original_router.routes, prefix + route.include_context.prefix)
            elif getattr(route, "methods", None):
                for method in route.methods - {"HEAD", "OPTIONS"}:
                    yield method, _sample(prefix + route.path)

    yield from walk(app.routes, "")
    for rule in flask_app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield method, _sample(rule.rule)


def _sample(template: str) -> str:
    """A path of that form: each placeholder filled."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "x", template)
