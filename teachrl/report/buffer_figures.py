"""The level buffer: scores against staleness, and how score and size went on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from teachrl.records.curriculum import Curriculum
from teachrl.report.figures import COLORS, style, thin
from teachrl.report.run_data import RunData

MAX_MOMENTS = 500


def buffer_figure(run: RunData) -> go.Figure | None:
    """On the left the buffer at the last checkpoint that shows one; on the right its mean score and size over time."""
    moments = [c for c in run.curricula if len(c.buffer)]
    if not moments:
        return None
    last = moments[-1]
    figure = make_subplots(
        rows=2,
        cols=2,
        specs=[[{"rowspan": 2}, {}], [None, {}]],
        shared_xaxes=True,
        horizontal_spacing=0.12,
        vertical_spacing=0.1,
        subplot_titles=[f"step {last.step:,}: {len(last.buffer):,} levels", "over time"],
    )
    score, staleness = np.asarray(last.buffer).T
    marker = {"size": 6, "color": COLORS[0], "opacity": 0.5}
    figure.add_scatter(x=staleness, y=score, mode="markers", marker=marker, row=1, col=1)
    _add_course(figure, [moments[k] for k in thin(len(moments), MAX_MOMENTS)])
    figure.update_xaxes(title="staleness (draws since it was last played)", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="score", row=1, col=1)
    figure.update_yaxes(title="mean score", row=1, col=2)
    figure.update_yaxes(title="levels", rangemode="tozero", row=2, col=2)
    figure.update_xaxes(title="environment steps", row=2, col=2)
    style(figure, 460)
    return figure.update_layout(showlegend=False)


def _add_course(figure: go.Figure, moments: Sequence[Curriculum]) -> None:
    steps = [c.step for c in moments]
    every = [np.asarray(c.buffer)[:, 0] for c in moments]
    known = [scores[np.isfinite(scores)] for scores in every]
    means = [float(scores.mean()) if len(scores) else np.nan for scores in known]
    for row, values in ((1, means), (2, [float(len(c.buffer)) for c in moments])):
        line = {"color": COLORS[0], "width": 2}
        figure.add_scatter(x=steps, y=values, mode="lines+markers", line=line, marker={"size": 6}, row=row, col=2)
