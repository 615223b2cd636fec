"""Probability of improvement against scipy and against counting pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from teachrl.errors import UsageError
from teachrl.statistics.improvement import probability_of_improvement

Matrix = NDArray[np.float64]
few_levels = st.integers(-3, 3).map(float)  # so that ties are common


@st.composite
def two_methods(draw: st.DrawFn) -> tuple[Matrix, Matrix]:
    tasks = draw(st.integers(1, 4))
    one, other = (draw(arrays(np.float64, (draw(st.integers(1, 5)), tasks), elements=few_levels)) for _ in range(2))
    return one, other


def improvement(one: object, other: object) -> float:
    return probability_of_improvement(one, other, np.random.default_rng(0), draws=1).value  # type: ignore[arg-type]


def counted(one: Matrix, other: Matrix) -> float:
    """Pair by pair: the second way to the same number."""
    tasks = []
    for column, other_column in zip(one.T, other.T, strict=True):
        pairs = list(itertools.product(column, other_column))
        tasks.append(sum(1.0 if x > y else 0.5 if x == y else 0.0 for x, y in pairs) / len(pairs))
    return float(np.mean(tasks))


def test_a_worked_example() -> None:
    # First task: 3 of 4 pairs won. Second: one tie, one win, two losses.
    assert improvement([[2, 5], [4, 9]], [[1, 5], [3, 12]]) == pytest.approx((0.75 + 0.375) / 2)
    assert improvement([[1.0]], [[0.0]]) == 1
    assert improvement([[0.0]], [[1.0]]) == 0


@given(two_methods())
def test_it_is_the_share_of_pairs_won(methods: tuple[Matrix, Matrix]) -> None:
    assert improvement(*methods) == pytest.approx(counted(*methods))


@given(two_methods())
def test_both_ways_add_up_to_one_and_a_method_is_its_own_equal(methods: tuple[Matrix, Matrix]) -> None:
    one, other = methods
    assert improvement(one, other) + improvement(other, one) == pytest.approx(1)
    assert improvement(one, one) == 0.5
    assert improvement(np.exp(one), np.exp(other)) == improvement(one, other)


def test_it_is_scipys_mann_whitney_u() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 20, (7, 5)) / 4, rng.integers(2, 22, (9, 5)) / 4
    u = [mannwhitneyu(one[:, task], other[:, task]).statistic for task in range(5)]
    assert improvement(one, other) == pytest.approx(np.mean(u) / 63)


def test_its_interval_is_that_of_a_loop() -> None:
    rng, loop = np.random.default_rng(5), np.random.default_rng(5)
    one, other = rng.integers(0, 9, (4, 3)) / 2, rng.integers(2, 11, (6, 3)) / 2
    loop.integers(0, 9, (4, 3)), loop.integers(2, 11, (6, 3))
    first, second = loop.integers(4, size=(60, 4, 3)), loop.integers(6, size=(60, 6, 3))
    task = np.arange(3)
    drawn = [counted(one[first[k], task], other[second[k], task]) for k in range(60)]
    estimate = probability_of_improvement(one, other, rng, draws=60, confidence=0.8)
    assert estimate.interval == pytest.approx(tuple(np.quantile(drawn, [0.1, 0.9])))
    again = probability_of_improvement(one, other, np.random.default_rng(6), 300, resample_tasks=True)
    assert again == probability_of_improvement(one, other, np.random.default_rng(6), 300, resample_tasks=True)
    assert again.interval != probability_of_improvement(one, other, np.random.default_rng(6), 300).interval


def test_methods_on_different_tasks_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="the same tasks, in the same order; got 2 and 3"):
        improvement(np.zeros((3, 2)), np.zeros((3, 3)))
