import json
import datetime as dt
from ml_code.platform import tables
from ml_code.platform.monitoring import schema, retraining, retrying, commits
from ml_code.projects.hrob import rules
from tests.ml_code.conftest import Place


def test_it(place: Place):
    u = dt.timezone.utc
    c = place.context("x", "2026-03-05")
    name = c.table("inference_log_model_metrics")
    commits.create(c.spark, name, schema.MODEL_METRICS, "x")

    def row(day, v, key=None):
        a = dt.datetime(2026, 3, day, tzinfo=u)
        return {
            "window": {"start": a, "end": a + dt.timedelta(days=1)},
            "granularity": "1 day",
            "model_version": "*",
            "metric": "auc",
            "column_name": ":table",
            "value": v,
            "count": 100,
        }

    retrying.replace(
        c.spark, name, schema.MODEL_METRICS, [row(d, 0.7 - d * 0.03) for d in range(1, 7)], "granularity = '1 day'"
    )
    text = json.dumps(
        [
            {
                "name": "auc",
                "table": "model",
                "metric": "auc",
                "below": 0.6,
                "granularity": "1 day",
                "breaches": 2,
                "of": 3,
                "action": "retrain",
            },
            {"name": "psi", "table": "drift", "metric": "population_stability_index", "above": 0.2},
        ]
    )
    for day in range(3, 9):
        c = place.context("x", f"2026-03-{day:02}", run_id="0")
        c.run_id = "0"
        for _ in range(2):
            r = rules.run(c, model=place.model, rules=text)
        if day == 6:
            retraining.record_outcome(c, "retraining-2026-03-05", "refused", 3, "no better")
    print(
        c.spark.table(c.table("monitoring_alerts"))
        .select("date", "rule", "state", "action", "since", "breaches", "windows", "reason")
        .toPandas()
        .to_string()
    )
