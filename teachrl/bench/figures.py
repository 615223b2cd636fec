"""The figures of a bench."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from teachrl.bench.measures import MEASURES, SEED, Measure
from teachrl.bench.results import RowResult
from teachrl.bench.table import Line
from teachrl.report.figures import COLORS, label, style
from teachrl.statistics.curves import common_steps, mean_curve, on_steps
from teachrl.statistics.estimates import Estimate
from teachrl.statistics.improvement import probability_of_improvement
from teachrl.statistics.profiles import performance_profile

POINTS = 60


def curves(results: Sequence[RowResult], metric: str, over_seconds: bool = False) -> go.Figure:
    """The mean over runs with Student's interval, over environment steps or the seconds that a run took."""
    figure = go.Figure()
    for k, result in enumerate(results):
        steps = common_steps([run.curve for run in result.runs])
        estimates = mean_curve([run.curve for run in result.runs], steps)
        x = on_steps([(run.steps, run.seconds) for run in result.runs], steps).mean(axis=0) if over_seconds else steps
        _band(figure, x, estimates, result.row.name, k)
    figure.update_xaxes(title="seconds of a run" if over_seconds else "environment steps", rangemode="tozero")
    figure.update_yaxes(title=label(metric))
    return style(figure, 460)


def _band(figure: go.Figure, x: np.ndarray, estimates: Sequence[Estimate], name: str, k: int) -> None:
    """A line, and a band where there are intervals."""
    color = COLORS[k % len(COLORS)]
    group = f"row {k}"
    dash = ("solid", "dash", "dot", "dashdot")[k // len(COLORS) % 4]
    known = [e.interval for e in estimates]
    if all(interval is not None for interval in known):
        low, high = np.array([interval for interval in known if interval is not None]).T
        figure.add_scatter(
            x=[*x, *x[::-1]],
            y=[*high, *low[::-1]],
            fill="toself",
            fillcolor=color,
            opacity=0.12,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=group,
        )
    values = [e.value for e in estimates]
    line = {"color": color, "width": 2, "dash": dash}
    figure.add_scatter(x=x, y=values, mode="lines", name=label(name), line=line, legendgroup=group)


def profiles(results: Sequence[RowResult]) -> go.Figure:
    """For each value, the share of runs and tasks that are above it at the end."""
    counted = [result for result in results if result.finished]
    scores = np.concatenate([result.final_tasks.ravel() for result in counted])
    thresholds = np.linspace(scores.min(), scores.max(), POINTS)
    figure = go.Figure()
    for k, result in enumerate(counted):
        rng = np.random.default_rng(SEED)
        estimates = performance_profile(result.final_tasks, thresholds, rng)
        _band(figure, thresholds, estimates, result.row.name, k)
    figure.update_xaxes(title="value of a task")
    figure.update_yaxes(title="share of runs and tasks above it", range=[-0.02, 1.02])
    return style(figure, 460)


def comparisons(results: Sequence[RowResult]) -> go.Figure:
    """How probably a run of the row on the left is better than one of the row below, over all tasks."""
    counted = [result for result in results if result.finished]
    names = [label(result.row.name) for result in counted]
    estimates = [[_improvement(one, other) for other in counted] for one in counted]
    values = [[e.value for e in row] for row in estimates]
    texts = [[f"{e.value:.2f}" + ("*" if _clear(e) else "") for e in row] for row in estimates]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=names, y=names, text=texts, texttemplate="%{text}", zmin=0, zmax=1, colorscale="RdBu", zmid=0.5
        )
    )
    figure.update_yaxes(autorange="reversed")
    return style(figure, 220 + 32 * len(names))


def _improvement(one: RowResult, other: RowResult) -> Estimate:
    if one is other:
        return Estimate(0.5, None)
    return probability_of_improvement(one.final_tasks, other.final_tasks, np.random.default_rng(SEED))


def _clear(estimate: Estimate) -> bool:
    """Whether the interval leaves out 0.5."""
    return estimate.interval is not None and not estimate.interval[0] <= 0.5 <= estimate.interval[1]


def radar(table: Sequence[Line]) -> go.Figure:
    """Each row on several challenges: on each axis, 1 is the best row and 0 the worst."""
    axes: dict[str, list[float | None]] = {
        measure.axis: [_height(measure, line) for line in table] for measure in MEASURES if measure.axis is not None
    }
    known = {name: np.array(values, dtype=float) for name, values in axes.items() if None not in values}
    figure = go.Figure()
    for k, line in enumerate(table):
        heights = [_between(values)[k] for values in known.values()]
        figure.add_scatterpolar(
            r=[*heights, *heights[:1]],
            theta=[*known, *list(known)[:1]],
            name=label(line.name),
            line={"color": COLORS[k % len(COLORS)]},
        )
    figure.update_polars(radialaxis={"range": [0, 1.02]})
    return style(figure, 520)


def _height(measure: Measure, line: Line) -> float | None:
    estimate = line.estimates[measure.name]
    if estimate is None:
        return None
    return -estimate.value if measure.lower_is_better else estimate.value


def _between(values: np.ndarray) -> np.ndarray:
    span = values.max() - values.min()
    scaled: np.ndarray = (values - values.min()) / span if span > 0 else np.ones_like(values)
    return scaled
