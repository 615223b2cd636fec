"""How many environment steps a run makes in a second of training: from what its evaluations and its status say."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from teachrl.report.curve_figures import Curve
from teachrl.report.run_data import RunData


def throughput(run: RunData) -> Curve:
    """Steps per second between one moment and the one before, at the later one's step.

    Moments are the evaluations and the last status; evaluations and checkpoints are part of the time.
    """
    moments = {e.step: e.costs["seconds"] for e in run.evaluations if "seconds" in e.costs}
    step, seconds = number(run.status, "step"), number(run.status, "seconds")
    if step is not None and seconds is not None:
        moments.setdefault(int(step), seconds)
    points = [(0, 0.0), *sorted(moments.items())]
    steps, rates = [], []
    for (before, then), (after, now) in pairwise(points):
        if after > before and now > then:
            steps.append(float(after))
            rates.append((after - before) / (now - then))
    return Curve("", "", steps, rates)


def mean_throughput(run: RunData) -> float | None:
    """Steps per second over the whole run; None where they are not known yet."""
    step, seconds = number(run.status, "step"), number(run.status, "seconds")
    return step / seconds if step is not None and seconds else None


def number(values: Mapping[str, Any], name: str) -> float | None:
    """A number from a file; None where there is none, whatever else stands there."""
    value = values.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
