"""What became of the tasks: how the worst are done, what was forgotten, how much of the task space was played.

Sources: Rutherford et al. 2024, "No Regrets" (arXiv 2408.15099) for the conditional value at risk with separate seeds;
Chaudhry et al. 2018, "Riemannian Walk for Incremental Learning" (arXiv 1801.10112) for forgetting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachrl.errors import UsageError
from teachrl.statistics.scores import Numbers, checked


def worst(scores: ArrayLike, share: float) -> NDArray[np.int64]:
    """Indices of the ``ceil(share * n)`` lowest of ``n`` scores, the lowest first, of equal ones the first first.

    Raises `UsageError` for a share outside (0, 1].
    """
    numbers = checked(scores, "n")
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
    levels, numbers = len(checked(selection, "n")), checked(estimates, "n")
    if levels != len(numbers):
        raise UsageError(f"{levels} levels were chosen among, and {len(numbers)} have estimates; each needs one")
    return float(numbers[worst(selection, share)].mean())


def forgetting(values: ArrayLike) -> Numbers:
    """For each task, the highest of its earlier values less the final one, shape ``(tasks,)``; higher is worse.

    ``values (evaluations, tasks)`` are of one run, the earliest first, in units in which tasks can be compared (solve
    rates, normalised returns). Below 0, a task is done better at the end than ever before. The run's number is the mean
    over tasks. With values from few episodes the highest is partly luck, and forgetting looks worse than it is.

    Raises `UsageError` for fewer than two evaluations.
    """
    matrix = checked(values, "evaluations", "tasks", what="values")
    if len(matrix) < 2:
        raise UsageError(f"forgetting needs an earlier evaluation and a final one; got {len(matrix)}")
    lost: Numbers = matrix[:-1].max(axis=0) - matrix[-1]
    return lost


def grid_coverage(tasks: ArrayLike, cells: int | Sequence[int]) -> float:
    """The share of a grid's cells that any of ``tasks (n, d)`` lies in, from 0 to 1.

    Tasks are points of the unit cube (`TaskSpace.to_unit`), which is cut into ``cells`` equal parts along each
    dimension, or into as many as ``cells`` says for each. A point on a cut belongs to the upper cell, 1 to the last.
    For a dimension of ``k`` choices or whole numbers, ``k`` cells count each once. Of ``n`` tasks at most ``n``
    cells are hit: compare runs with equal numbers of episodes, or against uniform tasks.

    Raises `UsageError` for tasks outside the unit cube.
    """
    points = checked(tasks, "n", "d", what="tasks")
    counts = np.broadcast_to(cells, points.shape[1:]) if np.ndim(cells) == 0 else np.asarray(cells)
    if counts.shape != points.shape[1:] or counts.dtype.kind != "i" or (counts < 1).any():
        raise UsageError(
            f"cells are whole numbers from 1, one for all {points.shape[1]} dimensions or one each; {cells}"
        )
    if points.min() < 0 or points.max() > 1:
        raise UsageError(
            f"coverage is of the unit cube, and tasks reach from {points.min():g} to {points.max():g}; "
            "task_space.to_unit(tasks) takes them there"
        )
    hit = np.unique(np.minimum((points * counts).astype(np.int64), counts - 1), axis=0)
    return float(len(hit) / math.prod(counts.tolist()))


def distinct_share(tasks: ArrayLike) -> float:
    """How many different ones there are among ``tasks (n, d)``, divided by ``n``: 1 where none came twice.

    For levels, of which there are too many for a grid.
    """
    vectors = checked(tasks, "n", "d", what="tasks")
    return len(np.unique(vectors, axis=0)) / len(vectors)
