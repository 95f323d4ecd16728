"""Charts as SVG text that stands in a page: no scripts, no files beside it, the page's own font."""

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

COLOURS = ("#2458a6", "#d1652a", "#2c8a57", "#8b4aa8", "#b03a48", "#5c6b73", "#b08900", "#1b8a94")
GREY = "#8a8f98"
_BANDS = ListedColormap(["#e8f1ea", "#f6e3b4", "#f0b27a", "#d96c4f"])
_STATES = {"ok": "#cfe8d6", "no_data": "#e6e8eb", "cooling": "#f2cf7a", "firing": "#d3472f"}
_WIDE = 9.2  # inches, what the page is wide
_numbers = itertools.count()


def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    by: str | None = None,
    low: str | None = None,
    high: str | None = None,
    reference: Mapping[str, float] | None = None,
    marks: Sequence[pd.Timestamp] = (),
    label: str = "",
    height: float = 2.6,
) -> str:
    """Values over time, a line for each value of `by`, its interval as a band.

    `reference` gives horizontal lines by their names, `marks` vertical ones (a change of the champion).
    """
    figure, axes = _figure(height)
    for number, (name, part) in enumerate(frame.groupby(by, sort=True) if by else [("", frame)]):
        colour, part = COLOURS[number % len(COLOURS)], part.sort_values(x)
        axes.plot(part[x], part[y], color=colour, marker="o", markersize=3.5, linewidth=1.6, label=str(name))
        if low and high and part[low].notna().any():
            axes.fill_between(
                part[x], part[low].astype(float), part[high].astype(float), color=colour, alpha=0.13, lw=0
            )
    for name, value in (reference or {}).items():
        axes.axhline(value, color=GREY, linewidth=1, linestyle="--", label=name)
    for mark in marks:
        axes.axvline(mark, color=GREY, linewidth=0.9, linestyle=":")  # type: ignore[arg-type]  # a moment is a place on a time axis
    _time(axes, frame[x])
    axes.set_ylabel(label)
    if by or reference:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), frameon=False, fontsize=8)
    return _svg(figure)


def heat(frame: pd.DataFrame, *, x: str, y: str, value: str, limits: tuple[float, float, float]) -> str:
    """One row for each value of `y`, one cell a moment, coloured by the band that the value is in."""
    table = frame.pivot_table(index=y, columns=x, values=value, aggfunc="max")
    table = table.loc[table.max(axis=1).sort_values(ascending=True).index]
    figure, axes = _figure(0.8 + 0.23 * len(table))
    top = max(float(np.nanmax(table.to_numpy())), limits[-1] * 1.01)
    norm = BoundaryNorm([0, *limits, top], _BANDS.N)
    mesh = axes.pcolormesh(
        np.arange(table.shape[1] + 1), np.arange(len(table) + 1), table, cmap=_BANDS, norm=norm, edgecolor="white", lw=1
    )
    axes.set_yticks(np.arange(len(table)) + 0.5, [str(name) for name in table.index], fontsize=8)
    _cell_days(axes, list(table.columns))
    bar = figure.colorbar(mesh, ax=axes, fraction=0.025, pad=0.015, ticks=[0, *limits])
    bar.ax.tick_params(labelsize=7)
    return _svg(figure)


def states(frame: pd.DataFrame, *, x: str, y: str, state: str) -> str:
    """A band for each rule: its state by day."""
    order = {name: number for number, name in enumerate(_STATES)}
    worst = frame.assign(level=frame[state].map(order)).pivot_table(index=y, columns=x, values="level", aggfunc="max")
    figure, axes = _figure(0.8 + 0.28 * len(worst))
    colours = ListedColormap(list(_STATES.values()))
    axes.pcolormesh(
        np.arange(worst.shape[1] + 1), np.arange(len(worst) + 1), worst, cmap=colours, vmin=-0.5, vmax=len(order) - 0.5
    )
    axes.set_yticks(np.arange(len(worst)) + 0.5, [str(name) for name in worst.index], fontsize=8)
    _cell_days(axes, list(worst.columns))
    handles = [matplotlib.patches.Patch(color=colour, label=name) for name, colour in _STATES.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.05), frameon=False, fontsize=8)
    return _svg(figure)


