"""Learning curves and the tasks that were sampled, with what all the report's figures share."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from teachrl.report.run_data import RunData, Vector
from teachrl_envs.tasks import Dimension, TaskSpace

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
COLORS = ("#2563a8", "#d1682a", "#2f8f5b", "#8a4fa3", "#b8343f", "#6b7280", "#0f8a96", "#a68a1c")
WINDOW = 100
BINS = 40
MAX_POINTS = 5000
MAX_CURVE_POINTS = 1500
MAX_DIMENSIONS = 4


def label(text: object) -> str:
    """``text`` as a plotly label. Plotly reads a subset of HTML and ``%{...}`` in labels; names must stay names."""
    return html.escape(str(text)).replace("{", "&#123;")


def thin(n: int, at_most: int) -> NDArray[np.intp]:
    """Indices of at most ``at_most`` of ``n`` items, evenly spread, the first and the last among them."""
    if n <= at_most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, at_most).round().astype(np.intp))


def rolling_mean(values: Vector, window: int = WINDOW) -> Vector:
    """Mean of the last ``window`` values at each place; of fewer where there are not yet so many. NaN is left out."""
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    n = counts[end] - counts[start]
    mean: Vector = np.where(n > 0, (sums[end] - sums[start]) / np.maximum(n, 1), np.nan)
    return mean


def binned(step: Vector, values: Vector, weights: Vector, end: float) -> tuple[Vector, Vector]:
    """Weighted means of ``values`` in `BINS` equal spans of ``(0, end]``: middles and means, without empty spans."""
    known = np.isfinite(values)
    place = np.clip(np.ceil(step[known] / max(end, 1.0) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    weight = np.bincount(place, weights[known], BINS)
    total = np.bincount(place, values[known] * weights[known], BINS)
    full = weight > 0
    middles: Vector = (np.arange(BINS) + 0.5) / BINS * end
    return middles[full], total[full] / weight[full]


def color_range(values: Vector) -> tuple[float, float]:
    """Limits for a colour scale; the outermost 2% are cut, or one crash would take all the contrast."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = (float(x) for x in np.percentile(finite, [2, 98]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def shown_dimensions(space: TaskSpace) -> list[int]:
    """The dimensions that are drawn: the first four that vary."""
    varying = [i for i, d in enumerate(space.dimensions) if d.high > d.low]
    return varying[:MAX_DIMENSIONS] or [0]


def axis(dimension: Dimension) -> dict[str, Any]:
    """Layout of the axis of one dimension: its whole range, whatever was sampled of it."""
    width = dimension.high - dimension.low
    pad = 0.04 * width if dimension.kind == "continuous" and width > 0 else 0.5
    settings: dict[str, Any] = {"title": label(dimension.name), "range": [dimension.low - pad, dimension.high + pad]}
    if dimension.kind == "choice" and len(dimension.choices) <= 20:
        settings["tickvals"] = list(range(len(dimension.choices)))
        settings["ticktext"] = [label(choice) for choice in dimension.choices]
    return settings


def style(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the report's look."""
    figure.update_layout(
        template="plotly_white",
        height=height,
        font={"family": FONT, "size": 13, "color": "#22272e"},
        margin={"l": 70, "r": 30, "t": 50, "b": 60},
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.04, "x": 0},
    )
    figure.update_xaxes(showline=True, linecolor="#c8ccd2", ticks="outside", automargin=True, zeroline=False)
    figure.update_yaxes(showline=True, linecolor="#c8ccd2", ticks="outside", automargin=True, zeroline=False)
    return figure


def jittered(space: TaskSpace, tasks: Vector) -> Vector:
    """Tasks with whole numbers spread around their value, else thousands of equal ones would look like one.

    The spread is a low-discrepancy sequence: the same report for the same run, without a random generator.
    """
    shifted = tasks.copy()
    order = np.arange(1, len(tasks) + 1)
    for i, dimension in enumerate(space.dimensions):
        if dimension.kind != "continuous":
            shifted[:, i] += ((order * (0.6180339887 + 0.1357 * i)) % 1.0 - 0.5) * 0.6
    return shifted


