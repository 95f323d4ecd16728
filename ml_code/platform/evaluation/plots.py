"""Small pictures of a model for its run: cheap enough to be drawn for every trial."""

import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ml_code.platform.evaluation.metrics import (
    Floats,
    auc,
    average_precision,
    calibration_curve,
    precision_recall_curve,
    roc_curve,
)

_DOTS_PER_INCH = 72
_MOST_FEATURES = 20


def write_files(folder: Path, y: Floats, p: Floats, importance: Mapping[str, float]) -> None:
    """ROC, precision-recall, calibration and feature importance as PNG, and the importance as JSON, into the folder."""
    ordered = dict(sorted(importance.items(), key=lambda item: -item[1]))
    (folder / "feature_importance.json").write_text(json.dumps(ordered, indent=1))
    _bars(folder / "feature_importance.png", ordered)
    write_curves(folder, y, p)


def write_curves(folder: Path, y: Floats, p: Floats) -> None:
    """ROC, precision-recall and calibration of a model on some rows as PNG, into the folder."""
    false_rate, true_rate = roc_curve(y, p)
    title = f"ROC, AUC {auc(y, p):.3f}"
    _lines(
        folder / "roc.png", title, ("false positive rate", "true positive rate"), false_rate, true_rate, diagonal=1.0
    )

    recall, precision = precision_recall_curve(y, p)
    title = f"Precision-recall, average precision {average_precision(y, p):.3f}"
    _lines(folder / "precision_recall.png", title, ("recall", "precision"), recall, precision)

    predicted, observed, _ = calibration_curve(y, p)
    edge = float(max(predicted.max(initial=0.01), observed.max(initial=0.01)))
    axes = ("predicted risk", "observed rate")
    _lines(folder / "calibration.png", "Calibration, ten bins", axes, predicted, observed, diagonal=edge, marker="o")


def _lines(
    path: Path,
    title: str,
    axes: tuple[str, str],
    x: Floats,
    y: Floats,
    *,
    diagonal: float | None = None,
    marker: str = "",
) -> None:
    figure = Figure(figsize=(4.5, 4), dpi=_DOTS_PER_INCH)
    plot = figure.add_subplot()
    plot.plot(x, y, marker=marker, drawstyle="default" if marker else "steps-post")
    if diagonal is not None:
        plot.plot([0, diagonal], [0, diagonal], color="grey", linewidth=0.8)
    plot.set_title(title, fontsize=10)
    plot.set_xlabel(axes[0])
    plot.set_ylabel(axes[1])
    _save(figure, path)


def _bars(path: Path, importance: Mapping[str, float]) -> None:
    top = list(importance.items())[:_MOST_FEATURES][::-1]
    figure = Figure(figsize=(5.5, 4), dpi=_DOTS_PER_INCH)
    plot = figure.add_axes((0.38, 0.1, 0.57, 0.8))
    plot.barh([name for name, _ in top], [value for _, value in top])
    plot.set_title("Feature importance (gain)", fontsize=10)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png")
