"""Curves of one number over environment steps, of one run or of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from teachrl.report.figures import COLORS, label, style, thin

MAX_CURVE_POINTS = 500
DASHES = ("solid", "dash", "dot", "dashdot")
TITLES = {
    "mastered_percent": "mastered tasks (%)",
    "mean_return": "mean return",
    "mean_discounted_return": "mean discounted return",
    "mean_solve_rate": "mean solve rate",
}


@dataclass(frozen=True)
class Curve:
    """``values`` at ``steps``, of one run. Curves of one ``group`` look alike and share an entry of the legend."""

    group: str
    name: str
    steps: Sequence[float]
    values: Sequence[float]


def curves_figure(curves: Sequence[Curve], title: str, height: int = 460) -> go.Figure | None:
    """All curves in one panel, as far as their values are known; None where none is. ``title`` is the values' axis."""
    groups = {group: n for n, group in enumerate(dict.fromkeys(curve.group for curve in curves))}
    figure = go.Figure()
    named = set[str]()
    for curve in curves:
        known = np.flatnonzero(np.isfinite(np.asarray(curve.values, dtype=np.float64)))
        if not len(known):
            continue
        shown = known[thin(len(known), MAX_CURVE_POINTS)]
        color, turn = groups[curve.group] % len(COLORS), groups[curve.group] // len(COLORS)
        figure.add_scatter(
            x=np.asarray(curve.steps, dtype=np.float64)[shown],
            y=np.asarray(curve.values, dtype=np.float64)[shown],
            mode="lines+markers",
            line={"color": COLORS[color], "width": 1.8, "dash": DASHES[turn % len(DASHES)]},
            marker={"size": 5},
            name=label(curve.group),
            legendgroup=str(groups[curve.group]),
            showlegend=len(groups) > 1 and curve.group not in named,
            text=label(curve.name),
            hoverinfo="x+y+text",
        )
        named.add(curve.group)
    if not figure.data:
        return None
    figure.update_xaxes(title="environment steps")
    figure.update_yaxes(title=title)
    style(figure, height)
    return figure.update_layout(margin={"t": 50 + 24 * (len(named) // 3)}) if len(groups) > 1 else figure