def learning_figure(runs: Sequence[RunData], names: Sequence[str]) -> go.Figure | None:
    """Returns in training and evaluation, and the percentage of mastered tasks, of all runs together."""
    if not any(len(run.episodes) or run.evaluations for run in runs):
        return None
    has_mastery = any(np.isfinite(e.mastered_percent) for run in runs for e in run.evaluations)
    rows, heights = (2, [0.62, 0.38]) if has_mastery else (1, [1.0])
    figure = make_subplots(
        rows=rows,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.08,
        row_heights=heights,
    )
    for i, (run, name) in enumerate(zip(runs, names, strict=True)):
        prefix = f"{label(name)}: " if len(runs) > 1 else ""
        _add_training(figure, run, prefix, COLORS[i % len(COLORS)])
        # One run has the whole palette to itself; several are told apart by colour, so marks tell the kind.
        _add_evaluations(figure, run, prefix, COLORS[i % len(COLORS)] if len(runs) > 1 else COLORS[1], has_mastery)
    figure.update_yaxes(title="return", row=1, col=1)
    figure.update_xaxes(title="environment steps", row=rows, col=1)
    if has_mastery:
        figure.update_yaxes(title="mastered tasks (%)", range=[-3, 103], row=2, col=1)
    style(figure, 620 if has_mastery else 440)
    if len(runs) > 1:
        figure.update_layout(margin={"t": 50 + 24 * len(runs)})
    return figure


def _add_training(figure: go.Figure, run: RunData, prefix: str, color: str) -> None:
    episodes = run.episodes
    if not len(episodes):
        return
    raw = thin(len(episodes), MAX_CURVE_POINTS)
    curve = thin(len(episodes), MAX_CURVE_POINTS)
    figure.add_scatter(
        x=episodes.step[raw],
        y=episodes.returns[raw],
        mode="markers",
        marker={"size": 4, "color": color, "opacity": 0.22},
        name=f"{prefix}episodes",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=episodes.step[curve],
        y=rolling_mean(episodes.returns)[curve],
        mode="lines",
        line={"width": 2.2, "color": color},
        name=f"{prefix}mean of {WINDOW} episodes",
        row=1,
        col=1,
    )


def _add_evaluations(figure: go.Figure, run: RunData, prefix: str, color: str, has_mastery: bool) -> None:
    steps = [e.step for e in run.evaluations]
    if not steps:
        return
    figure.add_scatter(
        x=steps,
        y=np.array([e.mean_return for e in run.evaluations]),
        mode="lines+markers",
        line={"width": 2, "color": color, "dash": "dot"},
        marker={"size": 8, "symbol": "diamond"},
        name=f"{prefix}evaluation",
        row=1,
        col=1,
    )
    if has_mastery:
        figure.add_scatter(
            x=steps,
            y=np.array([e.mastered_percent for e in run.evaluations]),
            mode="lines+markers",
            line={"width": 2, "color": color},
            marker={"size": 8, "symbol": "diamond"},
            name=f"{prefix}mastered",
            showlegend=False,
            row=2,
            col=1,
        )


def sampled_tasks_figure(run: RunData) -> go.Figure | None:
    """Where in the task space the teacher sampled: left coloured by step, right by return."""
    episodes, space = run.episodes, run.space
    if not len(episodes):
        return None
    shown = shown_dimensions(space)
    pairs: list[tuple[int | None, int]] = list(combinations(shown, 2)) or [(None, shown[0])]
    # Every panel draws every point again, so many pairs share the budget that keeps the page responsive.
    chosen = thin(len(episodes), MAX_POINTS if len(pairs) == 1 else max(MAX_POINTS // len(pairs), 1500))
    tasks, step = jittered(space, episodes.tasks[chosen]), episodes.step[chosen]
    height = 470 if len(pairs) == 1 else 330 * len(pairs)
    figure = make_subplots(
        rows=len(pairs),
        cols=2,
        subplot_titles=["coloured by step", "coloured by return"],
        horizontal_spacing=0.19,
        vertical_spacing=0 if len(pairs) == 1 else 75 / height,
    )
    for row, (i, j) in enumerate(pairs, start=1):
        for col, color in ((1, step), (2, episodes.returns[chosen])):
            marker = {"size": 4, "opacity": 0.65, "color": color, "coloraxis": f"coloraxis{'' if col == 1 else 2}"}
            x = step if i is None else tasks[:, i]
            figure.add_scatter(x=x, y=tasks[:, j], mode="markers", marker=marker, showlegend=False, row=row, col=col)
            x_axis = {"title": "environment steps"} if i is None else axis(space.dimensions[i])
            figure.update_xaxes(x_axis, row=row, col=col)
            figure.update_yaxes(axis(space.dimensions[j]), row=row, col=col)
    low, high = color_range(episodes.returns)
    bar = {"thickness": 12, "len": min(1.0, 420 / height), "y": 1, "yanchor": "top"}
    style(figure, height)
    figure.update_layout(
        coloraxis={"colorscale": "Viridis", "colorbar": {**bar, "x": 0.415, "title": "step"}},
        coloraxis2={
            **{"colorscale": "Plasma", "cmin": low, "cmax": high},
            "colorbar": {**bar, "x": 1.01, "title": "return"},
        },
    )
    return figure
