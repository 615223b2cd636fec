"""Performance profiles: how many scores lie above each threshold.

Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264),
section 4 (the run-score distribution).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from teachrl.statistics.bootstrap import DRAWS, bootstrap_estimates
from teachrl.statistics.estimates import Estimate
from teachrl.statistics.scores import Numbers, checked


def performance_profile(
    scores: ArrayLike,
    thresholds: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
    confidence: float = 0.95,
    resample_tasks: bool = False,
) -> list[Estimate]:
    """For each of the ``thresholds (n,)``, the share of ``scores (runs, tasks)`` strictly above it.

    A profile that lies above another everywhere belongs to the better method. The intervals are pointwise, by the
    stratified bootstrap: each covers its own point with the asked confidence, not all points together. The same draws
    serve all thresholds. Fewer than three runs give no intervals.
    """
    matrix, levels = checked(scores, "runs", "tasks"), checked(thresholds, "n", what="thresholds")

    def above(drawn: Numbers) -> Numbers:
        return np.stack([(drawn > level).mean(axis=(-2, -1)) for level in levels], axis=-1)

    return bootstrap_estimates(above, [matrix], rng, draws, confidence, resample_tasks)
