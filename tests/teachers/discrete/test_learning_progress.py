"""Learning progress over a finite set of tasks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.discrete.learning_progress import reweighted
from teachrl.teachers.registry import make_teacher

LINE = BoxTaskSpace({"x": (0.0, 10.0)})
SUCCESS = Knowledge(mastery_return=1.0)


def teacher(space: TaskSpace = LINE, seed: int = 0, knowledge: Knowledge = SUCCESS, **options: object) -> Teacher:
    return make_teacher(
        "learning-progress", TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0), knowledge), options=options
    )


def play(chosen: Teacher, episodes: int, success: Callable[[np.ndarray, int], bool | None]) -> np.ndarray:
    tasks = []
    for i in range(episodes):
        plan = chosen.plan(1)
        tasks.append(plan.tasks[0])
        won = success(plan.tasks[0], i)
        value = float(won or 0)
        chosen.update([Episode(tasks[-1], value, value, 1, won, True, plan.origins[0], 0, 0, 0, 0, 0, plan.reasons[0])])
    return np.array(tasks)


def test_practises_where_success_rises_and_where_it_falls() -> None:
    for rising in (True, False):
        rng = np.random.default_rng(1)

        def success(task: np.ndarray, i: int, rising: bool = rising, rng: np.random.Generator = rng) -> bool:
            share = i / 800 if rising else 1 - i / 800
            return bool(task[0] > 9 and rng.random() < share) or bool(task[0] < 3)

        tasks = play(teacher(), 800, success)
        assert (tasks[200:, 0] > 9).mean() > 0.5


def test_without_any_progress_tasks_are_uniform() -> None:
    tasks = play(teacher(random_task_ratio=0.0), 2000, lambda task, i: bool(task[0] > 5))
    assert np.bincount(tasks[:, 0].astype(int), minlength=10) == pytest.approx(np.full(10, 200), abs=60)


def test_progress_is_the_reweighted_difference_of_the_averages() -> None:
    chosen = teacher(DiscreteTaskSpace(2), step_size=0.5, reweighting=0.1, random_task_ratio=0.0)
    for won in (False, True):
        chosen.update([Episode(np.array([1.0]), 0.0, 0.0, 1, won, True, "", 0, 0, 0, 0, 0)])
    reasons = {r["cell"]: r for r in chosen.plan(200).reasons}
    fast, slow = 0.5, 0.25
    expected = 0.9 * fast / (fast + 0.1 * (1 - 2 * fast)) - 0.9 * slow / (slow + 0.1 * (1 - 2 * slow))
    assert reasons[1]["learning_progress"] == pytest.approx(expected)
    assert reasons[1]["rate"] == fast


def test_first_outcome_of_a_cell_is_no_progress() -> None:
    chosen = teacher(DiscreteTaskSpace(2))
    chosen.update([Episode(np.array([1.0]), 0.0, 0.0, 1, True, True, "", 0, 0, 0, 0, 0)])
    assert {r.learning_progress for r in chosen.curriculum().regions} == {0.0}


def test_reweighting_enlarges_differences_between_small_rates() -> None:
    rates = np.array([0.0, 0.1, 0.9, 1.0])
    assert reweighted(rates, 0.1).tolist() == pytest.approx([0.0, 0.5, 81 / 82, 1.0])
    assert reweighted(rates, 0.5).tolist() == pytest.approx(rates.tolist())


def test_a_steeper_and_later_sigmoid_focuses_on_fewer_cells() -> None:
    def share_of_best(**options: float) -> float:
        chosen = teacher(random_task_ratio=0.0, **options)
        for cell in range(10):  # from no progress in the first cell to much in the last
            wins = [False] * 10 + [True] * cell
            chosen.update([Episode(np.array([cell + 0.5]), 0, 0, 1, won, True, "", 0, 0, 0, 0, 0) for won in wins])
        return max(region.weight for region in chosen.curriculum().regions)

    assert 0.1 < share_of_best(focus_quantile=0.1, saturation_quantile=0.99) < share_of_best()
    assert share_of_best(focus_quantile=0.9999, saturation_quantile=0.99991) == pytest.approx(1.0)


def test_returns_take_the_place_of_success_only_when_asked() -> None:
    nothing = Knowledge()
    with pytest.raises(UsageError, match="signal to 'return'"):
        teacher(knowledge=nothing)
    with pytest.raises(UsageError, match=r"grants only 'none'.*signal to 'return'"):
        teacher(knowledge=SUCCESS.limited_to("none"))
    with pytest.raises(UsageError, match="without success"):
        play(teacher(), 1, lambda task, i: None)
    play(teacher(knowledge=nothing, signal="return"), 50, lambda task, i: None)
    with pytest.raises(UsageError, match="return_range"):
        make_teacher("learning-progress", TeacherContext(LINE, np.random.default_rng(0)), options={"signal": "return"})


@pytest.mark.parametrize("value", [1e9, -1e9, 0.3])
def test_constant_returns_however_large_leave_all_cells_alike(value: float) -> None:
    chosen = teacher(signal="return")
    for task in np.random.default_rng(0).uniform(0, 10, (500, 1)):
        chosen.update([Episode(task, value, value, 1, None, True, "", 0, 0, 0, 0, 0)])
    weights = [region.weight for region in chosen.curriculum().regions]
    assert weights == pytest.approx([0.09] * 10)


def test_same_seed_same_tasks_and_state_goes_on_alike() -> None:
    def success(task: np.ndarray, i: int) -> bool:
        return bool(np.sin(37 * task[0]) > 1 - i / 100)

    first, second, third = teacher(seed=3), teacher(seed=3), teacher(seed=9)
    assert np.array_equal(play(first, 200, success), play(second, 200, success))
    third.restore(first.state())
    assert np.array_equal(play(first, 200, success), play(third, 200, success))


def test_saturation_must_lie_above_focus() -> None:
    with pytest.raises(UsageError, match=r"must be above focus_quantile \(0.97\)"):
        teacher(focus_quantile=0.97)


def test_subgoals_can_be_what_progress_is_made_in() -> None:
    chosen = teacher(DiscreteTaskSpace(2, name="subgoal"), signal="guide", random_task_ratio=0.0)
    for i in range(400):
        plan = chosen.plan(1)
        progress = (
            min(i / 200, 1.0) if plan.tasks[0, 0] == 1 else 0.0
        )  # the first is never reached, nothing is ever won
        facts = (plan.tasks[0], 0.0, 0.0, 1, False, True, plan.origins[0], 0, 0, 0, 0, 0, plan.reasons[0])
        chosen.update([Episode(*facts, guide={"progress": progress})])
        if i == 199:
            assert np.mean(chosen.plan(200).tasks) > 0.8
    with pytest.raises(UsageError, match="account of sub-goals"):
        play(teacher(signal="guide"), 1, lambda task, i: True)
