"""Which methods differ by more than chance: Welch's test for all pairs, corrected for their number, with effect sizes.

Sources: Welch 1947, "The generalization of 'Student's' problem when several different population variances are
involved"; Holm 1979, "A simple sequentially rejective multiple test procedure"; Hedges 1981, "Distribution theory for
Glass's estimator of effect size and related estimators".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from teachrl.errors import UsageError
from teachrl.statistics.estimates import LEAST_RUNS, Estimate, tails
from teachrl.statistics.scores import Numbers, checked


@dataclass(frozen=True)
class PairTest:
    """Two methods compared by Welch's t-test. What could not be computed is None, and ``note`` says why."""

    first: str
    second: str
    difference: Estimate
    """The mean of the first less that of the second, with Welch's interval (of this pair alone)."""
    t: float | None = None
    degrees_of_freedom: float | None = None
    p: float | None = None
    """Two-sided, of this pair alone."""
    p_holm: float | None = None
    """Corrected for all pairs that were tested."""
    effect: float | None = None
    """Hedges' g: the difference in units of the common standard deviation, corrected for few runs."""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields by name; ``difference`` as in `Estimate.to_json`."""
        return {**asdict(self), "difference": self.difference.to_json()}


def welch_tests(methods: Mapping[str, ArrayLike], confidence: float = 0.95) -> list[PairTest]:
    """Welch's t-test for all pairs of named methods, in the order of ``methods``: one number a run, shape ``(n,)``.

    The test lets variances differ; the numbers should be roughly normal. Runs must be independent: two methods on the
    same seeds are, as long as nothing is shared. Holm's correction is over all pairs that have a p value. A pair has
    none with fewer than three runs on a side, or where both methods do not vary at all.

    Raises `UsageError` for fewer than two methods.
    """
    if len(methods) < 2:
        raise UsageError(f"a comparison needs two methods at least; got {', '.join(methods) or 'none'}")
    tails(confidence)
    numbers = {name: checked(values, "n", what=f"scores of {name!r}") for name, values in methods.items()}
    pairs = [
        _tested(PairTest(a, b, Estimate(float(numbers[a].mean() - numbers[b].mean()), None)), numbers, confidence)
        for a, b in itertools.combinations(numbers, 2)
    ]
    corrected = iter(holm_correction([pair.p for pair in pairs if pair.p is not None]))
    return [pair if pair.p is None else replace(pair, p_holm=next(corrected)) for pair in pairs]


def _tested(pair: PairTest, numbers: Mapping[str, Numbers], confidence: float) -> PairTest:
    one, two = numbers[pair.first], numbers[pair.second]
    if min(len(one), len(two)) < LEAST_RUNS:
        runs = f"{len(one)} and {len(two)} runs"
        return replace(pair, note=f"no test: it needs {LEAST_RUNS} runs of each method, and there are {runs}")
    first, second = _variance(one) / len(one), _variance(two) / len(two)
    if first + second == 0:
        return replace(pair, note="no test: all runs of each method gave the same, so that chance cannot be judged")
    # Divided by the sum before they are squared, so that small ones do not vanish.
    a, b = first / (first + second), second / (first + second)
    degrees = 1 / (a**2 / (len(one) - 1) + b**2 / (len(two) - 1))
    error, value = math.sqrt(first + second), pair.difference.value
    half = float(stats.t.ppf(tails(confidence)[1], degrees)) * error
    return replace(
        pair,
        difference=Estimate(value, (value - half, value + half)),
        t=value / error,
        degrees_of_freedom=degrees,
        p=2 * float(stats.t.sf(abs(value) / error, degrees)),
        effect=hedges_g(one, two),
    )


def _variance(numbers: Numbers) -> float:
    """Divided by ``n - 1``; of equal numbers exactly 0, which their rounded mean would not give."""
    return 0.0 if np.ptp(numbers) == 0 else float(numbers.var(ddof=1))


def hedges_g(scores: ArrayLike, others: ArrayLike) -> float:
    """Hedges' g of ``(n,)`` against ``(m,)``: the difference of the means in units of the pooled standard deviation.

    It is Cohen's d times ``J = Γ(k / 2) / (sqrt(k / 2) Γ((k - 1) / 2))`` with ``k = n + m - 2``, which makes it
    unbiased for equal variances. Raises `UsageError` for fewer than two numbers on a side, or where neither varies.
    """
    one, two = checked(scores, "n"), checked(others, "m")
    n, m = len(one), len(two)
    if min(n, m) < 2 or _variance(one) + _variance(two) == 0:
        raise UsageError(f"an effect size needs two runs of each method and some spread; got {n} and {m} runs")
    k = n + m - 2
    pooled = math.sqrt(((n - 1) * _variance(one) + (m - 1) * _variance(two)) / k)
    correction = math.exp(special.gammaln(k / 2) - special.gammaln((k - 1) / 2)) / math.sqrt(k / 2)
    return correction * float(one.mean() - two.mean()) / pooled


def holm_correction(p_values: ArrayLike) -> list[float]:
    """P values that may be held against the level of the whole family, in the given order.

    Sorted upwards, the i-th of ``m`` (from 0) is multiplied by ``m - i``, and none may be smaller than the one before,
    nor above 1. The chance that any true null hypothesis is rejected stays within the level, whatever the tests have to
    do with each other.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise UsageError(f"p values are numbers from 0 to 1, of shape (n,); got {p_values!r}")
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return [float(value) for value in corrected]
