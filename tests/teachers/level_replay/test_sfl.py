"""SFL: judge, keep the most learnable, train on them for a while, and judge again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.level_scores import RoundResult
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, TeacherContext
from teachrl.teachers.registry import make_teacher
from tests.support.made_up_rounds import outcome_of, play_round

LINE = BoxTaskSpace({"x": (0.0, 1.0)})
SMALL = {"capacity": 5, "candidates": 40, "refresh_every": 3, "buffer_share": 0.5}


def build(space: TaskSpace = LINE, seed: int = 0, **options: Any) -> Any:
    context = TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0), Knowledge(reports_success=True))
    return make_teacher("sfl", context, options={**SMALL, **options})


def played(plan: Plan) -> RoundResult:
    """On each level ten episodes end, of which the share ``x`` succeeds: most is learnt at 0.5."""
    one = [outcome_of(plan, lambda task, i=i: float(task[0] > (i + 0.5) / 10)) for i in range(10)]
    return RoundResult(one[0].values, one[0].advantages, tuple(e for o in one for e in o.episodes))


def rounds(teacher: Any, count: int, n: int = 8) -> list[Plan]:
    plans = []
    for _ in range(count):
        plans.append(teacher.plan(n))
        teacher.update_round([played(plans[-1])])
    return plans


def test_judging_and_training_take_turns() -> None:
    plans = rounds(build(), 16)
    assert [plan.learn for plan in plans] == [*[False] * 5, *[True] * 3] * 2
    assert [set(plan.origins) for plan in plans] == [*[{"candidate"}] * 5, *[{"learnable", "random"}] * 3] * 2
    assert [plan.reasons[0]["judged"] for plan in plans[8:13]] == [0, 8, 16, 24, 32]


def test_at_least_the_candidates_are_judged_when_the_environments_do_not_divide_them() -> None:
    assert [plan.learn for plan in rounds(build(candidates=17), 7)] == [False] * 3 + [True] * 3 + [False]


def test_the_most_learnable_candidates_are_kept() -> None:
    teacher = build()
    plans = rounds(teacher, 5)
    rates = np.round(np.concatenate([plan.tasks[:, 0] for plan in plans]), 1)
    best = np.sort(rates * (1 - rates))[::-1][:5]
    assert np.sort(teacher.buffer.scores)[::-1] == pytest.approx(best)
    assert np.abs(teacher.buffer.levels[:, 0] - 0.5).max() < 0.25


@pytest.mark.parametrize(("share", "learnable"), [(0.0, 0), (0.5, 4), (1.0, 8)])
def test_training_mixes_levels_of_the_buffer_with_new_ones(share: float, learnable: int) -> None:
    teacher = build(buffer_share=share)
    for plan in rounds(teacher, 8)[5:]:
        assert plan.origins == ("learnable",) * learnable + ("random",) * (8 - learnable)
        assert all(teacher.buffer.row_of(task) is not None for task in plan.tasks[:learnable])
        assert all(teacher.buffer.row_of(task) is None for task in plan.tasks[learnable:])


def test_draws_for_training_are_uniform_over_the_buffer() -> None:
    teacher = build(buffer_share=1.0, refresh_every=200)
    tasks = np.concatenate([plan.tasks[:, 0] for plan in rounds(teacher, 205)[5:]])
    _, counts = np.unique(tasks, return_counts=True)
    assert counts / counts.sum() == pytest.approx([0.2] * 5, abs=0.05)


def test_training_changes_neither_buffer_nor_scores() -> None:
    teacher = build()
    rounds(teacher, 5)
    before = teacher.buffer.state()
    for _ in range(3):
        play_round(teacher, 8, lambda task: 1.0)  # everything succeeds: nothing would be learnable any more
    after = teacher.buffer.state()
    assert all(np.array_equal(before[name], after[name]) for name in ("levels", "scores", "numbers"))


def test_each_judgement_starts_afresh() -> None:
    teacher = build()
    rounds(teacher, 8)
    old = set(teacher.buffer.levels[:, 0])
    rounds(teacher, 5)
    assert not old & set(teacher.buffer.levels[:, 0])


def test_a_candidate_that_is_drawn_again_counts_once() -> None:
    teacher = build(DiscreteTaskSpace(3), capacity=10)
    for _ in range(3):  # and it can be kept again in the next judgement
        for _ in range(5):
            play_round(teacher, 8, lambda task: 1.0)
        assert sorted(teacher.buffer.levels[: teacher.buffer.filled, 0]) == [0.0, 1.0, 2.0]
        rounds(teacher, 3)


def test_when_nothing_could_be_judged_training_is_on_new_levels() -> None:
    teacher = build()
    for _ in range(5):
        play_round(teacher, 8, lambda task: None)
    assert teacher.plan(8).origins == ("random",) * 8


def test_success_has_to_be_reported() -> None:
    with pytest.raises(UsageError, match="'mastery_range'"):
        make_teacher("sfl", TeacherContext(LINE, np.random.default_rng(0)))


@pytest.mark.parametrize("count", [0, 3, 5, 6, 8])
def test_state_goes_on_identically(count: int) -> None:
    one, two = build(), build(seed=4)
    rounds(one, count)
    two.restore(one.state())
    for a, b in zip(rounds(one, 14), rounds(two, 14), strict=True):
        assert np.array_equal(a.tasks, b.tasks)
        assert (a.origins, a.reasons, a.version, a.learn) == (b.origins, b.reasons, b.version, b.learn)
