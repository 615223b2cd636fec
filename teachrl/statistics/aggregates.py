"""One number for all scores of a method, over runs and tasks.

Each takes ``axis`` as numpy's own do, so that the bootstrap computes it over all draws at once.

Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264),
section 4.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from teachrl.statistics.scores import Numbers, checked

Axis = int | tuple[int, ...]


@overload
def interquartile_mean(scores: ArrayLike, axis: None = None) -> float: ...
@overload
def interquartile_mean(scores: ArrayLike, axis: Axis) -> Numbers: ...
def interquartile_mean(scores: ArrayLike, axis: Axis | None = None) -> float | Numbers:
    """The mean of the middle half of all scores: of ``n``, the ``floor(n / 4)`` lowest and highest are left out.

    ``axis`` names the axes over which it is taken, all by default. Raises `UsageError` for what is empty or not finite.
    """
    numbers = checked(scores)
    flat = numbers.reshape(-1) if axis is None else _merged(numbers, axis)
    n = flat.shape[-1]
    cut = n // 4
    middle = np.partition(flat, (cut, n - cut - 1), axis=-1)[..., cut : n - cut]
    means: Numbers = middle.mean(axis=-1)
    return float(means) if axis is None else means


@overload
def optimality_gap(scores: ArrayLike, optimum: float = 1.0, axis: None = None) -> float: ...
@overload
def optimality_gap(scores: ArrayLike, optimum: float = 1.0, *, axis: Axis) -> Numbers: ...
def optimality_gap(scores: ArrayLike, optimum: float = 1.0, axis: Axis | None = None) -> float | Numbers:
    """How far scores fall short of ``optimum`` on average, 0 at best: the mean of ``optimum - min(score, optimum)``.

    What lies above the optimum does not make up for what lies below. ``axis`` and errors as in `interquartile_mean`.
    """
    short = np.maximum(optimum - checked(scores), 0.0)
    gaps: Numbers = short.mean(axis=axis)
    return float(gaps) if axis is None else gaps


def _merged(numbers: Numbers, axis: Axis) -> Numbers:
    """``numbers`` with the axes ``axis`` made into one, the last."""
    axes = (axis,) if isinstance(axis, int) else axis
    moved = np.moveaxis(numbers, axes, range(-len(axes), 0))
    return moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1)
