"""A picture of attributions: bars of the mean, and beside them every row's contributions coloured by the value."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ml_code.platform.explain.attributions import Attributions
from ml_code.platform.explain.contributions import Floats
from ml_code.platform.features.preparation import Matrix

_MOST_FEATURES = 15
_MOST_ROWS = 1_000
_LOW, _HIGH = "#2c7fb8", "#d7301f"


def draw(path: Path, found: Attributions, names: Sequence[str], matrix: Matrix, values: Floats, words: str) -> None:
    """Writes a PNG of the strongest features; `words` name the raw scale, such as "log odds"."""
    shown = found.features[:_MOST_FEATURES]
    every = max(1, -(-len(matrix) // _MOST_ROWS))
    figure = Figure(figsize=(9, 0.8 + 0.32 * max(len(shown), 3)), dpi=90, layout="constrained")
    bars, swarm = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [2, 3]})
    for height, feature in enumerate(reversed(shown)):
        place = list(names).index(feature.feature)
        bars.barh(height, feature.mean, color="#7a7a7a", height=0.6)
        across = values[::every, place]
        colours = _ranks(np.asarray(matrix[::every, place], dtype=np.float64))
        swarm.scatter(
            across,
            height + _spread(across),
            c=colours,
            cmap=_scale(),
            vmin=0,
            vmax=1,
            s=5,
            linewidths=0,
            plotnonfinite=True,
        )
    swarm.axvline(0, color="grey", linewidth=0.8)
    bars.set_yticks(range(len(shown)), [feature.feature for feature in reversed(shown)], fontsize=8)
    bars.set_xlabel(f"mean absolute contribution ({words})", fontsize=8)
    swarm.set_xlabel(f"contribution by row ({words}); blue: low value, red: high, grey: missing", fontsize=8)
    for plot in (bars, swarm):
        plot.tick_params(labelsize=8)
        plot.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png")


def _ranks(values: Floats) -> Floats:
    """Each value's place among the feature's, from 0 to 1, ties alike; NaN where it is missing."""
    there = np.isfinite(values)
    unique, place = np.unique(values[there], return_inverse=True)
    ranks: Floats = np.full(len(values), np.nan)
    ranks[there] = place / max(len(unique) - 1, 1)
    return ranks


def _spread(across: Floats) -> Floats:
    """Height of each point about its row: where many contributions are alike the points stack up, alternating."""
    bins = np.digitize(across, np.linspace(across.min(), across.max(), 60)) if len(across) else across
    heights = np.zeros(len(across))
    for number in np.unique(bins):
        members = np.flatnonzero(bins == number)
        order = np.arange(len(members))
        heights[members] = (order + 1) // 2 * np.where(order % 2, 1, -1)
    reach = float(np.abs(heights).max(initial=0))
    return heights * (0.35 / reach) if reach else heights


def _scale() -> object:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low to high", [_LOW, _HIGH]).with_extremes(bad="#b0b0b0")
