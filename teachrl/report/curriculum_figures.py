"""What the teacher believed (its Gaussians) and what the student mastered (the test set at several checkpoints)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from teachrl.report.figures import COLORS, axis, color_range, jittered, label, shown_dimensions, style, thin
from teachrl.report.run_data import Curriculum, Evaluation, Gaussian, RunData, Vector

MAX_MOMENTS = 40
MAX_WINDOW_POINTS = 800
MAX_CHECKPOINTS = 5
SCALE = "Plasma"


def ellipse(gaussian: Gaussian, i: int, j: int, sigmas: float = 2.0, points: int = 48) -> Vector:
    """The outline, shape ``(points, 2)``, of the Gaussian's marginal over dimensions ``i`` and ``j``."""
    block = gaussian.covariance[np.ix_([i, j], [i, j])]
    values, vectors = np.linalg.eigh((block + block.T) / 2)
    angles = np.linspace(0, 2 * np.pi, points)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    # Rounding can leave an eigenvalue of a flat Gaussian slightly below zero.
    outline: Vector = gaussian.mean[[i, j]] + sigmas * (vectors * np.sqrt(np.clip(values, 0, None)) @ circle).T
    return outline


def gaussians_figure(run: RunData) -> go.Figure | None:
    """The teacher's Gaussians over the tasks it sampled, moment by moment."""
    moments = [c for c in run.curricula if c.gaussians]
    if not moments:
        return None
    shown = shown_dimensions(run.space)
    progress = np.array([g.learning_progress for c in moments for g in c.gaussians])
    limits = color_range(progress)
    if len(shown) == 1:
        return _intervals_figure(run, moments, shown[0], limits)
    return _ellipses_figure(run, moments, (shown[0], shown[1]), limits)


def _ellipses_figure(
    run: RunData, moments: Sequence[Curriculum], pair: tuple[int, int], limits: tuple[float, float]
) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=_progress_marker([limits[0]], limits))
    owner = [-1]  # which moment each trace belongs to; the first trace carries the colour bar and always stays
    chosen = [int(k) for k in thin(len(moments), MAX_MOMENTS)]
    for n, k in enumerate(chosen):
        # The window begins at the previous recorded moment, also when that one is not drawn.
        traces = [_window_points(run, moments[k - 1].step if k else -1, moments[k].step, pair)]
        heaviest = max((g.weight for g in moments[k].gaussians if np.isfinite(g.weight)), default=0.0)
        traces += [_ellipse_trace(g, pair, limits, heaviest) for g in moments[k].gaussians]
        for trace in traces:
            trace.visible = n == len(chosen) - 1
        figure.add_traces(traces)
        owner += [n] * len(traces)
    steps = [
        {
            "method": "restyle",
            "label": f"{moments[k].step:,}",
            "args": ["visible", [o in (-1, n) for o in owner]],
        }
        for n, k in enumerate(chosen)
    ]
    style(figure, 620)
    figure.update_xaxes(axis(run.space.dimensions[pair[0]]))
    figure.update_yaxes(axis(run.space.dimensions[pair[1]]))
    slider = {"active": len(chosen) - 1, "steps": steps, "currentvalue": {"prefix": "step "}, "pad": {"t": 55}}
    figure.update_layout(showlegend=False, sliders=[slider])
    return figure


def _window_points(run: RunData, after: int, until: int, pair: tuple[int, int]) -> go.Scatter:
    inside = np.flatnonzero((run.episodes.step > after) & (run.episodes.step <= until))
    inside = inside[thin(len(inside), MAX_WINDOW_POINTS)]
    tasks = jittered(run.space, run.episodes.tasks[inside])
    marker = {"size": 4, "color": "#8b929c", "opacity": 0.55}
    return go.Scatter(x=tasks[:, pair[0]], y=tasks[:, pair[1]], mode="markers", marker=marker, hoverinfo="skip")


