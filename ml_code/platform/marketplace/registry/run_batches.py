"""Many runs of an MLflow server in few calls: fifty at once, with the histories of their metrics.

Histories of many runs are told by a call that MLflow's own pages use and its API's documentation does not have. What
it tells is held against the runs' last values; wherever anything is missing the run is asked for by itself.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.registry.http import Rest
from ml_code.platform.marketplace.registry.reading import API
from ml_code.platform.marketplace.registry.runs import FoundRun, History, Runs, history_of, metric_keys

_BATCH = 50
_EXPERIMENTS = 500
"""More than these are too many to search at once."""
_BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
_BULK_POINTS = 25_000


class RunBatches:
    """Runs that are known to be asked for, as many times as they are listed. Threads may use it at once.

    A batch is read when the first of its runs is asked for, and each of its runs forgotten after the last time.
    """

    def __init__(self, rest: Rest, runs: Runs, run_ids: Sequence[str]) -> None:
        self._rest = rest
        self._runs = runs
        self._uses = Counter(run_ids)
        ids = list(self._uses)
        self._batches = [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
        self._batch_of = {run_id: number for number, batch in enumerate(self._batches) for run_id in batch}
        self._locks = [threading.Lock() for _ in self._batches]
        self._loaded: dict[int, dict[str, FoundRun]] = {}
        self._experiments: list[str] | None = None
        self._lock = threading.Lock()

    def get(self, run_id: str) -> FoundRun | None:
        """The run with the whole history of its metrics; None where it is gone."""
        number = self._batch_of.get(run_id)
        if number is None or len(self._batches[number]) == 1:
            return self._runs.get(run_id)
        with self._locks[number]:
            if number not in self._loaded:
                self._loaded[number] = self._load(self._batches[number])
            loaded = self._loaded[number]
            found = loaded.get(run_id)
            self._uses[run_id] -= 1
            if self._uses[run_id] <= 0:
                loaded.pop(run_id, None)
        return found or self._runs.get(run_id)

    def _load(self, run_ids: Sequence[str]) -> dict[str, FoundRun]:
        """The runs of a batch that the server tells whole; none where it does not know such calls."""
        try:
            experiments = self._searched_experiments()
            if not experiments:
                return {}
            answers = list(self._searched_runs(experiments, run_ids))
            histories = self._histories(answers)
            return {
                str(answer["info"]["run_id"]): self._runs.found(answer, told)
                for answer, told in zip(answers, histories, strict=True)
                if told is not None
            }
        except (StepError, KeyError):
            # Not a call of this server's, or not an answer as expected.
            return {}

    def _searched_experiments(self) -> list[str]:
        """Ids of all experiments, deleted ones too; none where they are too many."""
        with self._lock:
            if self._experiments is None:
                fields = {"max_results": _EXPERIMENTS, "view_type": "ALL"}
                answer = self._rest.call("POST", API + "experiments/search", fields, repeatable=True)
                found = [] if answer.get("next_page_token") else answer.get("experiments", [])
                self._runs.know(found)
                self._experiments = [str(each["experiment_id"]) for each in found]
            return self._experiments

    def _searched_runs(self, experiments: Sequence[str], run_ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        quoted = ", ".join(f"'{run_id}'" for run_id in run_ids)
        fields: dict[str, Any] = {
            "experiment_ids": experiments,
            "filter": f"attributes.run_id IN ({quoted})",
            "run_view_type": "ALL",
            "max_results": len(run_ids),
        }
        while True:
            answer = self._rest.call("POST", API + "runs/search", fields, repeatable=True)
            yield from answer.get("runs", [])
            if not answer.get("next_page_token"):
                return
            fields["page_token"] = answer["next_page_token"]

    def _histories(self, answers: Sequence[Mapping[str, Any]]) -> list[dict[str, History] | None]:
        """Of each run all metrics' histories; None for a run of which anything is missing."""
        told: list[dict[str, History] | None] = [{} for _ in answers]
        for key in sorted({key for answer in answers for key in metric_keys(answer)}):
            having = [answer["info"]["run_id"] for answer in answers if key in metric_keys(answer)]
            points = self._rest.call("GET", _BULK, {"run_id": having, "metric_key": key}).get("metrics", [])
            cut = len(points) >= _BULK_POINTS
            by_run: dict[str, list[Mapping[str, Any]]] = {run_id: [] for run_id in having}
            for point in points:
                by_run[str(point["run_id"])].append(point)
            for number, answer in enumerate(answers):
                found = told[number]
                if found is None or answer["info"]["run_id"] not in by_run:
                    continue
                history = history_of(by_run[answer["info"]["run_id"]])
                if cut or not _ends_with(history, answer, key):
                    told[number] = None
                else:
                    found[key] = history
        return told


def _ends_with(history: History, answer: Mapping[str, Any], key: str) -> bool:
    """Whether the last value that the run itself tells is among a history's."""
    last = next(each for each in answer["data"]["metrics"] if each["key"] == key)
    return (int(last.get("step", 0)), int(last.get("timestamp", 0))) in {(step, time) for _, step, time in history}
