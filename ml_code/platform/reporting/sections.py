"""The sections of a report, each from a history; what has no rows yet says so instead of an empty chart."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml_code.platform.evaluation.metrics import calibration_curve
from ml_code.platform.reporting import charts
from ml_code.platform.reporting.history import WEEK, History
from ml_code.platform.reporting.page import Card, Part, Section

PSI_LIMITS = (0.1, 0.2, 0.5)
"""Below 0.1 no change, to 0.2 a slight one, above a marked one (Siddiqi, "Credit Risk Scorecards", 2006)."""
_QUALITY = {
    "auc": "AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}
_NAMES = ("last complete week", "baseline")


def cards(history: History) -> list[Card]:
    """The numbers at the top."""
    found = []
    present = next((each for each in history.champions if each.present), None)
    if present:
        found.append(Card("Champion", f"v{present.version}", f"trained for {present.date} on {present.rows} rows"))
    else:
        found.append(Card("Champion", "none", "no version has passed the floor yet", "bad"))
    if not (quality := _measure(history, "auc")).empty:
        last = quality.sort_values("start").iloc[-1]
        note = f"week of {last['start']:%-d %B}, {int(last['count'])} labelled rows"
        found.append(Card("AUC, latest labelled week", f"{last['value']:.3f}", note))
    if not (drift := _weekly_psi(history)).empty:
        latest = drift[drift["start"] == drift["start"].max()]
        moved = int((latest["population_stability_index"] > PSI_LIMITS[1]).sum())
        note = f"of {len(latest)} columns, PSI above {PSI_LIMITS[1]:g}"
        found.append(Card("Drifted columns", str(moved), note, "bad" if moved else "good"))
    if not history.alerts.empty:
        today = history.alerts[history.alerts["date"] == history.alerts["date"].max()]
        beyond = sorted(set(today.loc[today["state"].isin(["firing", "cooling"]), "rule"]))
        mood = "bad" if beyond else "good"
        found.append(Card("Rules beyond their limit", str(len(beyond)), ", ".join(beyond) or "none", mood))
    if not history.retrainings.empty:
        last = history.retrainings.sort_values("date").iloc[-1]
        found.append(Card("Last retraining", str(last["outcome"]), f"asked for on {last['date']}"))
    return found


def sections(history: History) -> list[Section]:
    """All of them, in the order in which a reader asks."""
    return [
        _data(history),
        _drift(history),
        _quality(history),
        _fairness(history),
        _attributions(history),
        _alerts(history),
        _champions(history),
    ]


def _data(history: History) -> Section:
    words = "What the model was judged on when it became champion, beside what came in last week."
    numeric = _numeric(history.latest, history.baseline)
    if not numeric:
        return Section("data", "Data", "No complete week of predictions and no baseline to compare it with yet.")
    svg = charts.distributions(history.latest, history.baseline, numeric, names=_NAMES)
    rows = [_column_row(name, history.latest[name], history.baseline[name]) for name in numeric]
    head = ("column", "rows", "missing", "mean", "median", "baseline missing", "baseline mean", "baseline median")
    parts = [
        Part("Distributions", "Bars: the baseline. Line: the last complete week.", svg),
        Part(head=head, rows=rows),
    ]
    return Section("data", "Data", words, parts)


def _drift(history: History) -> Section:
    words = "Each week's predictions against the champion's baseline. A new champion brings a new baseline."
    psi = _weekly_psi(history)
    if psi.empty:
        return Section("drift", "Drift", "No complete week has been compared with a baseline yet.")
    marks = _marks(history)
    features = psi[psi["column_name"] != "risk"]
    parts = [
        Part(
            "Population stability index by column and week",
            "Below 0.1 no change, to 0.2 a slight one, above a marked one.",
            charts.heat(features, x="start", y="column_name", value="population_stability_index", limits=PSI_LIMITS),
        )
    ]
    risk = psi[psi["column_name"] == "risk"]
    if not risk.empty:
        reference = {"marked change": PSI_LIMITS[1]}
        svg = charts.lines(
            risk, x="start", y="population_stability_index", reference=reference, marks=marks, label="PSI"
        )
        parts.append(Part("Prediction drift", "The same for the predicted risk; dotted: a new champion.", svg))
    return Section("drift", "Drift over time", words, parts)


def _quality(history: History) -> Section:
    words = "Of the predictions whose label has come. A band is the 95 % interval, a dotted line a new champion."
    parts = []
    for metric, name in _QUALITY.items():
        rows = _measure(history, metric)
        if rows.empty:
            continue
        last = rows.sort_values("start").iloc[-1]
        reference = {"baseline": float(last["baseline"])} if pd.notna(last["baseline"]) else {}
        marks = _marks(history)
        svg = charts.lines(
            rows, x="start", y="value", low="low", high="high", reference=reference, marks=marks, label=name
        )
        parts.append(Part(name[:1].upper() + name[1:], svg=svg))
    curves = {}
    for name, rows in (("last eight weeks", history.labelled), ("baseline", history.baseline)):
        known = rows.dropna(subset=["risk", "label"]) if not rows.empty else rows
        if len(known) >= 50:
            predicted, observed, _ = calibration_curve(known["label"].to_numpy(float), known["risk"].to_numpy(float))
            curves[name] = (predicted, observed)
    if curves:
        parts.append(Part("Calibration", "Ten bins of equal size.", charts.calibration(curves)))
    return Section("quality", "Quality", words if parts else "No label has come yet.", parts)


def _fairness(history: History) -> Section:
    words = "Differences between the groups of each sensitive column; 0 is none. Small groups are not judged."
    parts = []
    for metric, name in (
        ("equal_opportunity_difference", "Equal opportunity: difference of true positive rates"),
        ("demographic_parity_difference", "Demographic parity: difference of predicted rates"),
    ):
        rows = (
            history.measures[history.measures["metric"] == metric] if not history.measures.empty else history.measures
        )
        rows = rows[(rows["granularity"] == WEEK) & rows["value"].notna()] if not rows.empty else rows
        if not rows.empty:
            svg = charts.lines(rows, x="start", y="value", by="column_name", marks=_marks(history), label="difference")
            parts.append(Part(name, svg=svg))
    return Section("fairness", "Fairness", words if parts else "Nothing has been measured by group yet.", parts)


def _attributions(history: History) -> Section:
    words = "Share of each feature in what the predictions are made of: mean of the absolute SHAP values."
    shares = _measure(history, "attribution_share", table_level=False)
    if shares.empty:
        return Section("attributions", "Attributions", "No attributions have been kept yet.")
    latest = shares[shares["start"] == shares["start"].max()].set_index("column_name")
    now, before = latest["value"].to_dict(), latest["baseline"].dropna().to_dict()
    parts = [Part("Now and at the baseline", svg=charts.bars(_named(now), _named(before), names=_NAMES))]
    drift = _measure(history, "attribution_drift")
    if not drift.empty:
        svg = charts.lines(drift, x="start", y="value", marks=_marks(history), label="1 - NDCG")
        parts.append(Part("Attribution drift", "0: the features rank as they did at the baseline.", svg))
    return Section("attributions", "Attributions", words, parts)


def _alerts(history: History) -> Section:
    if history.alerts.empty:
        return Section("alerts", "Alerts", "No rule has been evaluated yet.")
    parts = [Part("State of each rule by day", svg=charts.states(history.alerts, x="date", y="rule", state="state"))]
    fired = history.alerts[history.alerts["state"].isin(["firing", "cooling"])].sort_values("date")
    begun = fired.drop_duplicates(["rule", "slice_key", "slice_value", "column_name", "since"])
    rows = [(str(row["date"]), row["rule"], row["action"], row["reason"]) for _, row in begun.iterrows()]
    if rows:
        parts.append(Part("When rules began to fire", head=("date", "rule", "action", "why"), rows=rows))
    if not history.retrainings.empty:
        asked = history.retrainings.sort_values("date")
        became = [
            (str(row["date"]), row["reason"], row["outcome"], _text(row["version"], "v{}"), _text(row["detail"]))
            for _, row in asked.iterrows()
        ]
        parts.append(Part("Retrainings", head=("date", "why", "outcome", "version", "verdict"), rows=became))
    return Section(
        "alerts", "Alerts and retrainings", "What the rules of the settings said, and what came of it.", parts
    )


def _champions(history: History) -> Section:
    if not history.champions:
        return Section("champions", "Champions", "No version has been promoted yet.")
    head = ("version", "trained for", "held-out result", "interval", "rows", "data", "asked for by", "commit", "")
    rows = [
        (
            f"v{each.version}",
            each.date,
            f"{each.metric} {each.value}",
            each.interval,
            each.rows,
            each.source,
            each.retraining or "a training",
            each.commit,
            "champion now" if each.present else "",
        )
        for each in reversed(history.champions)
    ]
    return Section(
        "champions", "Champions", "Versions that passed validation, newest first.", [Part(head=head, rows=rows)]
    )


def _measure(history: History, metric: str, *, table_level: bool = True) -> pd.DataFrame:
    rows = history.measures
    if rows.empty:
        return rows
    kept = (rows["metric"] == metric) & (rows["granularity"] == WEEK) & rows["value"].notna()
    return (
        rows[kept & (rows["column_name"] == ":table")]
        if table_level
        else rows[kept & (rows["column_name"] != ":table")]
    )


def _weekly_psi(history: History) -> pd.DataFrame:
    rows = history.drift
    if rows.empty:
        return rows
    kept = rows["population_stability_index"].notna() & (rows["granularity"] == WEEK)
    return rows[kept & ~rows["column_name"].isin(["label", "prediction", "label_changes", ":table"])]


def _marks(history: History) -> list[pd.Timestamp]:
    days = sorted({each.date for each in history.champions if each.date})
    return [pd.Timestamp(day) for day in days[1:]]


def _numeric(latest: pd.DataFrame, baseline: pd.DataFrame) -> list[str]:
    if latest.empty or baseline.empty:
        return []
    left_out = {"label", "prediction", "label_changes"}
    shared = [name for name in latest.columns if name in baseline.columns and name not in left_out]
    return [name for name in shared if pd.api.types.is_numeric_dtype(latest[name]) and baseline[name].notna().any()]


def _column_row(name: str, now: pd.Series, before: pd.Series) -> tuple[str, ...]:
    return (name, f"{len(now):,}", *_three(now), *_three(before))


def _three(values: pd.Series) -> tuple[str, str, str]:
    finite = values[np.isfinite(values.astype(float))]
    if finite.empty:
        return f"{values.isna().mean():.1%}", "–", "–"
    return f"{values.isna().mean():.1%}", f"{finite.mean():.3g}", f"{finite.median():.3g}"


def _named(values: Mapping[object, float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items()}


def _text(value: object, form: str = "{}") -> str:
    return "" if value is None or pd.isna(value) else form.format(value)  # type: ignore[call-overload]  # a single value