def _ellipse_trace(
    gaussian: Gaussian, pair: tuple[int, int], limits: tuple[float, float], heaviest: float
) -> go.Scatter:
    share = gaussian.weight / heaviest if heaviest > 0 and np.isfinite(gaussian.weight) else 1.0
    place = (gaussian.learning_progress - limits[0]) / (limits[1] - limits[0])
    known = np.isfinite(place)
    color = sample_colorscale(SCALE, float(np.clip(place, 0, 1)))[0] if known else "rgb(120, 120, 120)"
    fill = color.replace("rgb(", "rgba(").replace(")", f", {0.08 + 0.42 * float(np.clip(share, 0, 1)):.3f})")
    outline = ellipse(gaussian, *pair)
    return go.Scatter(
        x=outline[:, 0],
        y=outline[:, 1],
        mode="lines",
        line={"color": color, "width": 2},
        opacity=0.35 + 0.65 * float(np.clip(share, 0, 1)),
        fill="toself",
        fillcolor=fill,
        hoveron="fills",
        text=f"learning progress {gaussian.learning_progress:.4g}<br>weight {gaussian.weight:.3g}",
        hoverinfo="text",
    )


def _progress_marker(values: Any, limits: tuple[float, float]) -> dict[str, Any]:
    bar = {"title": "learning<br>progress", "thickness": 12}
    return {"color": values, "colorscale": SCALE, "cmin": limits[0], "cmax": limits[1], "colorbar": bar, "size": 9}


def _intervals_figure(
    run: RunData, moments: Sequence[Curriculum], dimension: int, limits: tuple[float, float]
) -> go.Figure:
    """With one dimension an ellipse is an interval, and all moments fit in one picture."""
    gaussians = [(c.step, g) for k in thin(len(moments), MAX_MOMENTS) for c in [moments[k]] for g in c.gaussians]
    means = np.array([g.mean[dimension] for _, g in gaussians])
    spread = np.array([2 * np.sqrt(max(g.covariance[dimension, dimension], 0.0)) for _, g in gaussians])
    weights = np.nan_to_num(np.array([g.weight for _, g in gaussians]))
    marker = _progress_marker([g.learning_progress for _, g in gaussians], limits)
    marker["opacity"] = 0.3 + 0.7 * np.clip(weights / max(weights.max(), 1e-12), 0, 1)
    steps = [step for step, _ in gaussians]
    episodes = run.episodes
    points = thin(len(episodes), 2000)
    figure = go.Figure()
    figure.add_scatter(
        x=episodes.step[points],
        y=jittered(run.space, episodes.tasks[points])[:, dimension],
        mode="markers",
        marker={"size": 3, "color": "#8b929c", "opacity": 0.4},
        hoverinfo="skip",
    )
    bars = {"type": "data", "array": spread, "thickness": 1.2, "width": 3, "color": "#565d66"}
    figure.add_scatter(x=steps, y=means, mode="markers", marker=marker, error_y=bars)
    style(figure, 460)
    figure.update_xaxes(title="environment steps")
    figure.update_yaxes(axis(run.space.dimensions[dimension]))
    figure.update_layout(showlegend=False)
    return figure


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
    return [i for i in range(run.space.size) if spread[i] > 0] or [shown_dimensions(run.space)[0]]


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
    pair = (varying + [d for d in range(run.space.size) if d not in varying])[:2]
    tasks = evaluation.tasks[:, pair]
    grid = grid_of(tasks, evaluation.returns) if len(varying) == 2 else None
    if grid is not None:
        x, y, cells = grid
        figure.add_heatmap(x=x, y=y, z=cells, coloraxis="coloraxis", row=row, col=col)
    else:
        tasks = jittered(run.space, evaluation.tasks)[:, pair]
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
    first, second = (axis(run.space.dimensions[d]) for d in pair)
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
    figure.update_xaxes(axis(run.space.dimensions[dimension]))
    figure.update_yaxes(title="return")
    return figure
