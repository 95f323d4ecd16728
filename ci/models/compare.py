"""Two training runs side by side: a candidate and the champion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.errors import Trouble

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_LESS_IS_BETTER = re.compile(r"loss|error|brier|(^|_)(ece|mse|rmse|mae)(_|$)", re.IGNORECASE)
_MORE_IS_BETTER = re.compile(
    r"auc|average_precision|precision|recall|sensitivity|specificity|accuracy|(^|_)(f1|r2|ap|lift)(_|$)", re.IGNORECASE
)


Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Training:
    """A training run, with the model version that it registered where it is known."""

    label: str
    run_id: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]

    def interval(self, metric: str) -> Interval:
        """Its confidence interval: training logs it as two more metrics, `<metric>_low` and `<metric>_high`."""
        low, high = self.metrics.get(f"{metric}_low"), self.metrics.get(f"{metric}_high")
        return None if low is None or high is None else (low, high)


@dataclass(frozen=True)
class Row:
    """One metric of both, with confidence intervals where they were logged; None where a run did not measure it."""

    metric: str
    candidate: float | None
    champion: float | None
    candidate_interval: Interval = None
    champion_interval: Interval = None

    @property
    def difference(self) -> float | None:
        """Candidate less champion."""
        if self.candidate is None or self.champion is None:
            return None
        return self.candidate - self.champion

    @property
    def better(self) -> bool | None:
        """Whether the candidate is better; None if equal, not measured, or if the name does not tell the sense."""
        if not self.difference:
            return None
        if _LESS_IS_BETTER.search(self.metric):
            return self.difference < 0
        return self.difference > 0 if _MORE_IS_BETTER.search(self.metric) else None


def find_training(client: WorkspaceClient, model: str, which: str) -> Training:
    """The training behind a model version's number, an alias, or a run's id; raises Trouble if there is none."""
    from databricks.sdk.errors import NotFound

    label, run_id = f"run {which}", which
    try:
        if re.fullmatch(r"[0-9a-f]{32}", which) is None:
            by_number = which.isdigit()
            version = (
                client.model_versions.get(model, int(which))
                if by_number
                else client.model_versions.get_by_alias(model, which)
            )
            label = f"version {version.version}" + ("" if by_number else f" ({which})")
            if not version.run_id:
                raise Trouble(f"{model} {label} does not say which run made it")
            run_id = version.run_id
        run = client.experiments.get_run(run_id).run
    except NotFound as error:
        raise Trouble(f"{model}: no version, alias or run {which!r}: {error}") from error
    data = run.data if run else None
    measured = (data.metrics if data else None) or []
    chosen = (data.params if data else None) or []
    metrics = {item.key: item.value for item in measured if item.key and item.value is not None}
    parameters = {item.key: item.value or "" for item in chosen if item.key}
    return Training(label, run_id, metrics, parameters)


def metric_rows(candidate: Training, champion: Training) -> list[Row]:
    """Every metric that either has, by name; those that only one has come last. Bounds stand beside their metric."""
    names = candidate.metrics.keys() | champion.metrics.keys()
    bounds = {f"{name}_{end}" for name in names for end in ("low", "high")}
    rows = [
        Row(
            name,
            candidate.metrics.get(name),
            champion.metrics.get(name),
            candidate.interval(name),
            champion.interval(name),
        )
        for name in sorted(names - bounds)
    ]
    return sorted(rows, key=lambda row: row.difference is None)


def changed_parameters(candidate: Training, champion: Training) -> list[tuple[str, str, str]]:
    """Parameters in which the two differ: name, candidate's, champion's (empty: it has none)."""
    names = sorted(candidate.parameters.keys() | champion.parameters.keys())
    both = [(name, candidate.parameters.get(name, ""), champion.parameters.get(name, "")) for name in names]
    return [(name, ours, theirs) for name, ours, theirs in both if ours != theirs]
