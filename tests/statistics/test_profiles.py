"""Performance profiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl.statistics.profiles import performance_profile

scores = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-5, 5))


def test_a_worked_example() -> None:
    profile = performance_profile([[0.0, 0.5], [0.5, 1.0]], [-1, 0, 0.5, 0.7, 1], np.random.default_rng(0))
    assert [point.value for point in profile] == [1, 0.75, 0.25, 0.25, 0]
    assert [point.interval for point in profile] == [None] * 5


@given(scores, st.lists(st.floats(-6, 6), min_size=1, max_size=10))
@settings(deadline=None)
def test_profile_and_bands_fall_from_one_to_nothing(matrix: NDArray[np.float64], between: list[float]) -> None:
    thresholds = [-6.0, *sorted(between), 6.0]
    profile = performance_profile(matrix, thresholds, np.random.default_rng(0), draws=30)
    ends = [(p.value, *(p.interval or (p.value, p.value))) for p in profile]
    assert (np.diff(ends, axis=0) <= 1e-12).all()
    assert ends[0] == (1, 1, 1)
    assert ends[-1] == (0, 0, 0)


def test_the_area_under_a_profile_is_the_mean() -> None:
    matrix = np.random.default_rng(0).random((8, 5))
    thresholds = np.linspace(0, 1, 2001)
    profile = performance_profile(matrix, thresholds, np.random.default_rng(0), draws=2)
    assert np.trapezoid([point.value for point in profile], thresholds) == pytest.approx(matrix.mean(), abs=1e-3)


def test_bands_are_those_of_a_loop() -> None:
    matrix = np.random.default_rng(0).random((6, 3))
    thresholds = [0.1, 0.4, 0.8]
    rng, loop = np.random.default_rng(1), np.random.default_rng(1)
    drawn = []
    for _ in range(40):
        draw = matrix[loop.integers(6, size=(6, 3)), np.arange(3)]
        drawn.append([np.mean([score > level for score in draw.ravel()]) for level in thresholds])
    profile = performance_profile(matrix, thresholds, rng, draws=40, confidence=0.9)
    expected = np.quantile(drawn, [0.05, 0.95], axis=0).T
    assert [point.interval for point in profile] == [pytest.approx(tuple(pair)) for pair in expected]


def test_a_profile_needs_thresholds() -> None:
    with pytest.raises(UsageError, match=r"thresholds are finite numbers of shape \(n,\)"):
        performance_profile([[1.0]], [], np.random.default_rng(0))
