"""Where the teacher's tasks came from: its Gaussians, regions and samples over the tasks that were played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from teachrl.records.curriculum import BufferedLevel, Curriculum, Gaussian, Matrix, Region
from teachrl.report.figures import axis, color_range, jittered, shown_dimensions, style, thin
from teachrl.report.run_data import RunData, Vector
from teachrl_envs.tasks import TaskSpace

MAX_MOMENTS = 40
MIN_MOMENTS = 6
MAX_TRACES = 3000
MAX_PARTS = 60
MAX_WINDOW_POINTS = 800
SIGMAS = 2.0
SCALE = "Plasma"
PLAYED = "#8b929c"
SAMPLE = "#1f8a5b"


def ellipse(gaussian: Gaussian, i: int, j: int, points: int = 48) -> Vector:
    """The outline, shape ``(points, 2)``, of the Gaussian's marginal over dimensions ``i`` and ``j``."""
    block = np.asarray(gaussian.covariance)[np.ix_([i, j], [i, j])]
    values, vectors = np.linalg.eigh((block + block.T) / 2)
    angles = np.linspace(0, 2 * np.pi, points)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    # Rounding can leave an eigenvalue of a flat Gaussian slightly below zero.
    outline: Vector = (
        np.asarray(gaussian.mean)[[i, j]] + SIGMAS * (vectors * np.sqrt(np.clip(values, 0, None)) @ circle).T
    )
    return outline


def interval(part: Gaussian | Region, space: TaskSpace, i: int) -> tuple[float, float]:
    """From where to where a part reaches in dimension ``i``; a whole number is as wide as its cell."""
    if isinstance(part, Gaussian):
        spread = SIGMAS * float(np.sqrt(max(part.covariance[i][i], 0.0)))
        return float(part.mean[i]) - spread, float(part.mean[i]) + spread
    half = 0.0 if space.dimensions[i].kind == "continuous" else 0.5
    return float(part.low[i]) - half, float(part.high[i]) + half


def rectangle(region: Region, space: TaskSpace, i: int, j: int) -> Vector:
    """The outline, shape ``(5, 2)``, of the region in dimensions ``i`` and ``j``."""
    (left, right), (bottom, top) = interval(region, space, i), interval(region, space, j)
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]])


def curriculum_figure(run: RunData, at_most: int = MAX_MOMENTS) -> go.Figure | None:
    """What the teacher drew from, over the tasks that were played, at so many moments from the first to the last."""
    moments = [c for c in run.curricula if c.parts or len(c.samples) or c.levels]
    if not moments or not run.space.has_unit_cube:
        return None
    shown = shown_dimensions(run.space)
    scale = _scale(moments)
    if len(shown) == 1:
        return _bars_figure(run, moments, shown[0], scale)
    return _maps_figure(run, moments, list(combinations(shown, 2)), scale, at_most)


@dataclass(frozen=True)
class _Scale:
    """What colour stands for, and from where to where it reaches."""

    title: str
    low: float
    high: float

    def marker(self, values: list[float]) -> dict[str, Any]:
        """Plotly's marker for points of these values, with the colour bar."""
        bar = {"title": self.title, "thickness": 12}
        ends = {"cmin": self.low, "cmax": self.high}
        return {"color": values, "colorscale": SCALE, **ends, "colorbar": bar, "size": 9}

    def color(self, value: float) -> str:
        """The colour of one value; grey where it is not known."""
        place = (value - self.low) / (self.high - self.low)
        known = np.isfinite(place)
        return str(sample_colorscale(SCALE, float(np.clip(place, 0, 1)))[0]) if known else "rgb(120, 120, 120)"


def _scale(moments: Sequence[Curriculum]) -> _Scale:
    """A teacher has parts or a buffer, so one scale is enough."""
    progress = [part.learning_progress for c in moments for part in c.parts]
    scores = [level.score for c in moments for level in c.levels]
    title = "learning<br>progress" if progress else "score"
    return _Scale(title, *color_range(np.array(progress or scores)))


