"""The monitoring dashboard: three pages over the monitoring's tables."""

from infra.settings.settings import Settings
from stacks.dashboard.datasets import datasets
from stacks.dashboard.widgets import Json, chart, counter, place, table, text


def define_dashboard(settings: Settings) -> Json:
    """The definition for an environment or a copy: the same text for the same settings."""
    return {
        "datasets": [dataset.as_json() for dataset in datasets(settings)],
        "pages": [
            _page("overview", "Overview", _overview(settings)),
            _page("data", "Data", _data()),
            _page("model", "Model", _model()),
        ],
    }


def _page(name: str, title: str, layout: list[Json]) -> Json:
    return {"name": name, "displayName": title, "layout": layout, "pageType": "PAGE_TYPE_CANVAS"}


def _overview(settings: Settings) -> list[Json]:
    heading = text(
        "heading",
        f"## {settings.project.project} in {settings.environment}",
        f"Model {settings.model_full_name}, from branch {settings.branch}. The report with plots and the history of"
        f" champions is in {settings.reports_folder}.",
    )
    columns = ("rule", "state", "action", "column_name", "slice_value", "value", "bound", "since", "reason")
    history = ("date", "retraining", "outcome", "version", "champion", "reason", "detail")
    return [
        place(heading, 0, 0, 6, 2),
        place(counter("beyond", "Rules beyond their limit", "beyond", "rules"), 0, 2, 2, 3),
        place(counter("predictions", "Predictions", "predictions", "predictions"), 2, 2, 1, 3),
        place(counter("labels", "Labels known", "predictions", "labels"), 3, 2, 1, 3),
        place(counter("retrained", "Retrainings", "promoted", "retrainings"), 4, 2, 1, 3),
        place(counter("promoted", "Promoted", "promoted", "promoted"), 5, 2, 1, 3),
        place(table("alerts", "Alert rules, latest evaluation", "alerts", columns), 0, 5, 6, 7),
        place(chart("bar", "days", "Firing rules by day", "alert_days", "date", "columns_firing", "rule"), 0, 12, 6, 5),
        place(table("retrainings", "Retrainings", "retrainings", history), 0, 17, 6, 5),
    ]


def _data() -> list[Json]:
    psi, ks, by = "population_stability_index", "ks_statistic", "column_name"
    features = "Drift of features against the baseline (PSI)"
    return [
        place(chart("area", "rows", "Predictions by window", "rows", "start", "count"), 0, 0, 3, 6),
        place(chart("line", "nulls", "Missing values (%)", "nulls", "start", "percent_null", by), 3, 0, 3, 6),
        place(chart("line", "features", features, "feature_drift", "start", psi, by), 0, 6, 6, 8),
        place(chart("line", "psi", "Drift of predictions (PSI)", "prediction_drift", "start", psi), 0, 14, 3, 6),
        place(chart("line", "ks", "Drift of predictions (KS)", "prediction_drift", "start", ks), 3, 14, 3, 6),
    ]


def _model() -> list[Json]:
    shown = {
        "quality": "Quality by window",
        "fairness": "Differences between groups",
        "attributions": "Attributions: shares and drift",
        "skew": "Online and offline features: skew",
    }
    return [
        place(chart("line", name, title, name, "start", "value", "series"), 0, 7 * number, 6, 7)
        for number, (name, title) in enumerate(shown.items())
    ]
