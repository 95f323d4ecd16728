"""Ninety simulated days of a model in use, replayed step by step on made-up members whose truth is known."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databricks.sdk.service.dashboards import Dashboard

from infra.settings import load_settings
from infra.workspace.launch import Running
from ml_code.context import Context
from ml_code.platform.monitoring.alerts import Alert
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import (
    collect,
    features,
    gate,
    ingest,
    measure,
    monitor,
    promote,
    report,
    rules,
    score,
    train,
)
from ml_code.projects.hrob.generator import Drift, Population, births
from ml_code.projects.hrob.land import in_file_order
from stacks.dashboard.definition import define_dashboard
from tests.ml_code.conftest import ROOT, Place
from tests.support.browser import Browser, Opened

FIRST = datetime.date(2026, 5, 4)  # a Monday: day 0 of those in use
HISTORY = 45  # days before it, to learn from
DAYS = 90
MEMBERS_A_DAY = 150
FEATURES_SHIFT, FEATURES_BACK, LABELS_SHIFT = 14, 28, 42
MEANING = {"late_care": -1.5, "few_visits": -1.2, "mature": 3.0, "education": 0.35, "teenage": -2.0}
"""What the features mean from LABELS_SHIFT on; about as many outcomes as before, of other members."""

RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "feature-drift",
        "table": "drift",
        "metric": "population_stability_index",
        "columns": ["mother_age", "mother_education", "visits", "visits_per_month", "care_start_month", "cigarettes"],
        "at_least_columns": 2,
        "above": 0.1,
        "adjust": True,
        "granularity": "1 week",
        "breaches": 2,
        "of": 3,
        "minimum_rows": 300,
        "action": "retrain",
        "cool_down_days": 14,
    },
    {
        "name": "prediction-drift",
        "table": "drift",
        "metric": "population_stability_index",
        "columns": ["risk"],
        "above": 0.1,
        "adjust": True,
        "granularity": "1 week",
        "breaches": 2,
        "of": 3,
        "minimum_rows": 300,
    },
    {
        "name": "auc",
        "table": "model",
        "metric": "auc",
        "below": 0.65,
        "granularity": "1 week",
        "breaches": 2,
        "of": 3,
        "minimum_rows": 200,
        "action": "retrain",
        "cool_down_days": 7,
    },
)


def day(number: int) -> datetime.date:
    """The date of a day in use."""
    return FIRST + datetime.timedelta(days=number)


def members() -> Population:
    """Members of the history and of the ninety days, with both drifts in them."""
    return Population(
        members=(HISTORY + DAYS) * MEMBERS_A_DAY,
        first_day=day(-HISTORY),
        days=HISTORY + DAYS,
        outcome_delay=(3, 12),
        drifts=(
            Drift(day(FEATURES_SHIFT), shift=0.8, ends=day(FEATURES_BACK)),
            Drift(day(LABELS_SHIFT), effects=MEANING),
        ),
    )


@dataclass(frozen=True)
class Published:
    """The report, and the dashboard's pages."""

    report: Opened
    dashboard: list[Opened]


