"""Learning curves: what they enclose, when they reach a threshold, and what several runs' curves say together.

A curve is the evaluations of one run: ``steps (n,)``, rising, and ``values (n,)``. Between evaluations it is a straight
line.

Source of the sample-efficiency curve: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice" (arXiv 2108.13264).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from teachrl.errors import UsageError
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import DRAWS, bootstrap_estimates
from teachrl.statistics.estimates import Estimate, mean_over_runs
from teachrl.statistics.scores import Numbers, checked

Curve = tuple[ArrayLike, ArrayLike]


def area_under_curve(steps: ArrayLike, values: ArrayLike, budget: float) -> float:
    """The curve's mean height from step 0 to ``budget`` (trapezoid rule), in the units of the values.

    Before the first evaluation the curve has the first value, after the last one the last: a run that ended early is
    taken to stay as it was. An evaluation beyond the budget counts only for the line that leads to it.

    Raises `UsageError` where no evaluation lies within the budget.
    """
    at, heights = _curve(steps, values)
    if not at[0] <= budget or budget <= 0:
        raise UsageError(
            f"an area needs a budget above 0 and an evaluation within it; got {budget}, first at {at[0]:g}"
        )
    inner = at[(at > 0) & (at < budget)]
    corners = np.concatenate([[0.0], inner, [budget]])
    return float(np.trapezoid(np.interp(corners, at, heights), corners)) / budget


def steps_to_threshold(steps: ArrayLike, values: ArrayLike, threshold: float, held: int = 1) -> float | None:
    """The steps of the first evaluation at or above ``threshold``, or None when there is none.

    With ``held`` of 2 or more: of the first evaluation with which as many in a row begin that are all at or above. One
    good evaluation can be luck. Nothing is interpolated.
    """
    at, heights = _curve(steps, values)
    if held < 1:
        raise UsageError(f"a threshold is held for one evaluation at least; got {held}")
    if held > len(at):
        return None
    reached = np.lib.stride_tricks.sliding_window_view(heights >= threshold, held).all(axis=1)
    return float(at[np.argmax(reached)]) if reached.any() else None


def common_steps(curves: Sequence[Curve]) -> Numbers:
    """All steps at which any of the curves has an evaluation, as far as all of them reach, shape ``(n,)``.

    Raises `UsageError` where they have no step in common.
    """
    if not curves:
        raise UsageError("there are no curves to put together")
    at = [_curve(*curve)[0] for curve in curves]
    low, high = max(steps[0] for steps in at), min(steps[-1] for steps in at)
    if low > high:
        raise UsageError(f"the curves have no steps in common: one begins at {low:g}, another ends at {high:g}")
    union = np.unique(np.concatenate(at))
    shared: Numbers = union[(union >= low) & (union <= high)]
    return shared


def on_steps(curves: Sequence[Curve], steps: ArrayLike) -> Numbers:
    """The curves' values at the same ``steps (n,)``, shape ``(runs, n)``, on straight lines between evaluations.

    Raises `UsageError` for steps before a curve's first or after its last evaluation: what was not measured is not
    made up.
    """
    wanted = checked(steps, "n", what="steps")
    if not curves:
        raise UsageError("there are no curves to put together")
    rows = []
    for at, heights in (_curve(*curve) for curve in curves):
        if wanted.min() < at[0] or wanted.max() > at[-1]:
            raise UsageError(
                f"a curve reaches from step {at[0]:g} to {at[-1]:g}, and values are asked for from {wanted.min():g} to "
                f"{wanted.max():g}; common_steps(curves) gives those that all curves reach"
            )
        rows.append(np.interp(wanted, at, heights))
    return np.stack(rows)


def mean_curve(curves: Sequence[Curve], steps: ArrayLike, confidence: float = 0.95) -> list[Estimate]:
    """The mean over runs, one curve each, at each of ``steps (n,)``, with Student's interval there.

    Steps and interpolation are those of `on_steps`. Each interval covers its own point.
    """
    return [mean_over_runs(column, confidence) for column in on_steps(curves, steps).T]


def sample_efficiency(
    scores: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
    confidence: float = 0.95,
    resample_tasks: bool = False,
) -> list[Estimate]:
    """The interquartile mean of ``scores (runs, tasks, n)`` at each of ``n`` steps, with bootstrap intervals.

    The bootstrap is stratified by task; a draw takes whole curves, from the first step to the last. Each interval
    covers its own point.
    """
    cube = checked(scores, "runs", "tasks", "n")

    def at_each_step(drawn: Numbers) -> Numbers:
        return interquartile_mean(drawn, axis=(1, 2))

    return bootstrap_estimates(at_each_step, [cube], rng, draws, confidence, resample_tasks)


def _curve(steps: ArrayLike, values: ArrayLike) -> tuple[Numbers, Numbers]:
    at, heights = checked(steps, "n", what="steps"), checked(values, "n", what="values")
    if len(at) != len(heights):
        raise UsageError(f"a curve has a value for each step; got {len(at)} steps and {len(heights)} values")
    if at[0] < 0 or (np.diff(at) <= 0).any():
        raise UsageError(f"the steps of a curve rise from 0 or more, none twice; got {at.tolist()}")
    return at, heights
