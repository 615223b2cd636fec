"""Covar-GMM."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
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


def saw(task: np.ndarray, i: int) -> float:
    """Within each 100 episodes, returns grow on the right, shrink on the left and stay in between."""
    time = i % 100 / 100
    return time if task[0] > 0.7 else 1 - time if task[0] < 0.3 else 0.5


def test_practises_where_returns_grow_and_not_where_they_shrink() -> None:
    options = {"fit_rate": 100, "max_components": 5}
    tasks = teach(make_teacher("covar-gmm", context(), options=options), 1000, saw)[200:, 0]
    assert (tasks > 0.7).mean() > 0.6
    assert (tasks < 0.3).mean() < 0.2


def test_a_share_of_tasks_is_uniform_and_gaussians_are_explained() -> None:
    teacher = make_teacher("covar-gmm", context(), options={"fit_rate": 50, "random_task_ratio": 0.5})
    assert set(teacher.plan(10).origins) == {"bootstrap"}
    teach(teacher, 60, saw)
    plan = teacher.plan(400)
    assert 0.4 < plan.origins.count("random") / 400 < 0.6
    reason = plan.reasons[plan.origins.index("gaussian")]
    assert reason["learning_progress"] >= 0
    assert "covariance" in teacher.explain("gaussian", reason)


@pytest.mark.parametrize("preset", ["default", "corl2019", "tma2021"])
def test_same_seed_same_tasks_and_state_goes_on_alike(preset: str) -> None:
    first, second, third = (make_teacher("covar-gmm", context(seed=s), preset) for s in (3, 3, 99))
    assert np.array_equal(teach(first, 320, saw), teach(second, 320, saw))
    state = first.state()
    third.restore(state)
    assert np.array_equal(teach(first, 320, saw), teach(third, 320, saw))
    second.restore(state)  # what was taken is a copy: playing on did not change it
    assert second.plan(1).tasks.tolist() != first.plan(1).tasks.tolist()


def test_needs_a_range_of_returns_or_a_preset_that_does_not_scale() -> None:
    blind = TeacherContext(SQUARE, np.random.default_rng(0), None)
    with pytest.raises(UsageError, match="return_range"):
        make_teacher("covar-gmm", blind)
    make_teacher("covar-gmm", blind, "tma2021")


def test_picture_is_in_task_units() -> None:
    space = BoxTaskSpace({"a": (100.0, 200.0), "b": (-1.0, 1.0)})
    teacher = make_teacher("covar-gmm", context(space), options={"fit_rate": 50})
    teach(teacher, 60, lambda task, i: float(i % 50) / 50)
    gaussians = teacher.curriculum().gaussians
    assert all(90 < g.mean[0] < 210 and -1.2 < g.mean[1] < 1.2 and len(g.mean) == 2 for g in gaussians)
    assert sum(g.weight for g in gaussians) == pytest.approx(0.8)