@dataclass
class Replay:
    """The jobs of a project, step by step in their order, without the jobs."""

    place: Place
    root: Path
    states: dict[int, tuple[Alert, ...]] = field(default_factory=dict)
    """Alerts by number of the day."""
    retrained: dict[int, str] = field(default_factory=dict)
    """What became of the training that was asked for on a day."""

    @classmethod
    def begin(cls, place: Place, root: Path) -> Replay:
        """A checkout whose configuration fits ninety days, all members landed, a first champion."""
        shutil.copytree(ROOT / "ml_code", root / "ml_code")
        configs = root / "ml_code/projects/hrob/configs.yml"
        text = configs.read_text().replace("window_days: 730", "window_days: 28")
        configs.write_text(text.replace("plots_every_trial: true", "plots_every_trial: false"))
        replay = cls(place, root)
        content = in_file_order(births(members()).to_pandas()).to_csv(index=False).encode()
        Volume(place.client, f"/Volumes/ml_code_tests/{place.schema}/landing").write("generated-all.csv", content)
        ingest.run(replay.context("hrob.ingest", -1))
        features.run(replay.context("hrob.features", -1))
        assert replay.train(-1) == "promote"
        return replay

    def context(self, step: str, number: int) -> Context:
        """A step's context on a day."""
        return self.place.context(step, day(number), self.root)

    def live(self, numbers: Sequence[int], say: Any = print) -> None:
        """Batch inference and monitoring of each day, and the training where a rule asks for it."""
        for number in numbers:
            features.run(self.context("hrob.features", number))
            score.run(self.context("hrob.score", number), model=self.place.model)
            collect.run(self.context("hrob.collect", number), horizon_days=60, retention_days=730)
            windows = {"granularities": "1 week", "slices": ""}
            monitor.run(self.context("hrob.monitor", number), **windows, baseline="")
            measure.run(self.context("hrob.measure", number), model=self.place.model, **windows)
            ruled = rules.run(self.context("hrob.rules", number), model=self.place.model, rules=json.dumps(RULES))
            self.states[number] = ruled.alerts
            if ruled.retraining:
                self.retrained[number] = self.train(number, ruled.retraining.retraining)
                say(f"day {number}: {ruled.retraining.reason}: {self.retrained[number]}")

    def train(self, number: int, retraining: str = "") -> str:
        """The training job: the gate's verdict where it is not `train`, else the decision on the version."""
        model, experiment = self.place.model, self.place.experiment
        verdict = gate.run(self.context("hrob.gate", number), model=model)
        if verdict.decision != "train":
            return verdict.decision
        context = self.context("hrob.train", number)
        train.run(context, model=model, experiment=experiment, trials=3, retraining=retraining)
        promoted = promote.run(
            self.context("hrob.promote", number), model=model, experiment=experiment, floor=0.6, threshold=0.03
        )
        return promoted.decision

    def report(self, number: int, folder: str) -> report.Reported:
        """The report as of a day."""
        return report.run(self.context("hrob.report", number), model=self.place.model, folder=folder)

    def publish(self, workspace: Running, folder: Path) -> Published:
        """Report and dashboard of the last day as a browser shows them; pictures go into the folder."""
        written = self.report(DAYS - 1, "/branchline/dev/reports")
        client, name = self.place.client, f"ninety days {self.place.schema}"
        definition = json.dumps(define_dashboard(load_settings("staging", branch="main")))
        # The replay's own tables, and the only windows that it has.
        definition = definition.replace("`staging`.`hrob`", f"`ml_code_tests`.`{self.place.schema}`")
        definition = definition.replace("1 day", "1 week")
        warehouse = client.warehouses.create(name=name, cluster_size="2X-Small", max_num_clusters=1).id
        dashboard = Dashboard(
            display_name=name, serialized_dashboard=definition, warehouse_id=warehouse, parent_path="/Shared"
        )
        made = client.lakeview.create(dashboard)
        assert made.dashboard_id
        client.lakeview.publish(made.dashboard_id, warehouse_id=warehouse)
        browser = Browser(workspace, folder)
        report = browser.open(f"/reports{written.path}", width=1150, height=5400)
        pages = [browser.open(f"/dashboards/{made.dashboard_id}?page={page}") for page in ("overview", "data", "model")]
        return Published(report, pages)

    def firing(self, rule: str) -> list[int]:
        """Days on which a rule fired or was held back because it had just acted."""
        return [
            number
            for number, alerts in self.states.items()
            if any(alert.rule == rule and alert.state in ("firing", "cooling") for alert in alerts)
        ]

    def measured(self, metric: str, least_labels: int = 500) -> dict[int, float]:
        """A measure of the model by number of the day on which its week begins; weeks with few labels are left out."""
        context = self.context("read", DAYS - 1)
        rows = context.spark.table(context.table("inference_log_model_metrics"))
        rows = rows.where(f"metric = '{metric}' AND granularity = '1 week' AND slice_key IS NULL")
        rows = rows.where(f"column_name = ':table' AND model_version = '*' AND count >= {least_labels}")
        found = {row["window"]["start"].date(): row["value"] for row in rows.collect()}
        return {(start - FIRST).days: value for start, value in sorted(found.items())}