def bars(now: Mapping[str, float], before: Mapping[str, float], *, names: tuple[str, str], most: int = 15) -> str:
    """Pairs of horizontal bars, the largest first."""
    keys = sorted(set(now) | set(before), key=lambda key: max(now.get(key, 0), before.get(key, 0)))[-most:]
    figure, axes = _figure(0.7 + 0.27 * len(keys))
    place = np.arange(len(keys))
    axes.barh(place + 0.2, [now.get(key, 0) for key in keys], 0.38, color=COLOURS[0], label=names[0])
    axes.barh(place - 0.2, [before.get(key, 0) for key in keys], 0.38, color="#b9c4d6", label=names[1])
    axes.set_yticks(place, keys, fontsize=8)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    return _svg(figure)


def distributions(now: pd.DataFrame, before: pd.DataFrame, columns: Sequence[str], *, names: tuple[str, str]) -> str:
    """Small histograms side by side: the same bins for both, heights in shares of the rows."""
    across = 4
    down = -(-len(columns) // across)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDE, 1.5 * down + 0.3), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)
    for axes, column in itertools.zip_longest(grid.flat, columns):
        if column is None:
            axes.set_axis_off()
            continue
        _histogram(axes, now[column], before[column])
        axes.set_title(column, fontsize=8)
    figure.legend(
        *grid.flat[0].get_legend_handles_labels(), ncols=2, fontsize=8, loc="outside upper right", frameon=False
    )
    figure.legends[0].get_texts()[0].set_text(names[1])
    figure.legends[0].get_texts()[1].set_text(names[0])
    return _svg(figure)


def calibration(curves: Mapping[str, tuple[Any, Any]]) -> str:
    """Predicted probability against observed rate, in bins, one curve a name."""
    figure, axes = _figure(2.9, wide=4.4)
    edge = 0.01
    for number, (name, (predicted, observed)) in enumerate(curves.items()):
        axes.plot(predicted, observed, marker="o", markersize=4, color=COLOURS[number % len(COLOURS)], label=name)
        edge = max(edge, float(np.max(predicted, initial=0)), float(np.max(observed, initial=0)))
    axes.plot([0, edge], [0, edge], color=GREY, linewidth=0.9, linestyle="--")
    axes.set_xlabel("predicted risk")
    axes.set_ylabel("observed rate")
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


_STYLE: Any = {  # the stubs want each key as a literal
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b6bbc2",
    "axes.grid": True,
    "grid.color": "#eceef1",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
}


def _figure(height: float, wide: float = _WIDE) -> tuple[Figure, Axes]:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(wide, height), layout="constrained")
        return figure, figure.add_subplot()


def _svg(figure: Figure) -> str:
    """The figure alone, without the XML head; ids of one figure are not those of another on the same page."""
    text = io.StringIO()
    salted: Any = {**_STYLE, "svg.hashsalt": f"chart-{next(_numbers)}"}
    with matplotlib.rc_context(salted):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _time(axes: Axes, moments: pd.Series) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=10)  # type: ignore[no-untyped-call]  # matplotlib's
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # matplotlib's
    if moments.nunique() == 1:
        only = moments.iloc[0]
        axes.set_xlim(only - pd.Timedelta(days=3), only + pd.Timedelta(days=3))


def _cell_days(axes: Axes, moments: list[Any]) -> None:
    step = max(1, len(moments) // 10)
    places = range(0, len(moments), step)
    axes.set_xticks([place + 0.5 for place in places], [f"{pd.Timestamp(moments[place]):%-d %b}" for place in places])
    axes.tick_params(length=0)
    axes.grid(visible=False)


def _histogram(axes: Axes, now: pd.Series, before: pd.Series) -> None:
    both = pd.concat([now, before]).dropna()
    both = both[np.isfinite(both)]
    if both.empty:
        both = pd.Series([0.0, 1.0])
    low, high = float(both.quantile(0.005)), float(both.quantile(0.995))
    edges = np.linspace(low, high if high > low else low + 1, min(20, max(2, both.nunique())) + 1)
    axes.stairs(_shares(before, edges), edges, fill=True, color="#c3cddd", label="before")
    axes.stairs(_shares(now, edges), edges, linewidth=1.4, color=COLOURS[0], label="now")
    axes.tick_params(labelsize=6.5)
    axes.set_yticks([])


def _shares(values: pd.Series, edges: Any) -> Any:
    """Shares of the rows by bin; what lies outside counts in the outermost bins."""
    kept = values.dropna().clip(edges[0], edges[-1])
    return np.histogram(kept, edges)[0] / max(len(kept), 1)