def _heaviest(curriculum: Curriculum) -> list[Gaussian | Region]:
    """The parts that are drawn: those of the largest weights, when there are very many."""
    order = np.argsort([-np.nan_to_num(part.weight) for part in curriculum.parts], kind="stable")
    return [curriculum.parts[k] for k in np.sort(order[:MAX_PARTS])]


def _maps_figure(
    run: RunData, moments: Sequence[Curriculum], pairs: Sequence[tuple[int, int]], scale: _Scale, at_most: int
) -> go.Figure:
    """A panel for each pair of dimensions, and a slider through the moments."""
    columns = min(2, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = make_subplots(rows=rows, cols=columns, horizontal_spacing=0.12, vertical_spacing=0.22 / rows)
    owner = []  # which moment each trace belongs to; -1: the colour bar's, which always stays
    if any(c.parts or c.levels for c in moments):
        bar = go.Scatter(x=[None], y=[None], mode="markers", marker=scale.marker([scale.low]))
        figure.add_trace(bar, row=1, col=1)
        owner.append(-1)
    chosen = _chosen_moments(moments, len(pairs), at_most)
    for n, k in enumerate(chosen):
        for panel, pair in enumerate(pairs):
            # The window begins at the previous recorded moment, also when that one is not drawn.
            traces = _moment_traces(run, moments[k], moments[k - 1].step if k else -1, pair, scale)
            for trace in traces:
                trace.visible = n == len(chosen) - 1
            row, col = panel // columns + 1, panel % columns + 1
            figure.add_traces(traces, rows=[row] * len(traces), cols=[col] * len(traces))
            owner += [n] * len(traces)
    for panel, (i, j) in enumerate(pairs):
        row, col = panel // columns + 1, panel % columns + 1
        figure.update_xaxes(axis(run.space.dimensions[i]), row=row, col=col)
        figure.update_yaxes(axis(run.space.dimensions[j]), row=row, col=col)
    style(figure, 620 if len(pairs) == 1 else 140 + 400 * rows)
    figure.update_layout(showlegend=False, sliders=[_slider([moments[k].step for k in chosen], owner)])
    return figure


def _chosen_moments(moments: Sequence[Curriculum], panels: int, at_most: int) -> list[int]:
    """Evenly spread, and fewer when each takes many traces: the page has to stay responsive."""
    traces = panels * (2 + max(min(len(c.parts), MAX_PARTS) for c in moments))
    return [int(k) for k in thin(len(moments), min(at_most, max(MIN_MOMENTS, MAX_TRACES // traces)))]


def _slider(steps: Sequence[int], owner: Sequence[int]) -> dict[str, Any]:
    entries = [
        {"method": "restyle", "label": f"{step:,}", "args": ["visible", [o in (-1, n) for o in owner]]}
        for n, step in enumerate(steps)
    ]
    return {"active": len(steps) - 1, "steps": entries, "currentvalue": {"prefix": "step "}, "pad": {"t": 55}}


def _moment_traces(
    run: RunData, moment: Curriculum, after: int, pair: tuple[int, int], scale: _Scale
) -> list[go.Scatter]:
    inside = np.flatnonzero((run.episodes.step > after) & (run.episodes.step <= moment.step))
    inside = inside[thin(len(inside), MAX_WINDOW_POINTS)]
    played = jittered(run.space, run.episodes.tasks[inside])[:, pair]
    traces = [_dots(played[:, 0], played[:, 1], PLAYED, 4)]
    parts = _heaviest(moment)
    heaviest = max((part.weight for part in parts if np.isfinite(part.weight)), default=0.0)
    traces += [_part_trace(part, run.space, pair, scale, heaviest) for part in parts]
    if len(moment.samples):
        samples = jittered(run.space, _thinned(moment.samples))[:, pair]
        traces.append(_dots(samples[:, 0], samples[:, 1], SAMPLE, 6))
    if moment.levels:
        levels = jittered(run.space, np.array([level.task for level in moment.levels]))[:, pair]
        traces.append(_level_dots(levels[:, 0], levels[:, 1], moment.levels, scale))
        traces[-1].marker.showscale = False  # the one bar of all moments is there already
    return traces


def _level_dots(x: Vector | list[int], y: Vector, levels: Sequence[BufferedLevel], scale: _Scale) -> go.Scatter:
    """Levels of a buffer, coloured by their scores."""
    marker = {**scale.marker([level.score for level in levels]), "line": {"width": 1, "color": "#22272e"}}
    text = [f"level {level.number}, generation {level.generation}<br>score {level.score:.4g}" for level in levels]
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, text=text, hoverinfo="text")


def _thinned(samples: Matrix) -> Vector:
    """Some of the samples, evenly spread."""
    chosen: Vector = np.asarray(samples)[thin(len(samples), MAX_WINDOW_POINTS)]
    return chosen


def _dots(x: Vector, y: Vector, color: str, size: int) -> go.Scatter:
    marker = {"size": size, "color": color, "opacity": 0.55}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip")


def _part_trace(
    part: Gaussian | Region, space: TaskSpace, pair: tuple[int, int], scale: _Scale, heaviest: float
) -> go.Scatter:
    outline = ellipse(part, *pair) if isinstance(part, Gaussian) else rectangle(part, space, *pair)
    share = part.weight / heaviest if heaviest > 0 and np.isfinite(part.weight) else 1.0
    color = scale.color(part.learning_progress)
    fill = color.replace("rgb(", "rgba(").replace(")", f", {0.08 + 0.42 * float(np.clip(share, 0, 1)):.3f})")
    return go.Scatter(
        x=outline[:, 0],
        y=outline[:, 1],
        mode="lines",
        line={"color": color, "width": 2},
        opacity=0.35 + 0.65 * float(np.clip(share, 0, 1)),
        fill="toself",
        fillcolor=fill,
        hoveron="fills",
        text=f"learning progress {part.learning_progress:.4g}<br>weight {part.weight:.3g}",
        hoverinfo="text",
    )


def _bars_figure(run: RunData, moments: Sequence[Curriculum], dimension: int, scale: _Scale) -> go.Figure:
    """With one dimension a part is a bar and a sample a dot, and all moments fit in one picture."""
    chosen = [moments[k] for k in thin(len(moments), MAX_MOMENTS)]
    episodes = run.episodes
    points = thin(len(episodes), 2000)
    figure = go.Figure()
    played = jittered(run.space, episodes.tasks[points])[:, dimension]
    figure.add_trace(_dots(episodes.step[points], played, PLAYED, 3))
    parts = [(c.step, part) for c in chosen for part in _heaviest(c)]
    if parts:
        figure.add_trace(_bars(parts, run.space, dimension, scale))
    samples = [(c.step, _thinned(c.samples)) for c in chosen if len(c.samples)]
    if samples:
        steps = np.concatenate([np.full(len(tasks), step, dtype=np.float64) for step, tasks in samples])
        values = jittered(run.space, np.concatenate([tasks for _, tasks in samples]))[:, dimension]
        figure.add_trace(_dots(steps, values, SAMPLE, 5))
    levels = [(c.step, level) for c in chosen for level in c.levels]
    if levels:
        values = jittered(run.space, np.array([level.task for _, level in levels]))[:, dimension]
        figure.add_trace(_level_dots([step for step, _ in levels], values, [level for _, level in levels], scale))
    style(figure, 460)
    figure.update_xaxes(title="environment steps")
    figure.update_yaxes(axis(run.space.dimensions[dimension]))
    figure.update_layout(showlegend=False)
    return figure


def _bars(
    parts: Sequence[tuple[int, Gaussian | Region]], space: TaskSpace, dimension: int, scale: _Scale
) -> go.Scatter:
    ends = np.array([interval(part, space, dimension) for _, part in parts])
    weights = np.nan_to_num(np.array([part.weight for _, part in parts]))
    marker = scale.marker([part.learning_progress for _, part in parts])
    marker["opacity"] = 0.3 + 0.7 * np.clip(weights / max(weights.max(), 1e-12), 0, 1)
    half = (ends[:, 1] - ends[:, 0]) / 2
    bars = {"type": "data", "array": half, "thickness": 1.2, "width": 3, "color": "#565d66"}
    return go.Scatter(x=[step for step, _ in parts], y=ends.mean(axis=1), mode="markers", marker=marker, error_y=bars)
