"""Levels over time: how complex those were that the teacher chose, and how far apart its two students were on them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from teachrl.report.figures import COLORS, binned, label, style, thin
from teachrl.report.run_data import Episodes, RunData, Vector
from teachrl_envs.maze.level_space import LevelTaskSpace

MAX_GAPS = 1500
PANELS = {"walls": "walls", "shortest_path": "shortest way (cells)", "solvable": "can be solved (%)"}


def complexity_figure(run: RunData) -> go.Figure | None:
    """Walls, shortest way and solvable share of the levels played, a line for each origin."""
    if not isinstance(run.space, LevelTaskSpace) or not len(run.played):
        return None
    measures = complexity(run.space, run.played.levels)
    end = float(run.played.step.max())
    figure = make_subplots(rows=len(PANELS), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for n, origin in enumerate(np.unique(run.played.origin)):
        chosen = run.played.origin == origin
        for row, name in enumerate(PANELS, start=1):
            x, y = binned(run.played.step[chosen], measures[name][chosen], run.played.length[chosen], end)
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines+markers",
                line={"color": COLORS[n % len(COLORS)], "width": 2},
                marker={"size": 5},
                name=label(origin or "not recorded"),
                legendgroup=str(n),
                showlegend=row == 1,
                row=row,
                col=1,
            )
    for row, title in enumerate(PANELS.values(), start=1):
        figure.update_yaxes(title=title, rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title="environment steps", row=len(PANELS), col=1)
    return style(figure, 640)


def complexity(space: LevelTaskSpace, levels: Vector) -> dict[str, Vector]:
    """What `PANELS` shows of each level, shape ``(n,)``; the shortest way is NaN where there is none."""
    found = space.complexity(levels)
    path = found["shortest_path"].astype(np.float64)
    return {
        "walls": found["walls"].astype(np.float64),
        "shortest_path": np.where(path >= 0, path, np.nan),
        "solvable": 100.0 * (path >= 0),
    }


def gap_figure(run: RunData) -> go.Figure | None:
    """The mean returns of the two students, and their difference on each level that both played."""
    step, own, other = shared_levels(run.episodes, run.antagonist)
    if not len(step):
        return None
    once, end, gap = np.ones(len(step)), float(step.max()), other - own
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for name, values, color in (("protagonist", own, COLORS[0]), ("antagonist", other, COLORS[1])):
        x, y = binned(step, values, once, end)
        line = {"color": color, "width": 2}
        figure.add_scatter(x=x, y=y, mode="lines+markers", line=line, marker={"size": 5}, name=name, row=1, col=1)
    points = thin(len(step), MAX_GAPS)
    marker = {"size": 4, "color": COLORS[3], "opacity": 0.22}
    figure.add_scatter(x=step[points], y=gap[points], mode="markers", marker=marker, name="one level", row=2, col=1)
    x, y = binned(step, gap, once, end)
    line = {"color": COLORS[3], "width": 2}
    figure.add_scatter(x=x, y=y, mode="lines+markers", line=line, marker={"size": 5}, name="gap", row=2, col=1)
    figure.update_yaxes(title="return", row=1, col=1)
    figure.update_yaxes(title="antagonist less protagonist", row=2, col=1)
    figure.update_xaxes(title="environment steps", row=2, col=1)
    return style(figure, 560)


def shared_levels(own: Episodes, other: Episodes) -> tuple[Vector, Vector, Vector]:
    """For each level that both students ended an episode on: the last step, and the mean return of each.

    A level is told by the teacher's version and the environment: in a round, both play the same one there.
    """
    keys = np.concatenate([np.column_stack([e.version, e.env_index]) for e in (own, other)])
    if not len(keys):
        return np.empty(0), np.empty(0), np.empty(0)
    rounds, place = np.unique(keys, axis=0, return_inverse=True)
    places = np.split(place, [len(own)])
    counts = [np.bincount(where, minlength=len(rounds)) for where in places]
    sums = [np.bincount(at, e.returns, len(rounds)) for at, e in zip(places, (own, other), strict=True)]
    last = np.zeros(len(rounds))
    np.maximum.at(last, place, np.concatenate([own.step, other.step]))
    both = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    both = both[np.argsort(last[both], kind="stable")]
    return last[both], sums[0][both] / counts[0][both], sums[1][both] / counts[1][both]
