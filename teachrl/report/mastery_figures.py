"""What the student mastered: the test set at several evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from teachrl.report.figures import COLORS, axis, color_range, jittered, label, shown_dimensions, style, thin
from teachrl.report.run_data import Evaluation, RunData, Vector

MAX_CHECKPOINTS = 5


def mastery_figure(run: RunData) -> go.Figure | None:
    """The return on each test task at up to five evaluations, with the mastered tasks marked."""
    evaluations = [e for e in run.evaluations if len(e.tasks)]
    if not evaluations:
        return None
    chosen = [evaluations[k] for k in thin(len(evaluations), MAX_CHECKPOINTS)]
    if len(_varying(run, chosen[-1])) == 1:
        return _mastery_lines(run, chosen)
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_checkpoint_title(e) for e in chosen],
        horizontal_spacing=0.09,
        vertical_spacing=0.2,
    )
    for n, evaluation in enumerate(chosen):
        _add_mastery(figure, run, evaluation, n // columns + 1, n % columns + 1)
    low, high = color_range(np.concatenate([e.returns for e in chosen]))
    style(figure, 120 + 320 * rows)
    bar = {"title": "return", "thickness": 12}
    figure.update_layout(
        showlegend=False, coloraxis={"colorscale": "Viridis", "cmin": low, "cmax": high, "colorbar": bar}
    )
    return figure


def _checkpoint_title(evaluation: Evaluation) -> str:
    percent = evaluation.mastered_percent
    return f"step {evaluation.step:,}" + (f": {percent:.0f}% mastered" if np.isfinite(percent) else "")


def _varying(run: RunData, evaluation: Evaluation) -> list[int]:
    """The dimensions in which the test tasks differ; never empty."""
    spread = np.ptp(evaluation.tasks, axis=0)
    return [i for i in range(run.judged_space.size) if spread[i] > 0] or [shown_dimensions(run.judged_space)[0]]


def grid_of(tasks: Vector, returns: Vector) -> tuple[Vector, Vector, Vector] | None:
    """``(x, y, returns[y, x])`` when 2-D ``tasks`` fill a grid exactly, each cell once; otherwise ``None``."""
    rounded = np.round(tasks, 9)
    x, column = np.unique(rounded[:, 0], return_inverse=True)
    y, row = np.unique(rounded[:, 1], return_inverse=True)
    if len(x) * len(y) != len(tasks) or len(np.unique(row * len(x) + column)) != len(tasks):
        return None
    cells = np.full((len(y), len(x)), np.nan)
    cells[row, column] = returns
    return x, y, cells


def _add_mastery(figure: go.Figure, run: RunData, evaluation: Evaluation, row: int, col: int) -> None:
    varying = _varying(run, evaluation)
    pair = (varying + [d for d in range(run.judged_space.size) if d not in varying])[:2]
    tasks = evaluation.tasks[:, pair]
    grid = grid_of(tasks, evaluation.returns) if len(varying) == 2 else None
    if grid is not None:
        x, y, cells = grid
        figure.add_heatmap(x=x, y=y, z=cells, coloraxis="coloraxis", row=row, col=col)
    else:
        tasks = jittered(run.judged_space, evaluation.tasks)[:, pair]
        marker = {"size": 9, "color": evaluation.returns, "coloraxis": "coloraxis"}
        figure.add_scatter(x=tasks[:, 0], y=tasks[:, 1], mode="markers", marker=marker, row=row, col=col)
    done = evaluation.mastered == 1
    ring = {
        "size": 7 if grid else 13,
        "symbol": "circle-open",
        "color": "#fff" if grid else "#111",
        "line": {"width": 2},
    }
    figure.add_scatter(
        x=tasks[done, 0], y=tasks[done, 1], mode="markers", marker=ring, hoverinfo="skip", row=row, col=col
    )
    first, second = (axis(run.judged_space.dimensions[d]) for d in pair)
    if grid is not None:  # the outer cells reach half a cell beyond the range
        first.pop("range")
        second.pop("range")
    figure.update_xaxes(first, row=row, col=col)
    figure.update_yaxes(second, row=row, col=col)


def _mastery_lines(run: RunData, chosen: Sequence[Evaluation]) -> go.Figure:
    """With one varying dimension the map is a curve, and all checkpoints fit in one picture."""
    (dimension,) = _varying(run, chosen[-1])
    figure = go.Figure()
    for n, evaluation in enumerate(chosen):
        order = np.argsort(evaluation.tasks[:, dimension], kind="stable")
        done = evaluation.mastered[order] == 1
        figure.add_scatter(
            x=evaluation.tasks[order, dimension],
            y=evaluation.returns[order],
            mode="lines+markers",
            line={"color": COLORS[n % len(COLORS)], "width": 2},
            marker={"size": 9, "symbol": np.where(done, "circle", "circle-open").tolist()},
            name=label(_checkpoint_title(evaluation)),
        )
    style(figure, 440)
    figure.update_xaxes(axis(run.judged_space.dimensions[dimension]))
    figure.update_yaxes(title="return")
    return figure
