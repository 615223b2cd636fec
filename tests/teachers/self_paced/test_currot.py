"""CURROT: particles reach the target when they may, and wait where the student still performs when not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl.teachers.self_paced.currot import CurrotTeacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
EASY = TaskDistribution(np.array([0.2, 0.2]), np.array([0.05, 0.05]))
WANTED = TaskDistribution(np.array([0.9, 0.7]), np.array([1e-3, 1e-3]))
KNOWN = Knowledge(mastery_return=0.5, initial=EASY, target=WANTED)
Skill = Callable[[np.ndarray], float]


def make(
    options: dict[str, Any] | None = None, space: TaskSpace = SQUARE, knowledge: Knowledge = KNOWN, seed: int = 0
) -> CurrotTeacher:
    teacher = make_teacher(
        "currot", TeacherContext(space, np.random.default_rng(seed), None, knowledge), options=options
    )
    assert isinstance(teacher, CurrotTeacher)
    return teacher


def teach(teacher: CurrotTeacher, episodes: int, skill: Skill) -> np.ndarray:
    tasks = []
    for _ in range(episodes):
        task = teacher.plan(1).tasks[0]
        tasks.append(task)
        value = float(skill(task))
        teacher.update([Episode(task, value, value, 1, value > 0.5, True, "", 0, 0, 0, 0, 0)])
    return np.array(tasks)


def test_particles_reach_the_target_when_everything_is_mastered() -> None:
    teacher = make()
    start = teacher._particles.copy()
    teach(teacher, 50, lambda task: 1.0)
    assert np.linalg.norm(teacher._particles - start, axis=1).max() <= 0.05 * np.sqrt(2) + 1e-9
    tasks = teach(teacher, 950, lambda task: 1.0)
    assert np.allclose(teacher._particles.mean(axis=0), WANTED.mean, atol=1e-3)
    assert np.allclose(teacher._particles.std(axis=0), WANTED.std, rtol=0.4)
    assert np.allclose(tasks[-50:], WANTED.mean, atol=0.01)  # no noise is left where they have arrived


def test_particles_stay_where_the_student_performs_as_near_to_the_target_as_that_allows() -> None:
    teacher = make()
    teach(teacher, 2500, lambda task: float(task[0] < 0.5))
    assert (teacher._expected >= 0.5).all()
    assert (teacher._particles[:, 0] < 0.53).all()
    assert np.allclose(teacher._particles.mean(axis=0), [0.5, 0.7], atol=0.05)


def test_particles_follow_a_student_that_learns() -> None:
    teacher, frontier = make(), [0.3]

    def learns(task: np.ndarray) -> float:
        passed = task[0] < frontier[0]
        frontier[0] += 1e-3 * (passed and task[0] > frontier[0] - 0.1)
        return float(passed)

    teach(teacher, 4000, learns)
    assert np.allclose(teacher._particles.mean(axis=0), WANTED.mean, atol=0.01)


def test_from_everywhere_those_who_cannot_yet_go_to_where_the_student_can() -> None:
    teacher = make(knowledge=Knowledge(mastery_return=0.5))
    assert teacher._particles.max() > 0.9
    teach(teacher, 2000, lambda task: float(task.max() < 0.4))
    assert (teacher._particles.max(axis=1) < 0.45).mean() > 0.95
    assert teacher._particles.std(axis=0).min() > 0.05  # and still cover it


def test_with_nothing_mastered_and_nothing_better_they_wait_and_keep_looking() -> None:
    teacher = make()
    start = teacher._particles.copy()
    teach(teacher, 300, lambda task: 0.0)
    assert np.array_equal(teacher._particles, start)
    plan = teacher.plan(500)
    around = plan.tasks - teacher._particles[[int(reason["particle"]) for reason in plan.reasons]]
    assert np.allclose(around.std(axis=0), 0.05 / 2, rtol=0.2)


def test_return_can_be_the_measure_without_success() -> None:
    options = {"signal": "discounted_return", "threshold": -10.0}
    teacher = make(options, knowledge=Knowledge(initial=EASY, target=WANTED))
    assert not teacher.signals
    teach(teacher, 2500, lambda task: -20.0 * task[0])
    assert np.allclose(teacher._particles.mean(axis=0), [0.5, 0.7], atol=0.05)
    with pytest.raises(UsageError, match="mastery_range"):
        make(knowledge=Knowledge(initial=EASY, target=WANTED))


def test_regression_is_a_weighted_mean_and_far_away_that_of_the_nearest() -> None:
    teacher = make({"bandwidth": 0.1 / np.sqrt(2)})
    for x, value in ((0.2, 1.0), (0.3, 0.0)):
        teacher.update([Episode(np.array([x, 0.5]), value, value, 1, value > 0, True, "", 0, 0, 0, 0, 0)])
    middle, near, far = teacher._expect(np.array([[0.25, 0.5], [0.2, 0.5], [50.0, 0.5]]))
    assert middle == pytest.approx(0.5)
    assert near == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert far == pytest.approx(0.0, abs=1e-9)


def test_state_goes_on_alike(tmp_path: Path) -> None:
    def skill(task: np.ndarray) -> float:
        return float(task[0] < 0.6)

    first, second = make(), make(seed=7)
    teach(first, 733, skill)
    write_tree(tmp_path / "state.npz", first.state())
    second.restore(read_tree(tmp_path / "state.npz"))
    assert np.array_equal(teach(first, 300, skill), teach(second, 300, skill))


@pytest.mark.parametrize("value", [0.0, 1e9, -1e9])
@pytest.mark.parametrize("signal", ["success", "return"])
@pytest.mark.parametrize(
    "space",
    [
        BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"]),
        BoxTaskSpace({"fixed": (2.0, 2.0)}),
        BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
        DiscreteTaskSpace(["flat", "stairs", "gap"]),
    ],
)
def test_odd_spaces_and_constant_returns_do_not_crash(space: TaskSpace, signal: str, value: float) -> None:
    teacher = make({"signal": signal, "history_size": 70}, space, Knowledge(mastery_return=0.5))
    for task in teach(teacher, 210, lambda task: value):
        space.vector(space.task(task))
    assert np.isfinite(teacher._particles).all()


def test_whole_numbers_and_choices_are_reached_too() -> None:
    space = BoxTaskSpace({"n": (0, 9), "b": (0.0, 1.0)}, integer=["n"])
    knowledge = Knowledge(
        mastery_return=0.5,
        initial=TaskDistribution(np.array([1.0, 0.5]), np.array([0.1, 0.1])),
        target=TaskDistribution(np.array([8.0, 0.5]), np.array([0.0, 0.1])),
    )
    teacher = make(space=space, knowledge=knowledge)
    teach(teacher, 1000, lambda task: 1.0)
    assert (teacher.plan(50).tasks[:, 0] == 8).all()


def test_an_update_is_quick() -> None:
    teacher = make()
    teach(teacher, 599, lambda task: float(task[0] < 0.5))
    start = time.process_time()
    teach(teacher, 1, lambda task: 1.0)
    assert teacher._updates == 12
    assert time.process_time() - start < 0.15


def test_picture_shows_the_particles_in_task_units_and_wrong_settings_are_explained() -> None:
    space = BoxTaskSpace({"a": (100.0, 200.0), "b": (-1.0, 1.0)})
    teacher = make({"particles": 7}, space, Knowledge(mastery_return=0.5))
    samples = np.array(teacher.curriculum().samples)
    assert samples.shape == (7, 2)
    assert (samples[:, 0] >= 100).all()
    with pytest.raises(UsageError, match="success rate"):
        make({"threshold": 180.0})
