"""ALP-GMM and the history beneath it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.learning_progress import alp_signal as lp
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})


def context(space: TaskSpace = SQUARE, seed: int = 0) -> TeacherContext:
    return TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0))


def episode(task: np.ndarray, value: float) -> Episode:
    return Episode(task, value, value, 1, None, True, "", 0, 0, 0, 0, 0)


def teach(teacher: Teacher, episodes: int, reward) -> list[np.ndarray]:
    tasks = []
    for i in range(episodes):
        task = teacher.plan(1).tasks[0]
        tasks.append(task)
        teacher.update([episode(task, reward(task, i))])
    return tasks


def test_nearest_history_equals_brute_force_across_rebuilds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lp, "BUFFER_SIZE", 8)
    monkeypatch.setattr(lp, "MIDDLE_SIZE", 40)
    rng = np.random.default_rng(0)
    history, tasks = lp.NearestTaskHistory(2), rng.random((300, 2))
    for i, task in enumerate(tasks):
        if i:
            nearest = np.argmin(((tasks[:i] - task) ** 2).sum(1))
            assert history.nearest_return(task) == float(nearest)
        history.add(task, float(i))


def test_history_restored_mid_way_answers_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lp, "BUFFER_SIZE", 8)
    monkeypatch.setattr(lp, "MIDDLE_SIZE", 40)
    rng = np.random.default_rng(1)
    first, second = lp.NearestTaskHistory(3), lp.NearestTaskHistory(3)
    for task in rng.random((100, 3)):
        first.add(task, float(task[0]))
    second.restore(first.state())
    for task in rng.random((100, 3)):
        assert first.nearest_return(task) == second.nearest_return(task)
        first.add(task, 0.0)
        second.add(task, 0.0)


def test_limited_history_forgets_the_oldest_and_can_be_restored() -> None:
    rng = np.random.default_rng(2)
    history, restored, tasks = lp.RecentTaskHistory(2, 20), lp.RecentTaskHistory(2, 20), rng.random((100, 2))
    for i, task in enumerate(tasks):
        if i:
            start = max(0, i - 20)
            nearest = start + np.argmin(((tasks[start:i] - task) ** 2).sum(1))
            restored.restore(history.state())
            assert history.nearest_return(task) == restored.nearest_return(task) == float(nearest)
        history.add(task, float(i))


def test_signal_chooses_the_return_that_progress_is_measured_in() -> None:
    def follow(signal: str) -> np.ndarray:
        teacher = make_teacher("alp-gmm", context(), options={"fit_rate": 50, "signal": signal})
        rng = np.random.default_rng(0)
        for _ in range(600):
            task = teacher.plan(1).tasks[0]
            whole, discounted = rng.random() * (task[0] > 0.7), rng.random() * (task[0] < 0.3)
            teacher.update([Episode(task, whole, discounted, 1, None, True, "", 0, 0, 0, 0, 0)])
        return teacher.plan(300).tasks[:, 0]

    assert (follow("return") > 0.7).mean() > 0.5
    assert (follow("discounted_return") < 0.3).mean() > 0.5


def test_first_episodes_have_no_progress_and_then_the_absolute_difference() -> None:
    progress = lp.AbsoluteLearningProgress(1)
    assert [progress.observe(np.array([0.5]), float(i)) for i in range(6)] == [0.0] * 6
    assert progress.observe(np.array([0.5]), -10.0) in {10.0 + i for i in range(6)}


def test_practises_where_progress_is() -> None:
    teacher = make_teacher("alp-gmm", context(), options={"fit_rate": 100})
    rng = np.random.default_rng(0)
    tasks = np.array(teach(teacher, 1000, lambda task, i: float(rng.random()) if task[0] > 0.7 else 0.0))
    assert (tasks[:100, 0] > 0.7).mean() < 0.45
    assert (tasks[200:, 0] > 0.7).mean() > 0.6


@pytest.mark.parametrize("preset", ["default", "corl2019", "tma2021"])
@pytest.mark.parametrize("reward", [0.0, 1e9, -1e9])
def test_constant_returns_do_not_crash_and_tasks_stay_inside(preset: str, reward: float) -> None:
    space = BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"])
    teacher = make_teacher("alp-gmm", context(space), preset)
    for task in teach(teacher, 600, lambda task, i: reward):
        space.vector(space.task(task))


def test_huge_noisy_returns_do_not_crash() -> None:
    rng = np.random.default_rng(0)
    teacher = make_teacher("alp-gmm", context())
    teach(teacher, 600, lambda task, i: float(rng.choice([-1e9, 1e9])))


def test_same_seed_same_tasks_and_state_goes_on_alike() -> None:
    def reward(task: np.ndarray, i: int) -> float:
        return float(task.sum() * i / 500)

    first, second = (make_teacher("alp-gmm", context(seed=3), options={"fit_rate": 50}) for _ in range(2))
    assert np.array_equal(teach(first, 180, reward), teach(second, 180, reward))
    third = make_teacher("alp-gmm", context(seed=99), options={"fit_rate": 50})
    third.restore(first.state())
    assert np.array_equal(teach(first, 120, reward), teach(third, 120, reward))


@settings(max_examples=10, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_default_does_not_depend_on_the_units_of_a_task(scale: float, shift: float) -> None:
    other = BoxTaskSpace({"a": (shift, shift + scale), "b": (0.0, 1.0)})
    one = make_teacher("alp-gmm", context(), options={"fit_rate": 20, "max_components": 3})
    two = make_teacher("alp-gmm", context(other), options={"fit_rate": 20, "max_components": 3})
    a = SQUARE.to_unit(np.array(teach(one, 15, lambda task, i: 0.0)))
    b = other.to_unit(np.array(teach(two, 15, lambda task, i: 0.0)))
    assert np.allclose(a, b, atol=1e-6)


def test_needs_a_range_of_returns_or_a_preset_that_does_not_scale() -> None:
    blind = TeacherContext(SQUARE, np.random.default_rng(0), None)
    with pytest.raises(UsageError, match="return_range"):
        make_teacher("alp-gmm", blind)
    make_teacher("alp-gmm", blind, "tma2021")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fit_rat": 10}, "fit_rate"),
        ({"fit_rate": "often"}, "episodes between two fits"),
        ({"min_components": 8, "max_components": 3}, "above max_components"),
        ({"random_task_ratio": 1.5}, "less than or equal to 1"),
    ],
)
def test_wrong_settings_are_explained(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_teacher("alp-gmm", context(), options=options)


def test_unknown_teacher_suggests_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'alp-gmm'"):
        make_teacher("alp_gmm", context())


def test_picture_is_in_task_units() -> None:
    space = BoxTaskSpace({"a": (100.0, 200.0), "b": (-1.0, 1.0)})
    teacher = make_teacher("alp-gmm", context(space), options={"fit_rate": 50})
    teach(teacher, 60, lambda task, i: float(i % 7) / 7)
    gaussians = teacher.curriculum().gaussians
    assert gaussians
    assert all(90 < g.mean[0] < 210 and -1.2 < g.mean[1] < 1.2 for g in gaussians)
    assert sum(g.weight for g in gaussians) == pytest.approx(0.8)
