"""Interquartile mean and optimality gap."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from teachrl.errors import UsageError
from teachrl.statistics.aggregates import interquartile_mean, optimality_gap
from teachrl.statistics.bootstrap import bootstrap_over_runs

numbers = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([5], 5), ([0, 1, 2, 100], 1.5), ([0, 1, 2, 3, 100], 2), ([[0, 9, 2, 3], [4, 5, 6, 7]], 4.5)],
)
def test_interquartile_mean_leaves_out_a_quarter_on_each_side(scores: list[float], expected: float) -> None:
    assert interquartile_mean(scores) == pytest.approx(expected)


@given(numbers, st.randoms(use_true_random=False))
def test_interquartile_mean_is_scipys_in_any_order(scores: list[float], random: object) -> None:
    expected = trim_mean(scores, 0.25)
    shuffled = list(scores)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert interquartile_mean(scores) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert interquartile_mean(shuffled) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(numbers, st.floats(0.01, 100), st.floats(-100, 100))
def test_interquartile_mean_goes_with_scale_and_shift(scores: list[float], scale: float, shift: float) -> None:
    changed = interquartile_mean(np.array(scores) * scale + shift)
    assert changed == pytest.approx(interquartile_mean(scores) * scale + shift, rel=1e-9, abs=1e-4)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=40))
def test_one_score_however_high_or_low_counts_no_more_than_the_next(scores: list[float]) -> None:
    ordered = sorted(scores)
    assert interquartile_mean([-1e12, *ordered[1:-1], 1e12]) == interquartile_mean(ordered)


def test_axes_can_be_chosen_anywhere() -> None:
    cube = np.random.default_rng(0).random((3, 5, 4, 7))
    for axis in (0, -1, (1, 2), (3, 0), (0, 1, 2, 3)):
        names = axis if isinstance(axis, tuple) else (axis,)
        kept = [i for i in range(4) if i not in {name % 4 for name in names}]
        rest = [cube.shape[i] for i in kept]
        flat = cube.transpose([*kept, *(set(range(4)) - set(kept))]).reshape(*rest, -1)
        assert interquartile_mean(cube, axis=axis) == pytest.approx(trim_mean(flat, 0.25, axis=-1))
        assert optimality_gap(cube, 0.4, axis=axis) == pytest.approx(np.maximum(0.4 - flat, 0).mean(axis=-1))


def test_the_optimality_gap_of_a_worked_example() -> None:
    # Short by 0.5, 0.2, 0 and 0: what is above the optimum of 1 fills no gap.
    assert optimality_gap([[0.5, 0.8], [1.0, 3.0]]) == pytest.approx(0.175)
    assert optimality_gap([[0.5, 0.8], [1.0, 3.0]], optimum=2.0) == pytest.approx((1.5 + 1.2 + 1) / 4)
    scores = np.random.default_rng(0).random((6, 3))
    rng = np.random.default_rng(0)
    estimate = bootstrap_over_runs(scores, partial(optimality_gap, optimum=0.5), rng, draws=100)
    assert estimate.value == pytest.approx(optimality_gap(scores, 0.5))
    assert estimate.interval is not None
    assert estimate.interval[0] < estimate.value < estimate.interval[1]


@given(numbers, st.floats(-10, 10))
def test_a_gap_is_never_negative_and_bounds_the_mean(scores: list[float], optimum: float) -> None:
    gap = optimality_gap(scores, optimum)
    assert gap >= 0
    assert optimum - gap <= np.mean(scores) + 1e-6


def test_a_crashed_run_is_not_trimmed_away() -> None:
    for statistic in (interquartile_mean, optimality_gap):
        with pytest.raises(UsageError, match="1 of 8 are NaN or infinite"):
            statistic([1, 2, 3, 4, 5, 6, 7, np.nan])
        with pytest.raises(UsageError, match="one at least"):
            statistic([])
