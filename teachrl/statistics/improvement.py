"""How probably one method is better than another on a task.

Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264),
section 4; Mann and Whitney 1947, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
Other".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from teachrl.errors import UsageError
from teachrl.statistics.bootstrap import DRAWS, bootstrap_estimates
from teachrl.statistics.estimates import Estimate
from teachrl.statistics.scores import Numbers, checked


def probability_of_improvement(
    scores: ArrayLike,
    others: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
    confidence: float = 0.95,
    resample_tasks: bool = False,
) -> Estimate:
    """P(X > Y): how probably a run of the first method beats a run of the second on a task, ties counting one half.

    For each task it is the Mann-Whitney U of ``scores (runs, tasks)`` against ``others (other runs, tasks)``, divided
    by the number of pairs of runs; over tasks it is the mean. 0.5 says that neither is better, and equal scores give
    it. It does not say by how much. The interval is that of the stratified bootstrap, in which both methods are drawn;
    fewer than three runs of either give none.

    Raises `UsageError` where the two were not played on as many tasks.
    """
    first, second = checked(scores, "runs", "tasks"), checked(others, "runs", "tasks")
    if first.shape[1] != second.shape[1]:
        raise UsageError(
            f"methods are compared on the same tasks, in the same order; got {first.shape[1]} and {second.shape[1]}"
        )
    (estimate,) = bootstrap_estimates(_improvement, [first, second], rng, draws, confidence, resample_tasks)
    return estimate


def _improvement(first: Numbers, second: Numbers) -> Numbers:
    """Of ``(..., runs, tasks)`` and ``(..., other runs, tasks)``, shape ``(...)``."""
    one, other = first[..., :, None, :], second[..., None, :, :]
    pairs = (-3, -2, -1)  # run, other run, task: all tasks have as many pairs, so the mean over all is that over tasks
    wins, not_losses = np.count_nonzero(one > other, axis=pairs), np.count_nonzero(one >= other, axis=pairs)
    return np.asarray((wins + not_losses) / (2 * first.shape[-2] * second.shape[-2] * first.shape[-1]))
