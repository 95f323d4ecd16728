"""The profile as one small picture: a histogram or the most frequent values of each column."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ml_code.platform.data_checks.profile import ColumnProfile, TableProfile

_ACROSS = 4
_MOST_COLUMNS = 48
_MOST_VALUES = 8
_DOTS_PER_INCH = 72


def write_figure(path: Path, profile: TableProfile) -> None:
    """PNG of the columns that have values; of a wide table the first ones."""
    shown = [column for column in profile.columns.values() if column.bins is not None][:_MOST_COLUMNS]
    down = max(1, -(-len(shown) // _ACROSS))
    figure = Figure(figsize=(3 * _ACROSS, 1.9 * down), dpi=_DOTS_PER_INCH, layout="constrained")
    for number, column in enumerate(shown, 1):
        _draw(figure.add_subplot(down, _ACROSS, number), column)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png")


def _draw(plot: Axes, column: ColumnProfile) -> None:
    missing = f", {column.null_share:.0%} null" if column.nulls else ""
    plot.set_title(f"{column.name}{missing}", fontsize=9)
    plot.tick_params(labelsize=7)
    plot.set_yticks([])
    if column.histogram is None:
        top = column.top(_MOST_VALUES)
        plot.bar([str(value)[:12] for value, _ in top], [count for _, count in top])
        plot.tick_params(axis="x", labelrotation=45)
    elif len(column.histogram.counts) == 1:
        plot.bar([f"{column.histogram.edges[0]:g}"], column.histogram.counts)
    else:
        edges = np.asarray(column.histogram.edges)
        plot.bar(edges[:-1], column.histogram.counts, np.diff(edges), align="edge")
