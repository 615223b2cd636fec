"""An estimate and its interval; the mean over runs.

A run (a seed) is what is independent; tasks of a test set and episodes of a task are not. Fewer than `LEAST_RUNS` runs
never give an interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy import stats

from teachrl.errors import UsageError
from teachrl.statistics.scores import checked

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
    numbers = checked(values, "n")
    _, upper = tails(confidence)
    mean, n = float(numbers.mean()), len(numbers)
    if n < LEAST_RUNS:
        return Estimate(mean, None)
    half = float(stats.t.ppf(upper, n - 1)) * float(numbers.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, (mean - half, mean + half))


def tails(confidence: float) -> tuple[float, float]:
    """The quantiles between which an interval lies, ``(1 ± confidence) / 2``. Raises `UsageError` outside (0, 1)."""
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence lies between 0 and 1, both left out, as 0.95 does; got {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2
