"""ProCuRL and, with targets, ProxCoRL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

LINE = BoxTaskSpace({"x": (0.0, 10.0)})
TARGET = TaskDistribution(np.array([10.0]), np.array([0.0]))
ALL = Knowledge(mastery_return=1.0, target=TARGET)


def teacher(space: TaskSpace = LINE, seed: int = 0, knowledge: Knowledge = ALL, **options: object) -> Teacher:
    return make_teacher(
        "procurl", TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0), knowledge), options=options
    )


def play(chosen: Teacher, episodes: int, success: Callable[[np.ndarray], bool]) -> np.ndarray:
    tasks = []
    for _ in range(episodes):
        plan = chosen.plan(1)
        tasks.append(plan.tasks[0])
        chosen.update([episode(tasks[-1], success(tasks[-1]))])
    return np.array(tasks)


def episode(task: np.ndarray, success: bool | None, value: float = 0.0) -> Episode:
    return Episode(task, value, value, 1, success, True, "", 0, 0, 0, 0, 0, first_observation=task / 10)


def weights(chosen: Teacher) -> np.ndarray:
    return np.array([region.weight for region in chosen.curriculum().regions]) / (1 - chosen.curriculum().random_ratio)


def test_practises_where_success_is_uncertain() -> None:
    rng = np.random.default_rng(0)
    tasks = play(teacher(beta=60.0), 1500, lambda task: bool(task[0] < 6 and (task[0] < 5 or rng.random() < 0.5)))
    uncertain = (tasks[500:, 0] >= 5) & (tasks[500:, 0] < 6)
    assert uncertain.mean() > 0.5


def test_probabilities_are_those_of_the_formula() -> None:
    chosen = teacher(DiscreteTaskSpace(3), beta=7.0)
    chosen.update([episode(np.array([1.0]), True)] * 2 + [episode(np.array([2.0]), False)])
    success = np.array([0.5, 2.5 / 3, 0.25])  # each cell starts with one half, counted as one episode
    expected = np.exp(7.0 * success * (1 - success))
    assert weights(chosen) == pytest.approx(expected / expected.sum())
    reason = next(r for r in chosen.plan(100).reasons if r.get("cell") == 1)
    assert reason["success_probability"] == pytest.approx(success[1])
    assert reason["potential"] == pytest.approx(success[1] * (1 - success[1]))


def test_estimates_forget_what_was_long_ago() -> None:
    chosen = teacher(DiscreteTaskSpace(1), random_task_ratio=0.0)
    chosen.update([episode(np.array([0.0]), False)] * 200 + [episode(np.array([0.0]), True)] * 30)
    assert chosen.plan(1).reasons[0]["success_probability"] > 0.9


def test_targets_draw_the_choice_towards_them() -> None:
    chosen = teacher(target_similarity=True, beta=50.0)
    drawn = weights(chosen)
    assert (np.diff(drawn) > 0).all()
    expected = np.exp(50.0 * 0.25 * np.exp(-(1 - (np.arange(10) + 0.5) / 10)))
    assert drawn == pytest.approx(expected / expected.sum())


def test_targets_must_be_known() -> None:
    with pytest.raises(UsageError, match="'target'"):
        teacher(knowledge=Knowledge(mastery_return=1.0), target_similarity=True)
    with pytest.raises(UsageError, match="grants only 'mastery_range'"):
        teacher(knowledge=ALL.limited_to("mastery_range"), target_similarity=True)


def test_values_of_first_observations_take_the_place_of_success() -> None:
    chosen = teacher(knowledge=Knowledge(), signal="start_value", value_range=(0.0, 2.0), beta=100.0)
    assert chosen.signals == {"start_value"}
    chosen.update([episode(np.array([cell + 0.5]), None) for cell in range(9)])  # the last cell has no episode
    chosen.student_learned(lambda observations: 4 * observations[:, 0])  # from 0.2 to 3.4
    expected = [*np.clip(2 * (np.arange(9) + 0.5) / 10, 0, 1), 0.5]
    found = {r["cell"]: r["success_probability"] for r in chosen.plan(2000).reasons if "cell" in r}
    assert found[2] == pytest.approx(0.5)
    assert [found[cell] for cell in found] == pytest.approx([expected[int(cell)] for cell in found])
    before = weights(chosen)
    chosen.student_learned(lambda observations: np.full(len(observations), np.nan))
    assert np.array_equal(weights(chosen), before)


def test_success_and_returns_are_never_confused() -> None:
    with pytest.raises(UsageError, match="signal to 'return'"):
        teacher(knowledge=Knowledge())
    chosen = teacher(knowledge=Knowledge(), signal="return")
    for value in (1e9, -1e9, 0.5):
        chosen.update([episode(np.array([5.0]), None, value)])
    with pytest.raises(UsageError, match="without success"):
        teacher().update([episode(np.array([5.0]), None)])
    blind = TeacherContext(LINE, np.random.default_rng(0))
    for signal, words in (("return", "return_range"), ("start_value", "value_range")):
        with pytest.raises(UsageError, match=words):
            make_teacher("procurl", blind, options={"signal": signal})
    with pytest.raises(UsageError, match="the lower one first"):
        teacher(value_range=(1.0, 1.0))


def test_a_huge_beta_takes_the_most_promising_cells_only() -> None:
    chosen = teacher(DiscreteTaskSpace(3), beta=1e12)
    chosen.update([episode(np.array([0.0]), True), episode(np.array([2.0]), False)])
    assert [region.low for region in chosen.curriculum().regions] == [[1.0]]


@pytest.mark.parametrize("options", [{}, {"target_similarity": True}, {"signal": "start_value"}])
def test_same_seed_same_tasks_and_state_goes_on_alike(options: dict[str, object]) -> None:
    def run(chosen: Teacher) -> np.ndarray:
        tasks = []
        for i in range(20):
            tasks.append(play(chosen, 10, lambda task: bool(np.sin(9 * task[0]) > 0)))
            if chosen.signals:
                chosen.student_learned(lambda observations, i=i: observations[:, 0] ** (1 + i / 5))
        return np.concatenate(tasks)

    first, second, third = teacher(seed=3, **options), teacher(seed=3, **options), teacher(seed=9, **options)
    assert np.array_equal(run(first), run(second))
    third.restore(first.state())
    assert np.array_equal(run(first), run(third))
