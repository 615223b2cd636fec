"""Seconds for a bootstrap interval: the interquartile mean of 10 runs and 20 tasks, 50,000 draws.

All draws at once, and as a loop in which the statistic is called draw by draw, on the same draws. Seed 0, one core,
processor time; each figure is the median over the rounds.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_over_runs

ROUNDS = 3
DRAWS = 50_000
SHAPE = (10, 20)


def measure() -> dict[str, float]:
    """Medians over the rounds, in s."""
    return {
        "bootstrap_at_once_seconds": _seconds(interquartile_mean),
        "bootstrap_loop_seconds": _seconds(_of_one_matrix),
    }


def _of_one_matrix(scores: NDArray[np.float64]) -> float:
    """Takes no axis, so that the bootstrap calls it draw by draw."""
    return interquartile_mean(scores)


def _seconds(statistic: Callable[..., Any]) -> float:
    scores, seconds = np.random.default_rng(0).random(SHAPE), []
    for _ in range(ROUNDS):
        start = time.process_time()
        bootstrap_over_runs(scores, statistic, np.random.default_rng(0), DRAWS)
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def main() -> None:
    for name, figure in measure().items():
        print(f"{name}: {figure:.2f}")


if __name__ == "__main__":
    main()
