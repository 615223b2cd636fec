"""The worst tasks, what was forgotten, and coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl.statistics.tasks import conditional_value_at_risk, distinct_share, forgetting, grid_coverage, worst
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace

points = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=3), elements=st.floats(0, 1))


def test_the_worst_are_chosen_by_one_set_of_episodes_and_judged_by_another() -> None:
    selection, estimates = [0.5, 0.1, 0.9, 0.1], [0.6, 0.2, 0.0, 0.4]
    assert worst(selection, 0.5).tolist() == [1, 3]
    assert conditional_value_at_risk(selection, estimates, 0.5) == pytest.approx(0.3)
    assert conditional_value_at_risk(selection, estimates, 0.25) == pytest.approx(0.2)
    assert conditional_value_at_risk(selection, estimates, 1.0) == pytest.approx(0.3)


def test_chosen_by_their_own_episodes_the_worst_look_too_bad() -> None:
    rng = np.random.default_rng(0)
    one, two = (rng.binomial(10, 0.7, size=2000) / 10 for _ in range(2))
    assert conditional_value_at_risk(one, one, 0.05) < 0.45
    assert conditional_value_at_risk(one, two, 0.05) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(("n", "share", "count"), [(100, 0.07, 7), (100, 0.001, 1), (1000, 0.001, 1), (10, 0.11, 2)])
def test_a_share_takes_enough_levels_and_no_more(n: int, share: float, count: int) -> None:
    assert len(worst(np.zeros(n), share)) == count


def test_the_worst_of_nothing_is_an_error() -> None:
    for share in (0, 1.5, -0.1):
        with pytest.raises(UsageError, match="a share of the levels is above 0"):
            worst([1.0], share)


def test_levels_are_judged_by_as_many_estimates() -> None:
    with pytest.raises(UsageError, match="3 levels were chosen among, and 2 have estimates"):
        conditional_value_at_risk([1.0, 2.0, 0.0], [1.0, 2.0], 0.4)


def test_forgetting_of_a_worked_example() -> None:
    # The first task fell from 0.9 to 0.4, the second never did better, the third never changed.
    values = [[0.2, 0.1, 1.0], [0.9, 0.3, 1.0], [0.6, 0.2, 1.0], [0.4, 0.5, 1.0]]
    assert forgetting(values) == pytest.approx([0.5, -0.2, 0.0])
    assert forgetting(values[:2]) == pytest.approx([-0.7, -0.2, 0.0])
    with pytest.raises(UsageError, match="an earlier evaluation and a final one; got 1"):
        forgetting(values[:1])


@given(arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=st.floats(0, 1)))
def test_forgetting_is_the_largest_fall_to_the_end(values: NDArray[np.float64]) -> None:
    falls = [max(earlier - values[-1, task] for earlier in values[:-1, task]) for task in range(values.shape[1])]
    assert forgetting(values) == pytest.approx(falls)
    assert (forgetting(np.sort(values, axis=0)) <= 0).all()


def test_coverage_of_worked_examples() -> None:
    assert grid_coverage([[0.1, 0.1], [0.2, 0.4], [0.9, 0.9]], 2) == 0.5
    assert grid_coverage([[0.1, 0.1], [0.2, 0.4], [0.9, 0.9]], [10, 1]) == 0.3
    assert grid_coverage([[0.0], [1.0]], 2) == 1  # the bounds belong to the outer cells
    assert grid_coverage([[0.5]] * 9, 4) == 0.25


@given(points, st.integers(1, 5))
def test_coverage_counts_the_cells_that_hold_a_task(tasks: NDArray[np.float64], cells: int) -> None:
    corners = np.arange(cells) / cells
    hit = 0
    for low in itertools.product(range(cells), repeat=tasks.shape[1]):
        inside = [np.all((np.clip(np.floor(t * cells), 0, cells - 1)) == low) for t in tasks]
        hit += any(inside)
    share = grid_coverage(tasks, cells)
    assert share == pytest.approx(hit / cells ** tasks.shape[1])
    assert 0 < share <= min(1, len(tasks) / cells ** tasks.shape[1])
    assert grid_coverage(np.concatenate([tasks, tasks]), cells) == share
    assert grid_coverage(np.stack([corners], axis=-1), cells) == 1


def test_coverage_of_task_spaces() -> None:
    rng = np.random.default_rng(0)
    box = BoxTaskSpace({"length": (-3.0, 5.0), "legs": (2, 6)}, integer=["legs"])
    assert grid_coverage(box.to_unit(box.sample(rng, 2000)), [8, 5]) == 1
    three = np.array([[-3.0, 2], [-3.0, 3], [5.0, 6]])
    assert grid_coverage(box.to_unit(three), [8, 5]) == 3 / 40
    choices = DiscreteTaskSpace(["flat", "stairs", "gap"])
    assert grid_coverage(choices.to_unit(np.array([[0.0], [2.0], [2.0]])), 3) == pytest.approx(2 / 3)


def test_distinct_levels_are_counted_once() -> None:
    assert distinct_share([[1, 0], [0, 1], [1, 0], [1, 1]]) == 0.75
    assert distinct_share([[5]] * 4) == 0.25


def test_what_has_no_coverage_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"from -1 to 0.5; task_space.to_unit"):
        grid_coverage([[-1.0], [0.5]], 4)
    for cells in (0, [2, 2, 2], 1.5, [2, 0]):
        with pytest.raises(UsageError, match="cells are whole numbers from 1"):
            grid_coverage([[0.1, 0.2]], cells)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"tasks are finite numbers of shape \(n, d\)"):
        grid_coverage([0.1, 0.2], 4)
