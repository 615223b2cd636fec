"""Task spaces cut into cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl.errors import UsageError
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.discrete.base import MAXIMUM_CELLS, PICTURED_CELLS, TaskSet

SPACES: dict[str, tuple[TaskSpace, int]] = {
    "box": (BoxTaskSpace({"a": (-1.0, 2.0), "b": (0.0, 100.0)}), 16),
    "fixed": (BoxTaskSpace({"a": (0.0, 1.0), "b": (2.0, 2.0), "c": (3, 3)}, integer=["c"]), 4),
    "few whole numbers": (BoxTaskSpace({"a": (2, 4)}, integer=["a"]), 3),
    "many whole numbers": (BoxTaskSpace({"a": (-5, 10)}, integer=["a"]), 4),
    "choices": (DiscreteTaskSpace(7), 7),
    "product": (ProductTaskSpace({"x": BoxTaskSpace({"x": (0.0, 1.0)}), "what": DiscreteTaskSpace(["a", "b"])}), 8),
    "twelve dimensions, ten fixed": (BoxTaskSpace({f"x{i}": (0.0, float(i > 9)) for i in range(12)}), 16),
}


@pytest.mark.parametrize("name", SPACES)
def test_tasks_drawn_in_a_cell_are_valid_and_belong_to_it(name: str) -> None:
    space, cells = SPACES[name]
    task_set = TaskSet(space, 4)
    assert task_set.size == cells == len(task_set.centers)
    indices = np.repeat(np.arange(cells), 20)
    tasks = task_set.sample(np.random.default_rng(0), indices)
    assert np.array_equal(task_set.index_of(tasks), indices)
    assert np.array_equal(task_set.index_of(task_set.centers), np.arange(cells))
    assert all(space.contains(space.task(task)) for task in [*tasks, *task_set.centers])


@pytest.mark.parametrize("name", SPACES)
def test_every_task_of_the_space_has_a_cell_bounds_included(name: str) -> None:
    space, cells = SPACES[name]
    task_set = TaskSet(space, 4)
    assert task_set.index_of(space.low) == 0
    assert task_set.index_of(space.high) == cells - 1
    assert set(task_set.index_of(space.sample(np.random.default_rng(0), 1000)).tolist()) == set(range(cells))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.integers(1, 40))
def test_groups_of_whole_numbers_differ_by_one_at_most(values: int, cells: int) -> None:
    task_set = TaskSet(BoxTaskSpace({"a": (-3, values - 4)}, integer=["a"]), cells)
    sizes = np.bincount(task_set.index_of(np.arange(-3.0, values - 3)[:, None]))
    assert len(sizes) == min(values, cells)
    assert sizes.max() - sizes.min() <= 1


def test_tasks_fill_their_cell_evenly() -> None:
    task_set = TaskSet(BoxTaskSpace({"a": (0.0, 10.0), "n": (0, 9)}, integer=["n"]), 5)
    tasks = task_set.sample(np.random.default_rng(0), np.full(2000, 12))  # a in [4, 6], n in {4, 5}
    assert tasks[:, 0].mean() == pytest.approx(5.0, abs=0.05)
    assert np.ptp(tasks[:, 0]) > 1.98
    assert np.bincount(tasks[:, 1].astype(int))[4:].tolist() == pytest.approx([1000, 1000], rel=0.1)


def test_order_is_that_of_the_choices_and_the_last_dimension_runs_fastest() -> None:
    assert TaskSet(DiscreteTaskSpace(["a", "b", "c"]), 1).centers[:, 0].tolist() == [0, 1, 2]
    centers = TaskSet(BoxTaskSpace({"a": (0.0, 4.0), "b": (0.0, 4.0)}), 2).centers
    assert centers.tolist() == [[1, 1], [1, 3], [3, 1], [3, 3]]


@pytest.mark.parametrize(
    ("space", "cells", "words"),
    [
        (BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(5)}), 10, "cells_per_dimension to 6 or less"),
        (BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}), 10, "alp-gmm"),
        (BoxTaskSpace({"x": (0.0, 1.0)}), 10**9, "cells_per_dimension to 10000 or less"),
        (BoxTaskSpace({"x": (0, 10**9)}, integer=["x"]), 20_000, "cells_per_dimension to 10000 or less"),
        (ProductTaskSpace({"a": DiscreteTaskSpace(101), "b": DiscreteTaskSpace(100)}), 10, "101 x 100"),
    ],
)
def test_sets_that_are_too_large_are_refused_saying_what_to_set(space: TaskSpace, cells: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TaskSet(space, cells)


def test_regions_are_in_task_units_and_limited_to_the_heaviest() -> None:
    task_set = TaskSet(BoxTaskSpace({"a": (100.0, 200.0), "n": (1, 4)}, integer=["n"]), 2)
    weights = np.array([0.0, 0.25, 0.75, 0.0])
    first, second = task_set.regions(weights, weights * 2)
    assert (first.low, first.high, first.weight) == ([100.0, 3.0], [150.0, 4.0], 0.25)
    assert (second.low, second.high, second.learning_progress) == ([150.0, 1.0], [200.0, 2.0], 1.5)
    large = TaskSet(BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)}), 100)
    assert large.size == MAXIMUM_CELLS
    weights = np.arange(MAXIMUM_CELLS, dtype=float)
    drawn = large.regions(weights, weights)
    assert [r.weight for r in drawn] == weights[-PICTURED_CELLS:].tolist()
