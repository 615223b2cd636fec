"""What a generator of levels is paid: how much better one student did on them than the other.

Source: Dennis et al. 2020, "Emergent Complexity and Zero-shot Transfer via Unsupervised Environment Design" (PAIRED,
arXiv 2012.02096), and the two forms in the published code of its successors.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from teachrl.records.level_scores import RoundResult
from teachrl.records.state import Stateful

Kind = Literal["standard", "flexible"]
Numbers = NDArray[np.float64]


def regrets(protagonist: RoundResult, antagonist: RoundResult, n_envs: int, kind: Kind) -> Numbers:
    """The regret of each environment's level, shape ``(n_envs,)``; NaN where either student ended no episode on it.

    ``standard``: the antagonist's best return less the protagonist's mean. ``flexible``: the best return of whoever had
    it less the other's mean. Neither is below 0. Returns are undiscounted.
    """
    found = np.full(n_envs, np.nan)
    for i in range(n_envs):
        here = np.array([i])
        own, other = protagonist.returns(here), antagonist.returns(here)
        if not own or not other:
            continue
        if kind == "flexible" and max(own) > max(other):
            own, other = other, own
        found[i] = max(max(other) - float(np.mean(own)), 0.0)
    return found


class RunningScale(Stateful):
    """The standard deviation of all numbers seen so far, to divide rewards by."""

    saved = ("_count", "_mean", "_squares")

    def __init__(self) -> None:
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def observe(self, values: Numbers) -> None:
        """Take numbers in, one after the other (Welford 1962)."""
        for value in values:
            self._count += 1
            change = float(value) - self._mean
            self._mean += change / self._count
            self._squares += change * (float(value) - self._mean)

    @property
    def scale(self) -> float:
        """1 until two numbers were seen."""
        return float(np.sqrt(self._squares / self._count + 1e-8)) if self._count > 1 else 1.0
