"""ACCEL: what is edited, from whom the children come, and where it all begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl_envs.maze.level_space import LevelTaskSpace
from tests.support.made_up_rounds import outcome_of, play_round

SQUARE = BoxTaskSpace({"x": (0.0, 1.0), "y": (0.0, 10.0)})
MAZES = LevelTaskSpace(5, 5, generator="dcd", walls=8)
SMALL = {"capacity": 32, "minimum_fill": 0.25, "replay_probability": 1.0}


def build(
    space: TaskSpace = SQUARE, preset: str = "default", seed: int = 0, knowledge: Any = None, **options: Any
) -> Any:
    context = TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0), knowledge or Knowledge())
    return make_teacher("accel", context, preset, {**SMALL, **options})


def first(task: Any) -> float:
    return float(task[0])


def test_edits_follow_replay_and_only_replay_is_learnt_from() -> None:
    teacher = build()
    plans = [play_round(teacher, 4, first) for _ in range(6)]
    assert [plan.origins[0] for plan in plans] == ["random", "random", "replay", "edit", "replay", "edit"]
    assert [plan.learn for plan in plans] == [False, False, True, False, True, False]


def test_new_levels_are_not_edited_even_when_the_student_learns_from_them() -> None:
    teacher = build(learn_from_new=True, replay_probability=0.0)
    assert {play_round(teacher, 4, first).origins[0] for _ in range(6)} == {"random"}


@pytest.mark.parametrize("probability", [0.0, 0.5])
def test_edits_are_as_frequent_as_asked_for(probability: float) -> None:
    teacher = build(edit_probability=probability)
    origins = [play_round(teacher, 4, first).origins[0] for _ in range(300)]
    assert origins.count("edit") / origins.count("replay") == pytest.approx(probability, abs=0.1)


def test_children_know_their_parents_and_are_as_far_from_them_as_the_edits_lead() -> None:
    teacher = build(MAZES, edits=3)
    for _ in range(2):
        play_round(teacher, 4, first)
    born: dict[int, tuple[Any, int]] = {}
    for plan in (play_round(teacher, 4, first) for _ in range(40)):
        for task, reason in zip(plan.tasks, plan.reasons, strict=True):
            if plan.origins[0] == "edit":
                parent, generation = born[int(reason["parent"])]
                assert reason["generation"] == generation + 1
                # An edit of a maze changes a wall, or moves agent or goal, perhaps onto a wall that gives way.
                assert MAZES.distance(task, parent) <= 2 * 3
            else:
                assert reason["parent"] < reason["level"]
            born[int(reason["level"])] = (task, int(reason["generation"]))
    assert max(generation for _, generation in born.values()) >= 3


def test_edits_of_numbers_are_small_steps() -> None:
    teacher = build(edits=2)
    plans = [play_round(teacher, 4, first) for _ in range(4)]
    parents, children = plans[2], plans[3]
    moved = np.abs(SQUARE.to_unit(children.tasks) - SQUARE.to_unit(parents.tasks))
    assert (moved.sum(axis=1) > 0).all()
    assert moved.max() <= 2 * 0.05
    assert [r["parent"] for r in children.reasons] == [r["level"] for r in parents.reasons]


def test_a_child_with_a_high_score_is_replayed_and_a_parent_keeps_its_number() -> None:
    teacher = build(staleness_coefficient=0.0)
    for _ in range(3):
        play_round(teacher, 4, first)
    before = {int(n): level.copy() for n, level in zip(teacher.buffer.numbers, teacher.buffer.levels, strict=True)}
    edits = play_round(teacher, 4, lambda task: 5.0)
    children = {int(reason["level"]) for reason in edits.reasons}
    replayed = play_round(teacher, 20, first)
    assert len(children & {int(reason["level"]) for reason in replayed.reasons}) >= 2
    for reason in edits.reasons:
        row = teacher.buffer.numbers.tolist().index(reason["parent"])
        assert np.array_equal(teacher.buffer.levels[row], before[int(reason["parent"])])


def test_easy_edits_come_from_the_four_levels_with_the_highest_return_less_score() -> None:
    teacher = build(edit_from="easy", score="positive_value_loss")
    play_round(teacher, 8, first)
    plan = teacher.plan(8)
    # The value was 0, so that a return below it is no loss: ease is the return.
    value = {task.tobytes(): -float(i) for i, task in enumerate(np.unique(plan.tasks, axis=0))}
    teacher.update_round([outcome_of(plan, lambda task: value[task.tobytes()])])
    easiest = sorted(value, key=lambda level: -value[level])[:4]
    wanted = {r["level"] for t, r in zip(plan.tasks, plan.reasons, strict=True) if t.tobytes() in easiest}
    edits = teacher.plan(8)
    assert [reason["parent"] for reason in edits.reasons[:4]] == [reason["parent"] for reason in edits.reasons[4:]]
    assert {reason["parent"] for reason in edits.reasons} == wanted
    assert len(wanted) == 4


def test_levels_on_which_nothing_ended_are_not_easy() -> None:
    teacher = build(edit_from="easy", score="value_l1")
    for _ in range(2):
        play_round(teacher, 4, first)
    play_round(teacher, 4, lambda task: None)
    assert teacher.plan(4).origins[0] == "replay"


def test_an_easy_start_is_an_empty_maze() -> None:
    plan = build(MAZES, "dcd60").plan(6)
    assert (plan.tasks[:, :-3] == 0).all()
    assert len(np.unique(plan.tasks, axis=0)) > 1
    for task in plan.tasks:
        MAZES.level(task)


def test_an_easy_start_is_where_the_environment_declares_it() -> None:
    easy = TaskDistribution(np.array([0.1, 1.0]), np.array([0.01, 0.1]))
    plan = build(start_from="easy", knowledge=Knowledge(initial=easy)).plan(50)
    assert np.abs(plan.tasks - easy.mean).max() < 0.6
    with pytest.raises(UsageError, match=r"'accel': nobody can tell which tasks of BoxTaskSpace.* are easy"):
        build(start_from="easy")


def test_settings_for_mazes_are_refused_elsewhere() -> None:
    with pytest.raises(UsageError, match=r"'accel': BoxTaskSpace has one kind of mutation, .* got 'dcd'"):
        build(preset="dcd60")
    with pytest.raises(UsageError, match="flip_or_move, dcd; got 'swap'"):
        build(MAZES, edit_kind="swap")


def test_children_can_be_solved_where_that_is_asked_for() -> None:
    crowded = LevelTaskSpace(5, 5, generator="dcd", walls=20)
    children = {}
    for only_solvable in (False, True):
        teacher = build(crowded, edits=6, only_solvable=only_solvable)
        plans = [play_round(teacher, 8, first) for _ in range(20)]
        children[only_solvable] = np.concatenate([plan.tasks for plan in plans if plan.origins[0] == "edit"])
    assert not crowded.is_solvable(children[False]).all()
    assert crowded.is_solvable(children[True]).all()


@pytest.mark.parametrize("rounds", [2, 3, 4])
def test_state_goes_on_identically_before_and_after_edits(rounds: int) -> None:
    one, two = build(MAZES, edit_from="easy"), build(MAZES, edit_from="easy", seed=9)
    for _ in range(rounds):
        play_round(one, 4, first)
    two.restore(one.state())
    for _ in range(12):
        plans = [play_round(teacher, 4, first) for teacher in (one, two)]
        assert np.array_equal(plans[0].tasks, plans[1].tasks)
        assert plans[0].reasons == plans[1].reasons


def test_the_picture_shows_the_ancestors_of_the_best() -> None:
    teacher = build(capacity=200, minimum_fill=0.05)
    for _ in range(60):
        play_round(teacher, 4, first)
    shown = {level.number: level for level in teacher.curriculum().levels}
    kept = set(teacher.buffer.numbers[: teacher.buffer.filled].tolist())
    assert max(level.generation for level in shown.values()) >= 2
    for level in shown.values():
        assert level.parent in shown or level.parent not in kept
