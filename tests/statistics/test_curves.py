"""Learning curves: areas, thresholds, means and sample efficiency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from teachrl.errors import UsageError
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.curves import (
    area_under_curve,
    common_steps,
    mean_curve,
    on_steps,
    sample_efficiency,
    steps_to_threshold,
)
from teachrl.statistics.estimates import mean_over_runs

Points = tuple[list[float], list[float]]


@st.composite
def curves(draw: st.DrawFn) -> Points:
    steps = sorted(draw(st.sets(st.integers(0, 1000), min_size=1, max_size=12)))
    values = draw(st.lists(st.floats(-100, 100), min_size=len(steps), max_size=len(steps)))
    return [float(step) for step in steps], values


@pytest.mark.parametrize(
    ("steps", "values", "budget", "area"),
    [
        ([0, 10], [0, 1], 10, 0.5),  # a straight line
        ([0, 10], [0, 1], 20, 0.75),  # ended at 10, and held
        ([10, 20], [4, 4], 20, 4.0),  # first evaluated at 10, and held from 0
        ([5, 10, 20], [0, 1, 3], 20, (0 + 2.5 + 20) / 20),
        ([0, 10], [0, 1], 5, 0.25),  # cut on the line to the evaluation beyond
        ([7], [3], 50, 3.0),
        ([10], [3], 10, 3.0),
    ],
)
def test_areas_of_worked_examples(steps: list[float], values: list[float], budget: float, area: float) -> None:
    assert area_under_curve(steps, values, budget) == pytest.approx(area)


@given(curves(), st.floats(0.5, 2000))
def test_an_area_is_a_mean_height(curve: Points, budget: float) -> None:
    steps, values = curve
    if steps[0] > budget:
        with pytest.raises(UsageError, match="an evaluation within it"):
            area_under_curve(steps, values, budget)
        return
    area = area_under_curve(steps, values, budget)
    seen = [value for step, value in zip(steps, values, strict=True) if step <= budget] + [np.interp(budget, *curve)]
    assert min(seen) - 1e-9 <= area <= max(seen) + 1e-9
    assert area_under_curve(steps, np.array(values) * 3 - 7, budget) == pytest.approx(area * 3 - 7, abs=1e-6)
    corners = [step for step in steps if step < budget]
    exact = quad(lambda x: np.interp(x, *curve), 0, budget, points=corners, limit=200)[0] / budget
    assert area == pytest.approx(exact, abs=1e-5)


def test_a_threshold_is_reached_and_held() -> None:
    steps, values = [1, 2, 3, 4, 5, 6], [0, 0.6, 0.2, 0.5, 0.7, 0.9]
    assert steps_to_threshold(steps, values, 0.5) == 2
    assert steps_to_threshold(steps, values, 0.5, held=2) == 4
    assert steps_to_threshold(steps, values, 0.5, held=3) == 4
    assert steps_to_threshold(steps, values, 0.5, held=4) is None
    assert steps_to_threshold(steps, values, 0.95) is None
    assert steps_to_threshold(steps, values, 0.0, held=6) == 1
    assert steps_to_threshold(steps, values, 0.0, held=7) is None


@given(curves(), st.floats(-100, 100), st.integers(1, 5))
def test_a_threshold_against_a_loop(curve: Points, threshold: float, held: int) -> None:
    steps, values = curve
    expected = None
    for i in range(len(steps) - held, -1, -1):
        if all(value >= threshold for value in values[i : i + held]):
            expected = steps[i]
    assert steps_to_threshold(steps, values, threshold, held) == expected


def test_curves_meet_on_common_steps() -> None:
    runs = [([0, 10, 20], [0.0, 1.0, 1.0]), ([5, 10, 30], [2.0, 3.0, 7.0]), ([5, 25], [0.0, 2.0])]
    steps = common_steps(runs)
    assert steps.tolist() == [5, 10, 20]
    rows = on_steps(runs, steps)
    assert rows == pytest.approx(np.array([[0.5, 1, 1], [2, 3, 5], [0, 0.5, 1.5]]))
    assert mean_curve(runs, steps, 0.9) == [mean_over_runs(column, 0.9) for column in rows.T]
    assert [point.interval for point in mean_curve(runs[:2], steps)] == [None] * 3


def test_what_a_curve_does_not_reach_is_not_made_up() -> None:
    runs = [([0, 10], [0.0, 1.0]), ([5, 20], [2.0, 3.0])]
    for steps in ([4, 10], [5, 11]):
        with pytest.raises(UsageError, match="common_steps"):
            mean_curve(runs, steps)
    with pytest.raises(UsageError, match="no steps in common: one begins at 15, another ends at 10"):
        common_steps([runs[0], ([15, 20], [0, 1])])
    for put_together in (common_steps, lambda none: on_steps(none, [1])):
        with pytest.raises(UsageError, match="no curves"):
            put_together([])


def test_sample_efficiency_draws_whole_curves() -> None:
    scores = np.random.default_rng(0).random((5, 4, 3))
    estimates = sample_efficiency(scores, np.random.default_rng(1), draws=80, confidence=0.9)
    loop = np.random.default_rng(1)
    drawn = []
    for _ in range(80):
        run = loop.integers(5, size=(5, 4))
        drawn.append([interquartile_mean(scores[run, np.arange(4), n]) for n in range(3)])
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    for n, estimate in enumerate(estimates):
        assert estimate.value == pytest.approx(interquartile_mean(scores[:, :, n]))
        assert estimate.interval == pytest.approx((low[n], high[n]))
    assert estimates == sample_efficiency(scores, np.random.default_rng(1), draws=80, confidence=0.9)


def test_what_is_no_curve_is_an_error() -> None:
    with pytest.raises(UsageError, match="2 steps and 3 values"):
        area_under_curve([1, 2], [1, 2, 3], 5)
    for steps in ([2, 1], [1, 1], [-1, 1]):
        with pytest.raises(UsageError, match="rise from 0 or more, none twice"):
            steps_to_threshold(steps, [0, 1], 0.5)
    with pytest.raises(UsageError, match="a budget above 0"):
        area_under_curve([0, 1], [0, 1], 0)
    with pytest.raises(UsageError, match="one evaluation at least; got 0"):
        steps_to_threshold([0, 1], [0, 1], 0.5, held=0)
    with pytest.raises(UsageError, match=r"values are finite numbers"):
        steps_to_threshold([0, 1], [0, np.nan], 0.5)
