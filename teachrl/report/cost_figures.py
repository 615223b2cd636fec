"""What skill has cost, in environment steps, in updates and in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from teachrl.report.figures import COLORS, label, style
from teachrl.report.run_data import RunData

STEPS = ("training_steps", "scoring_steps", "evaluation_steps")
CURRENCIES: Mapping[str, tuple[str, ...]] = {
    "training steps": ("training_steps",),
    "all environment steps": STEPS,
    "updates of the student": ("updates",),
    "seconds": ("seconds",),
}


def paid_so_far(run: RunData) -> dict[str, str]:
    """What a run has cost by its last status, in words."""
    costs = run.status.get("costs")
    recorded = {**(costs if isinstance(costs, Mapping) else {}), "seconds": run.status.get("seconds")}
    return {
        name.replace("_", " "): f"{recorded[name]:,.0f}" if isinstance(recorded.get(name), (int, float)) else "unknown"
        for name in (*STEPS, "updates", "seconds")
    }


def paid(costs: Mapping[str, float], currency: str) -> float:
    """What was paid in a currency; NaN where that was not recorded."""
    return sum(costs.get(name, np.nan) for name in CURRENCIES[currency])


def cost_figure(runs: Sequence[RunData], names: Sequence[str]) -> go.Figure | None:
    """The percentage of mastered tasks (the mean return, where no run knows mastery) against each currency."""
    if not any(e.costs for run in runs for e in run.evaluations):
        return None
    mastery = any(np.isfinite(e.mastered_percent) for run in runs for e in run.evaluations)
    figure = make_subplots(rows=2, cols=2, shared_yaxes=True, horizontal_spacing=0.06, vertical_spacing=0.2)
    for n, currency in enumerate(CURRENCIES):
        row, col = n // 2 + 1, n % 2 + 1
        for i, (run, name) in enumerate(zip(runs, names, strict=True)):
            figure.add_scatter(
                x=[paid(e.costs, currency) for e in run.evaluations],
                y=[e.mastered_percent if mastery else e.mean_return for e in run.evaluations],
                mode="lines+markers",
                line={"color": COLORS[i % len(COLORS)], "width": 2},
                name=label(name),
                legendgroup=str(i),
                showlegend=n == 0 and len(runs) > 1,
                row=row,
                col=col,
            )
        figure.update_xaxes(title=currency, rangemode="tozero", row=row, col=col)
        if col == 1:
            figure.update_yaxes(title="mastered tasks (%)" if mastery else "mean return", row=row, col=col)
    if mastery:
        figure.update_yaxes(range=[-3, 103])
    style(figure, 620)
    return figure.update_layout(margin={"t": 50 + 24 * len(runs)}) if len(runs) > 1 else figure
