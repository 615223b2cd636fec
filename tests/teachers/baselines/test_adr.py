"""ADR: ranges that widen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

SPACE = BoxTaskSpace({"a": (0.0, 3.0), "b": (0.0, 60.0)})
MIDDLE = np.array([1.5, 30.0])
Judge = Callable[[np.ndarray], bool]


def build(
    preset: str = "default", start: np.ndarray | None = MIDDLE, space: TaskSpace = SPACE, seed: int = 0, **options
) -> Teacher:
    easy = None if start is None else TaskDistribution(start, np.ones(space.size))
    context = TeacherContext(space, np.random.default_rng(seed), None, Knowledge(mastery_return=230.0, initial=easy))
    return make_teacher("adr", context, preset, options)


def finish(teacher: Teacher, plan: Plan, success: bool) -> None:
    value, reason = (300.0 if success else -100.0), plan.reasons[0]
    task = plan.tasks[0]
    teacher.update([Episode(task, value, value, 1, success, True, plan.origins[0], plan.version, 0, 0, 0, 0, reason)])


def play(teacher: Teacher, episodes: int, update_round: Judge) -> list[Plan]:
    plans = []
    for _ in range(episodes):
        plans.append(teacher.plan(1))
        finish(teacher, plans[-1], update_round(plans[-1].tasks[0]))
    return plans


def ranges(teacher: Teacher) -> np.ndarray:
    (region,) = teacher.curriculum().regions
    return np.array([region.low, region.high])


@pytest.mark.parametrize("preset", ["default", "tma2021"])
def test_starts_at_one_task_the_easy_one_if_it_is_known(preset: str) -> None:
    assert (build(preset).plan(20).tasks == MIDDLE).all()
    unknown = build(preset, start=None).plan(20).tasks
    assert (unknown == unknown[0]).all()
    assert (unknown[0] != build(preset, start=None, seed=1).plan(1).tasks[0]).all()


@pytest.mark.parametrize(("preset", "step"), [("default", 0.2), ("tma2021", 5.0)])
def test_ranges_open_to_the_whole_space_where_all_is_mastered(preset: str, step: float) -> None:
    teacher = build(preset, step=step)
    play(teacher, 1_500, lambda task: True)
    assert (ranges(teacher) == [SPACE.low, SPACE.high]).all()


def test_first_ten_episodes_open_all_ranges_at_once_by_one_step() -> None:
    for preset, step in (("default", SPACE.high / 30), ("tma2021", 0.1)):
        teacher = build(preset)
        play(teacher, 9, lambda task: True)
        assert (ranges(teacher) == MIDDLE).all()
        play(teacher, 1, lambda task: True)
        assert np.allclose(ranges(teacher), [MIDDLE - step, MIDDLE + step])


def test_a_range_opens_as_far_as_tasks_are_mastered() -> None:
    teacher = build()
    play(teacher, 4_000, lambda task: bool(task[0] < 2.0))
    low, high = ranges(teacher)
    assert low[0] == 0.0
    assert high[0] == pytest.approx(2.0, abs=0.21)
    assert [low[1], high[1]] == [0.0, 60.0]


def test_ranges_close_again_when_tasks_are_forgotten_but_not_beyond_one_task() -> None:
    teacher = build()
    play(teacher, 300, lambda task: True)
    before = np.diff(ranges(teacher), axis=0)
    play(teacher, 3_000, lambda task: False)
    after = ranges(teacher)
    assert (np.diff(after, axis=0) < before / 3).all()
    assert (np.diff(after, axis=0) >= 0).all()


def test_saturated_bounds_and_fixed_parameters_are_drawn_only_by_the_preset_of_2021() -> None:
    space = BoxTaskSpace({"a": (0.0, 1.0), "fixed": (2.0, 2.0)})
    start = np.array([0.0, 2.0])
    for preset, drawn in (("default", {(0, 1)}), ("tma2021", {(0, 0), (0, 1), (1, 0), (1, 1)})):
        plan = build(preset, start, space).plan(300)
        assert {(r["dimension"], r["bound"]) for r in plan.reasons if "bound" in r} == drawn
        assert plan.origins.count("bound") / 300 == pytest.approx(0.7, abs=0.08)
    opened = build(start=start, space=space)
    play(opened, 2_000, lambda task: True)
    assert set(opened.plan(100).origins) == {"range"}


def test_episodes_of_a_bound_that_has_moved_since_do_not_count() -> None:
    teacher = build()
    old = [teacher.plan(1) for _ in range(200)]
    play(teacher, 10, lambda task: True)
    opened = ranges(teacher)
    for plan in old:
        finish(teacher, plan, True)
    assert (ranges(teacher) == opened).all()


def test_rewards_that_mix_leave_the_bounds_where_they_are() -> None:
    teacher, turn = build(), iter(range(10_000))
    play(teacher, 400, lambda task: next(turn) % 2 == 0)
    assert (ranges(teacher) == MIDDLE).all()


@pytest.mark.parametrize("preset", ["default", "tma2021"])
def test_state_goes_on_alike(preset: str) -> None:
    one, two = build(preset, seed=1), build(preset, start=None, seed=2)
    play(one, 333, lambda task: True)
    state = one.state()
    two.restore(state)
    ahead = [p.tasks.tolist() for p in play(one, 300, lambda task: True)]
    assert ahead == [p.tasks.tolist() for p in play(two, 300, lambda task: True)]
    two.restore(state)
    assert ahead == [p.tasks.tolist() for p in play(two, 300, lambda task: True)]


def test_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match="mastery_return"):
        make_teacher("adr", TeacherContext(SPACE, np.random.default_rng(0)))
    with pytest.raises(UsageError, match="below widen_at"):
        build(widen_at=0.2)
