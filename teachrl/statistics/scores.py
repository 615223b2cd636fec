"""Scores as the statistics take them: finite numbers of a named shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachrl.errors import UsageError

Numbers = NDArray[np.float64]


def checked(values: ArrayLike, *shape: str, what: str = "scores") -> Numbers:
    """``values`` as an array with as many dimensions as ``shape`` names; with no names any shape will do.

    Raises `UsageError` where the shape is another, nothing is in it, or a number is not finite.
    """
    named = f" of shape ({', '.join(shape)}{',' if len(shape) == 1 else ''})" if shape else ""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{what} are finite numbers{named}; got what makes no array: {error}") from None
    if numbers.size == 0 or (shape and numbers.ndim != len(shape)):
        raise UsageError(f"{what} are finite numbers{named}, one at least; got shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        wrong = int(numbers.size - np.isfinite(numbers).sum())
        raise UsageError(f"{what} are finite numbers{named}; {wrong} of {numbers.size} are NaN or infinite")
    return numbers
