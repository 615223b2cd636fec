"""What several runs say together: means and interquartile means with intervals, and the mean over the worst.

A run (a seed) is what is independent; tasks of a test set and episodes of a task are not. Fewer than `LEAST_RUNS` runs
never give an interval.

Sources: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264)
for the interquartile mean and the stratified bootstrap; Rutherford et al. 2024, "No Regrets" (arXiv 2408.15099) for the
conditional value at risk with separate seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from teachrl.errors import UsageError

Numbers = NDArray[np.float64]
LEAST_RUNS = 3


@dataclass(frozen=True)
class Estimate:
    """A statistic and the interval that covers it with the asked confidence, or None where runs are too few."""

    value: float
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, float | list[float] | None]:
        """``value`` and ``interval``, a list of two."""
        return {"value": self.value, "interval": None if self.interval is None else list(self.interval)}


def mean_over_runs(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean ``m`` of one number a run, shape ``(n,)``, with Student's interval.

    ``m ± t s / sqrt(n)``: ``s`` is the standard deviation (divided by ``n - 1``), ``t`` the quantile ``(1 + confidence)
    / 2`` of Student's distribution with ``n - 1`` degrees of freedom. It holds for numbers that are roughly normal.
    """
    numbers = _scores(values, dimensions=1)
    mean, n = float(numbers.mean()), len(numbers)
    if n < LEAST_RUNS:
        return Estimate(mean, None)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * float(numbers.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, (mean - half, mean + half))


def interquartile_mean(scores: ArrayLike) -> float:
    """The mean of the middle half of all scores: of ``n``, the ``floor(n / 4)`` lowest and highest are left out."""
    return float(stats.trim_mean(np.asarray(scores, dtype=np.float64), 0.25, axis=None))


def bootstrap_over_runs(
    scores: ArrayLike,
    statistic: Callable[[Numbers], float],
    rng: np.random.Generator,
    draws: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """``statistic`` of ``scores (runs, tasks)`` with its stratified bootstrap interval.

    Each draw replaces every task's column by as many of its own scores, drawn with replacement, a task independently of
    the others. The interval reaches from the quantile ``(1 - confidence) / 2`` of the statistic over the draws to the
    quantile ``(1 + confidence) / 2``.
    """
    matrix = _scores(scores, dimensions=2)
    runs, tasks = matrix.shape
    value = float(statistic(matrix))
    if runs < LEAST_RUNS:
        return Estimate(value, None)
    drawn = [statistic(matrix[rng.integers(runs, size=matrix.shape), np.arange(tasks)]) for _ in range(draws)]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, (float(low), float(high)))


def worst(scores: ArrayLike, share: float) -> NDArray[np.int64]:
    """Indices of the ``ceil(share * n)`` lowest of ``n`` scores, the lowest first, of equal ones the first first.

    Raises `UsageError` for a share outside (0, 1].
    """
    numbers = _scores(scores, dimensions=1)
    if not 0 < share <= 1:
        raise UsageError(f"a share of the levels is above 0 and at most 1; got {share}")
    # 0.07 * 100 is a little more than 7 in floating point, and would take an eighth.
    count = math.ceil(share * len(numbers) - 1e-9)
    lowest: NDArray[np.int64] = np.argsort(numbers, kind="stable")[: max(count, 1)]
    return lowest


def conditional_value_at_risk(selection: ArrayLike, estimates: ArrayLike, share: float) -> float:
    """CVaR: the mean of ``estimates`` over the levels that are `worst` by ``selection``, both of shape ``(levels,)``.

    The two must come from different episodes: those by which levels were chosen as the worst make them look too bad.
    """
    return float(_scores(estimates, dimensions=1)[worst(selection, share)].mean())


def _scores(values: ArrayLike | Sequence[float], dimensions: int) -> Numbers:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != dimensions or numbers.size == 0 or not np.isfinite(numbers).all():
        shape = "(runs, tasks)" if dimensions == 2 else "(n,)"
        raise UsageError(f"scores are finite numbers of shape {shape}, one at least; got shape {numbers.shape}")
    return numbers
