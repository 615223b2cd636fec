"""RIAC and its tree of regions."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.learning_progress.region_tree import RegionTree, SplitRules, absolute_progress
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})


def context(space: TaskSpace = SQUARE, seed: int = 0) -> TeacherContext:
    return TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0))


def teach(teacher: Teacher, episodes: int, reward) -> np.ndarray:
    tasks = []
    for i in range(episodes):
        task = teacher.plan(1).tasks[0]
        tasks.append(task)
        value = reward(task, i)
        teacher.update([Episode(task, value, value, 1, None, True, "", 0, 0, 0, 0, 0)])
    return np.array(tasks)


def right_side(task: np.ndarray, i: int) -> float:
    """Returns that come and go on the right, and stay on the left."""
    return float(np.sin(i / 40)) if task[0] > 0.7 else 0.5


def test_progress_is_the_difference_between_the_halves_of_the_window() -> None:
    kept = np.ones((1, 5), dtype=bool)
    returns = np.array([9.0, 1.0, 2.0, 5.0, 7.0])
    assert absolute_progress(returns, kept, 4) == pytest.approx([6.0 - 1.5])
    assert absolute_progress(returns, kept, 5) == pytest.approx([6.0 - 4.0])  # of an odd number, more are old
    kept[0, :3] = False
    assert absolute_progress(returns, kept, 5) == [0.0]  # two points say nothing
    assert absolute_progress(np.full(5, 0.1), np.ones((1, 5), dtype=bool), 5) == [0.0]


def test_practises_where_returns_change() -> None:
    tasks = teach(make_teacher("riac", context()), 3000, right_side)[1000:, 0]
    assert (tasks > 0.7).mean() > 0.5


def test_every_region_knows_the_latest_of_its_own_points() -> None:
    rules = SplitRules(20, 30, 1, 0.05, 0.25, "weighted")
    tree, rng = RegionTree(2, rules), np.random.default_rng(0)
    points = rng.random((1500, 2))
    for i, point in enumerate(points):
        leaf = tree.add(point, float(np.sin(i) * point[0]))
        if tree.is_full(leaf):
            tree.split(leaf, rng)
    assert tree.size > 20
    for region in tree.regions:
        inside = np.flatnonzero(((points > region["low"]) & (points <= region["high"])).all(axis=1))
        assert region["count"] >= 1
        assert region["members"][-region["count"] :].tolist() == inside[-region["count"] :].tolist()
        assert (region["high"] - region["low"] >= 0.05 - 1e-12).all()


def test_regions_split_where_progress_differs() -> None:
    teacher = make_teacher("riac", context(), options={"random_task_ratio": 1.0, "mutation_ratio": 0.0})
    teach(teacher, 201, lambda task, i: float(i) if task[0] > 0.7 else 0.0)
    _, left, right = teacher.curriculum().regions
    assert left.low == [0.0, 0.0]
    assert left.high[0] == pytest.approx(0.7, abs=0.1)
    assert right.learning_progress > 10 * left.learning_progress


def test_mutations_stay_in_their_region_near_its_worst_task() -> None:
    teacher = make_teacher("riac", context(), options={"random_task_ratio": 0.0, "mutation_ratio": 1.0})
    teach(teacher, 190, lambda task, i: float(np.abs(task - 0.25).sum()))
    plan = teacher.plan(200)
    assert set(plan.origins) == {"mutation"}
    assert np.abs(plan.tasks.mean(axis=0) - 0.25).max() < 0.1


def test_shares_of_the_rules() -> None:
    teacher = make_teacher("riac", context())
    teach(teacher, 300, right_side)
    origins = teacher.plan(2000).origins
    for origin, share in (("region", 0.7), ("random", 0.2), ("mutation", 0.1)):
        assert origins.count(origin) / 2000 == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("preset", ["default", "corl2019", "tma2021"])
def test_same_seed_same_tasks_and_state_goes_on_alike(preset: str) -> None:
    first, second, third = (make_teacher("riac", context(seed=s), preset) for s in (3, 3, 99))
    assert np.array_equal(teach(first, 700, right_side), teach(second, 700, right_side))
    state = first.state()
    third.restore(state)
    ahead = teach(first, 700, right_side)
    assert np.array_equal(ahead, teach(third, 700, right_side))
    second.restore(state)  # what was taken is a copy: playing on did not change it
    assert np.array_equal(ahead, teach(second, 700, right_side))


def test_equal_returns_leave_no_progress_and_every_region_alike() -> None:
    teacher = make_teacher("riac", context())
    teach(teacher, 1000, lambda task, i: 0.1)
    regions = teacher.curriculum().regions
    assert len(regions) > 1
    assert {r.learning_progress for r in regions} == {0.0}
    assert len({r.weight for r in regions}) == 1


@pytest.mark.parametrize(
    "space",
    [
        BoxTaskSpace({"only": (2.0, 2.0)}),
        BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"]),
        DiscreteTaskSpace(["flat", "stairs"]),
    ],
)
@pytest.mark.parametrize("preset", ["default", "corl2019", "tma2021"])
def test_spaces_where_cuts_are_few_or_none(space: TaskSpace, preset: str) -> None:
    rng = np.random.default_rng(0)
    teacher = make_teacher("riac", context(space), preset)
    for task in teach(teacher, 1000, lambda task, i: float(rng.choice([-1e9, 1e9]))):
        space.vector(space.task(task))


def test_native_mutations_are_measured_in_task_units() -> None:
    wide = BoxTaskSpace({"a": (0.0, 100.0)})
    options = {"units": "native", "random_task_ratio": 0.0, "mutation_ratio": 1.0}
    teacher = make_teacher("riac", context(wide), options=options)
    teach(teacher, 3, lambda task, i: float(i))
    assert teacher.plan(200).tasks.std() == pytest.approx(0.1, rel=0.2)


def test_wrong_settings_are_explained() -> None:
    with pytest.raises(UsageError, match="together at most 1"):
        make_teacher("riac", context(), options={"random_task_ratio": 0.8, "mutation_ratio": 0.3})
    with pytest.raises(UsageError, match="return_range"):
        make_teacher("riac", TeacherContext(SQUARE, np.random.default_rng(0), None), "corl2019")
