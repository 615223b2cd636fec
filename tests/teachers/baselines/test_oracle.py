"""Oracle: the hand-made window."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

STUMPS = BoxTaskSpace({"stump_height": (0.0, 3.0), "obstacle_spacing": (0.0, 6.0)})


def build(preset: str = "default", space: TaskSpace = STUMPS, seed: int = 0, **options) -> Teacher:
    easy = TaskDistribution(np.array([0.0, 6.0]), np.array([0.3, 0.6])) if space is STUMPS else None
    context = TeacherContext(space, np.random.default_rng(seed), None, Knowledge(mastery_return=230.0, initial=easy))
    return make_teacher("oracle", context, preset, options)


def finish(teacher: Teacher, plan: Plan, value: float) -> None:
    task, reason = plan.tasks[0], plan.reasons[0]
    teacher.update(
        [Episode(task, value, value, 1, value > 230, True, plan.origins[0], plan.version, 0, 0, 0, 0, reason)]
    )


def play(teacher: Teacher, episodes: int, value: float) -> np.ndarray:
    tasks = []
    for _ in range(episodes):
        plan = teacher.plan(1)
        tasks.append(plan.tasks[0])
        finish(teacher, plan, value)
    return np.array(tasks)


def window(teacher: Teacher) -> tuple[list[float], list[float]]:
    (region,) = teacher.curriculum().regions
    return region.low, region.high


def test_starts_at_the_easy_end_of_every_parameter() -> None:
    for preset in ("default", "corl2019"):
        low, high = window(build(preset))
        assert low == pytest.approx([0.0, 5.0])
        assert high == pytest.approx([0.5, 6.0])
    assert window(build(easy_ends={"stump_height": "high"}))[0] == pytest.approx([2.5, 5.0])
    other = BoxTaskSpace({"a": (0.0, 6.0)})
    assert window(build(space=other))[0] == [0.0]
    assert window(build("corl2019", space=other))[0] == [0.0]


@pytest.mark.parametrize("preset", ["default", "corl2019"])
def test_published_steps_move_the_window_to_the_hard_end_and_no_further(preset: str) -> None:
    teacher = build(preset)
    tasks = play(teacher, 50, 231.0)
    assert ((tasks >= [0.0, 5.0]) & (tasks <= [0.5, 6.0])).all()
    assert window(teacher)[0] == pytest.approx([0.1, 4.8])
    play(teacher, 50 * 40, 231.0)
    assert window(teacher)[0] == pytest.approx([2.5, 0.0])
    assert window(teacher)[1] == pytest.approx([3.0, 1.0])
    play(teacher, 200, -100.0)
    assert window(teacher)[0] == pytest.approx([2.5, 0.0])  # it never moves back


def test_steps_in_task_units_do_not_grow_with_the_range() -> None:
    tall = BoxTaskSpace({"stump_height": (0.0, 9.0), "obstacle_spacing": (0.0, 6.0)})
    teacher = build("corl2019", tall)
    play(teacher, 50, 231.0)
    assert window(teacher)[0] == pytest.approx([0.1, 4.8])


def test_what_counts_as_mastered() -> None:
    by_success, by_return = build(), build("corl2019")
    for teacher in (by_success, by_return):
        for _ in range(25):
            play(teacher, 1, 231.0)
            play(teacher, 1, 0.0)
    assert window(by_success)[0][0] == pytest.approx(0.1)  # half of the episodes succeeded
    assert window(by_return)[0][0] == 0.0  # their mean is below mastery
    play(by_return, 50, 230.0)
    assert window(by_return)[0][0] == 0.0  # the threshold has to be passed


def test_episodes_of_an_earlier_window_do_not_count() -> None:
    teacher = build()
    old = [teacher.plan(1) for _ in range(60)]
    play(teacher, 50, 231.0)
    for plan in old:
        finish(teacher, plan, 231.0)
    assert window(teacher)[0] == pytest.approx([0.1, 4.8])


def test_state_goes_on_alike() -> None:
    one, two = build(seed=1), build(seed=2)
    play(one, 130, 231.0)
    state = one.state()
    two.restore(state)
    ahead = play(one, 130, 231.0)
    assert np.array_equal(ahead, play(two, 130, 231.0))
    two.restore(state)
    assert np.array_equal(ahead, play(two, 130, 231.0))


def test_says_what_is_missing() -> None:
    blind = TeacherContext(STUMPS, np.random.default_rng(0))
    with pytest.raises(UsageError, match="mastery_return"):
        make_teacher("oracle", blind)
    by_success = TeacherContext(STUMPS, np.random.default_rng(0), None, Knowledge(reports_success=True))
    make_teacher("oracle", by_success)
    with pytest.raises(UsageError, match="criterion to success_rate"):
        make_teacher("oracle", by_success, "corl2019")
    with pytest.raises(UsageError, match="did you mean 'stump_height'"):
        build(easy_ends={"stump_heigt": "low"})
    with pytest.raises(UsageError, match="stump_height: Input should be"):
        build(easy_ends={"stump_height": "left"})
