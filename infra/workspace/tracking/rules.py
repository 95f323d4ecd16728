"""The table of MLflow's calls: what each needs, and what of its answer the caller may not see.

A call that is not in `RULES` is answered 501. Paths are written without the `/ajax-api` spelling that the pages use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.tracking import graphql
from infra.workspace.tracking.access import EDIT, READ, Access, Action
from infra.workspace.tracking.calls import Call, dig, items, normalized
from infra.workspace.tracking.lineage import Kind

Check = Callable[[Access, Call], None]
Filter = Callable[[Access, Call, dict[str, Any]], dict[str, Any]]
_TRACE_ARTIFACTS = "mlflow.artifactLocation"


@dataclass(frozen=True)
class Rule:
    """`streams`: the body is passed on unread, as it is a file and not fields."""

    method: str
    template: str
    check: Check
    filter: Filter | None = None
    streams: bool = False

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        found = _pattern(self.template).fullmatch(path) if method == self.method else None
        return None if found is None else found.groupdict()


def find(method: str, path: str) -> tuple[Rule, Mapping[str, str]] | None:
    """The rule for a call and the parts of its path, None if the local workspace does not have it."""
    path = canonical(path)
    for rule in RULES:
        matched = rule.match("GET" if method == "HEAD" else method, path)
        if matched is not None:
            return rule, matched
    return None


def canonical(path: str) -> str:
    return re.sub(r"^/ajax-api/", "/api/", path)


def _pattern(template: str) -> re.Pattern[str]:
    if template not in _PATTERNS:
        pattern = re.sub(r"\{(\w+):path\}", r"(?P<\1>.+)", template)
        _PATTERNS[template] = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))
    return _PATTERNS[template]


_PATTERNS: dict[str, re.Pattern[str]] = {}


def anyone(access: Access, call: Call) -> None:
    """Nothing in the answer belongs to anyone."""


def experiments(level: str, *names: str) -> Check:
    """All experiments named, at least one."""

    def check(access: Access, call: Call) -> None:
        for experiment_id in _required(call, *(names or ("experiment_id",))):
            access.experiment(call.principal, experiment_id, level)

    return check


def things(kind: Kind, level: str, *names: str) -> Check:
    """All runs, logged models or traces named, at least one; logged models whose metrics are written, too."""

    def check(access: Access, call: Call) -> None:
        for id in _required(call, *names):
            access.thing(call.principal, kind, id, level)

    return check


def both(*checks: Check) -> Check:
    def check(access: Access, call: Call) -> None:
        for one in checks:
            one(access, call)

    return check


def registered(action: Action) -> Check:
    return lambda access, call: access.registered(call.principal, call.one("name"), action)


def artifact(level: str, name: str = "path") -> Check:
    return lambda access, call: access.artifact(call.principal, call.one(name), level)


def _required(call: Call, *names: str) -> list[str]:
    found = call.values(*names)
    if not found:
        raise BadRequest(f"Missing value for required parameter '{names[0]}'")
    return found


def _metrics_models(access: Access, call: Call) -> None:
    """A metric may be written to a logged model besides the run."""
    metrics = [call.fields, *items(call.fields.get("metrics"))]
    for metric in metrics:
        if metric.get("model_id"):
            access.thing(call.principal, "logged model", str(metric["model_id"]), EDIT)


def _start_trace(access: Access, call: Call) -> None:
    info = dig(call.fields, "trace", "trace_info")
    experiment_id = dig(info, "trace_location", "mlflow_experiment", "experiment_id")
    if not experiment_id:
        raise BadRequest("Missing value for required parameter 'trace.trace_info.trace_location.mlflow_experiment'")
    access.experiment(call.principal, str(experiment_id), EDIT)
    if _TRACE_ARTIFACTS in (dig(info, "tags") or {}):
        raise BadRequest(f"{_TRACE_ARTIFACTS} is set by the server")
    if trace_id := dig(info, "trace_id"):
        access.new_or_own_trace(call.principal, str(trace_id))


def _search_traces(access: Access, call: Call) -> None:
    locations = items(call.fields.get("locations"))
    ids = [dig(location, "mlflow_experiment", "experiment_id") for location in locations]
    if not ids or not all(ids):
        raise BadRequest("Missing value for required parameter 'locations[].mlflow_experiment.experiment_id'")
    for experiment_id in ids:
        access.experiment(call.principal, str(experiment_id), READ)


def _trace_tag(access: Access, call: Call) -> None:
    access.thing(call.principal, "trace", call.one("trace_id"), EDIT)
    if _TRACE_ARTIFACTS in call.values("key"):
        raise BadRequest(f"{_TRACE_ARTIFACTS} is set by the server")


def _create_version(access: Access, call: Call) -> None:
    access.registered(call.principal, call.one("name"), "create_version")
    access.version_source(call.principal, call.one("source"))
    for run_id in call.values("run_id"):
        access.thing(call.principal, "run", run_id, READ)
    for model_id in call.values("model_id"):
        access.thing(call.principal, "logged model", model_id, READ)


def _graphql(access: Access, call: Call) -> None:
    for name, arguments in graphql.root_fields(call.fields):
        rest = GRAPHQL.get(name)
        if rest is None:
            raise NotSupported(f"GraphQL field {name}: the local workspace does not have it")
        rest(access, Call(call.principal, "POST", f"graphql:{name}", normalized(arguments)))


def _visible_experiments(access: Access, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    return _kept(answer, "experiments", lambda item: access.sees(call.principal, str(item.get("experiment_id"))))


def _visible_models(access: Access, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    for key in ("registered_models", "model_versions"):
        answer = _kept(answer, key, lambda item: access.sees_registered(call.principal, str(item.get("name"))))
    return answer


def _visible_graphql(access: Access, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    return graphql.without(answer, lambda name: access.sees_registered(call.principal, name))


def _kept(answer: dict[str, Any], key: str, keep: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    found = answer.get(key)
    return answer if found is None else {**answer, key: [item for item in found if keep(item)]}


_V2, _V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
_RUN, _EDIT_RUN = things("run", READ, "run_id", "run_uuid"), things("run", EDIT, "run_id", "run_uuid")
_MODEL, _EDIT_MODEL = things("logged model", READ, "model_id"), things("logged model", EDIT, "model_id")
_TRACE = things("trace", READ, "trace_id", "request_id")

RULES = (
    Rule("GET", "/", anyone),
    Rule("GET", "/static-files/{path:path}", anyone),
    Rule("GET", "/health", anyone),
    Rule("GET", "/version", anyone),
    Rule("GET", _V3 + "/server-info", anyone),
    Rule("GET", _V3 + "/ui-telemetry", anyone),
    Rule("POST", _V3 + "/ui-telemetry", anyone),
    Rule("POST", "/graphql", _graphql, _visible_graphql),
    # Experiments; creating, renaming, deleting and restoring are the workspace's own calls.
    Rule("GET", _V2 + "/experiments/search", anyone, _visible_experiments),
    Rule("POST", _V2 + "/experiments/search", anyone, _visible_experiments),
    Rule("POST", _V2 + "/experiments/set-experiment-tag", experiments(EDIT)),
    Rule("POST", _V2 + "/experiments/delete-experiment-tag", experiments(EDIT)),
    Rule("POST", _V2 + "/experiments/search-datasets", experiments(READ, "experiment_ids")),
    # Runs.
    Rule("POST", _V2 + "/runs/create", experiments(EDIT)),
    Rule("POST", _V2 + "/runs/search", experiments(READ, "experiment_ids")),
    Rule("GET", _V2 + "/runs/get", _RUN),
    *(
        Rule("POST", f"{_V2}/runs/{call}", both(_EDIT_RUN, _metrics_models))
        for call in (
            "update", "delete", "restore", "log-metric", "log-parameter", "set-tag", "delete-tag", "log-batch",
            "log-model", "log-inputs", "outputs",
        )
    ),
    Rule("GET", _V2 + "/metrics/get-history", _RUN),
    Rule("GET", _V2 + "/metrics/get-history-bulk", things("run", READ, "run_id")),
    Rule("GET", _V2 + "/metrics/get-history-bulk-interval", things("run", READ, "run_ids")),
    # Artifacts.
    Rule("GET", _V2 + "/artifacts/list", _RUN),
    Rule("GET", "/get-artifact", _RUN),
    Rule("GET", "/model-versions/get-artifact", registered("read")),
    Rule("POST", _V2 + "/upload-artifact", things("run", EDIT, "run_uuid"), streams=True),
    Rule("GET", "/api/2.0/mlflow-artifacts/artifacts", artifact(READ)),
    Rule("GET", "/api/2.0/mlflow-artifacts/artifacts/{path:path}", artifact(READ)),
    Rule("PUT", "/api/2.0/mlflow-artifacts/artifacts/{path:path}", artifact(EDIT), streams=True),
    Rule("DELETE", "/api/2.0/mlflow-artifacts/artifacts/{path:path}", artifact(EDIT)),
    # Logged models.
    Rule("POST", _V2 + "/logged-models", experiments(EDIT)),
    Rule("POST", _V2 + "/logged-models/search", experiments(READ, "experiment_ids")),
    Rule("GET", _V2 + "/logged-models/{model_id}", _MODEL),
    Rule("PATCH", _V2 + "/logged-models/{model_id}", _EDIT_MODEL),
    Rule("DELETE", _V2 + "/logged-models/{model_id}", _EDIT_MODEL),
    Rule("PATCH", _V2 + "/logged-models/{model_id}/tags", _EDIT_MODEL),
    Rule("DELETE", _V2 + "/logged-models/{model_id}/tags/{tag_key}", _EDIT_MODEL),
    Rule("POST", _V2 + "/logged-models/{model_id}/params", _EDIT_MODEL),
    Rule("GET", _V2 + "/logged-models/{model_id}/artifacts/directories", _MODEL),
    Rule("GET", _V2 + "/logged-models/{model_id}/artifacts/files", _MODEL),
    # Traces.
    Rule("POST", _V3 + "/traces", _start_trace),
    Rule("POST", _V3 + "/traces/search", _search_traces),
    Rule("GET", _V3 + "/traces/get", _TRACE),
    Rule("GET", _V3 + "/traces/batchGet", things("trace", READ, "trace_ids")),
    Rule("POST", _V3 + "/traces/batchGetInfos", things("trace", READ, "trace_ids")),
    Rule("POST", _V3 + "/traces/metrics", experiments(READ, "experiment_ids")),
    Rule("POST", _V3 + "/traces/calculate-filter-correlation", experiments(READ, "experiment_ids")),
    Rule("POST", _V3 + "/traces/delete-traces", experiments(EDIT)),
    Rule("POST", _V2 + "/traces/delete-traces", experiments(EDIT)),
    Rule(
        "POST", _V2 + "/traces/link-to-run", both(_EDIT_RUN, things("trace", EDIT, "trace_ids"))
    ),
    Rule("GET", _V3 + "/traces/{trace_id}", _TRACE),
    Rule("PATCH", _V3 + "/traces/{trace_id}/tags", _trace_tag),
    Rule("DELETE", _V3 + "/traces/{trace_id}/tags", _trace_tag),
    Rule("GET", _V2 + "/get-trace-artifact", things("trace", READ, "request_id")),
    Rule("GET", _V3 + "/get-trace-artifact", things("trace", READ, "request_id")),
    # Registered models; creating, renaming, updating, deleting and stages are the models room's own calls.
    Rule("GET", _V2 + "/registered-models/get", registered("read")),
    Rule("GET", _V2 + "/registered-models/search", anyone, _visible_models),
    Rule("GET", _V2 + "/registered-models/get-latest-versions", registered("read")),
    Rule("POST", _V2 + "/registered-models/get-latest-versions", registered("read")),
    Rule("GET", _V2 + "/registered-models/alias", registered("read")),
    Rule("POST", _V2 + "/registered-models/alias", registered("edit")),
    Rule("DELETE", _V2 + "/registered-models/alias", registered("edit")),
    Rule("POST", _V2 + "/registered-models/set-tag", registered("edit")),
    Rule("DELETE", _V2 + "/registered-models/delete-tag", registered("edit")),
    Rule("POST", _V2 + "/model-versions/create", _create_version),
    Rule("GET", _V2 + "/model-versions/get", registered("read")),
    Rule("GET", _V2 + "/model-versions/search", anyone, _visible_models),
    Rule("GET", _V2 + "/model-versions/get-download-uri", registered("read")),
    Rule("PATCH", _V2 + "/model-versions/update", registered("edit")),
    Rule("DELETE", _V2 + "/model-versions/delete", registered("manage")),
    Rule("POST", _V2 + "/model-versions/set-tag", registered("edit")),
    Rule("DELETE", _V2 + "/model-versions/delete-tag", registered("edit")),
)  # fmt: skip

# Calls of MLflow's that the workspace answers itself, with Databricks' rules.
OWN = (
    ("POST", _V2 + "/experiments/create"),
    ("GET", _V2 + "/experiments/get"),
    ("GET", _V2 + "/experiments/get-by-name"),
    ("POST", _V2 + "/experiments/update"),
    ("POST", _V2 + "/experiments/delete"),
    ("POST", _V2 + "/experiments/restore"),
    ("POST", _V2 + "/registered-models/create"),
    ("POST", _V2 + "/registered-models/rename"),
    ("PATCH", _V2 + "/registered-models/update"),
    ("DELETE", _V2 + "/registered-models/delete"),
    ("POST", _V2 + "/model-versions/transition-stage"),
)

GRAPHQL: Mapping[str, Check] = {
    "mlflowGetExperiment": experiments(READ),
    "mlflowGetRun": _RUN,
    "mlflowListArtifacts": _RUN,
    "mlflowGetMetricHistoryBulkInterval": things("run", READ, "run_ids"),
    "mlflowSearchRuns": experiments(READ, "experiment_ids"),
    "mlflowSearchDatasets": experiments(READ, "experiment_ids"),
    "__typename": anyone,
}
