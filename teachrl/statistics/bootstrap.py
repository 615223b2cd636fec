"""Intervals by the stratified bootstrap: every task's scores are drawn anew from its own.

Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264),
section 4.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from teachrl.errors import UsageError
from teachrl.statistics.estimates import LEAST_RUNS, Estimate, tails
from teachrl.statistics.scores import Numbers, checked

DRAWS = 2000
SCORES_AT_ONCE = 2**16  # what is drawn together stays within the processor's cache


def bootstrap_over_runs(
    scores: ArrayLike,
    statistic: Callable[..., Any],
    rng: np.random.Generator,
    draws: int = DRAWS,
    confidence: float = 0.95,
    resample_tasks: bool = False,
) -> Estimate:
    """``statistic`` of ``scores (runs, tasks)`` with its stratified bootstrap interval.

    Each draw replaces every task's column by as many of its own scores, drawn with replacement, a task independently of
    the others. With ``resample_tasks`` as many tasks as there are, drawn with replacement, take their place first: the
    interval then speaks of tasks like these, and not of these tasks alone. The interval reaches from the quantile ``(1
    - confidence) / 2`` of the statistic over the draws to the quantile ``(1 + confidence) / 2``.

    A statistic that takes ``axis``, a pair of axes, as numpy's own and those of `aggregates` do, is computed over many
    draws at once. Any other gets one matrix ``(runs, tasks)`` after the other. The numbers are the same.

    Raises `UsageError` for scores, draws or a confidence that make no sense.
    """
    matrix = checked(scores, "runs", "tasks")
    (estimate,) = bootstrap_estimates(_over_draws(statistic), [matrix], rng, draws, confidence, resample_tasks)
    return estimate


def bootstrap_estimates(
    statistic: Callable[..., ArrayLike],
    samples: Sequence[Numbers],
    rng: np.random.Generator,
    draws: int = DRAWS,
    confidence: float = 0.95,
    resample_tasks: bool = False,
) -> list[Estimate]:
    """Estimates of several quantities at once, from the same draws of one method or more.

    ``samples`` are one array ``(runs, tasks, ...)`` for each method, with the same tasks. Methods are drawn
    independently, but with ``resample_tasks`` on the same tasks. What stands behind a run and a task (a curve) stays
    together. ``statistic`` gets for each method an array ``(k, runs, tasks, ...)`` of ``k`` draws and returns ``(k,)``
    or ``(k, n)``. Intervals are those of `bootstrap_over_runs`, each by itself; fewer than three runs of a method give
    none.
    """
    ends = tails(confidence)
    if draws < 1:
        raise UsageError(f"a bootstrap needs one draw at least; got {draws}")
    (values,) = _values(statistic, [sample[None] for sample in samples], 1)
    if min(map(len, samples)) < LEAST_RUNS:
        return [Estimate(float(value), None) for value in values]
    at_once = max(1, SCORES_AT_ONCE // sum(sample.size for sample in samples))
    counts = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    drawn = np.concatenate([_values(statistic, _drawn(samples, rng, k, resample_tasks), k) for k in counts])
    low, high = np.quantile(drawn, ends, axis=0)
    return [Estimate(float(v), (float(a), float(b))) for v, a, b in zip(values, low, high, strict=True)]


def _values(statistic: Callable[..., ArrayLike], draws: Iterable[Numbers], k: int) -> Numbers:
    """The statistic of ``k`` draws, shape ``(k, n)``."""
    values = np.asarray(statistic(*draws), dtype=np.float64)
    if values.shape[:1] != (k,):
        raise UsageError(f"a statistic that takes axis gives one value a draw, shape ({k},); got shape {values.shape}")
    return values.reshape(k, -1)


def _drawn(samples: Sequence[Numbers], rng: np.random.Generator, k: int, resample_tasks: bool) -> Iterator[Numbers]:
    tasks = samples[0].shape[1]
    task = rng.integers(tasks, size=(k, 1, tasks)) if resample_tasks else np.arange(tasks)
    for sample in samples:
        run = rng.integers(len(sample), size=(k, len(sample), tasks))
        yield sample[run, task]


def _over_draws(statistic: Callable[..., Any]) -> Callable[[Numbers], ArrayLike]:
    if _takes_axis(statistic):
        return lambda drawn: statistic(drawn, axis=(1, 2))
    return lambda drawn: [statistic(matrix) for matrix in drawn]


def _takes_axis(statistic: Callable[..., Any]) -> bool:
    try:
        return "axis" in inspect.signature(statistic).parameters
    except ValueError:  # some functions written in C have no signature
        return False
