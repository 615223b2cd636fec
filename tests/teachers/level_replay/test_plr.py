"""PLR and robust PLR: when they replay, what the student learns from, and how rounds make scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.level_replay.base import IDLE_LIMIT
from teachrl.teachers.registry import make_teacher
from teachrl_envs.maze.level_space import LevelTaskSpace
from tests.support.made_up_rounds import outcome_of, play_round

LINE = BoxTaskSpace({"x": (0.0, 1.0)})
SMALL = {"capacity": 8, "minimum_fill": 0.5}


def build(name: str = "plr", space: TaskSpace = LINE, seed: int = 0, **options: Any) -> Any:
    context = TeacherContext(space, np.random.default_rng(seed), (0.0, 1.0), Knowledge(reports_success=True))
    return make_teacher(name, context, options={**SMALL, **options})


def task_of(task: Any) -> float:
    return float(task[0])


def test_new_levels_come_until_the_buffer_is_full_enough_and_replay_follows() -> None:
    teacher = build(replay_probability=1.0)
    origins = [set(play_round(teacher, 2, task_of).origins) for _ in range(4)]
    assert origins == [{"random"}, {"random"}, {"replay"}, {"replay"}]


def test_replay_is_as_frequent_as_asked_for() -> None:
    teacher = build(replay_probability=0.7)
    replays = [play_round(teacher, 2, task_of).origins[0] == "replay" for _ in range(600)]
    assert np.mean(replays) == pytest.approx(0.7, abs=0.06)
    never = build(replay_probability=0.0)
    assert {play_round(never, 2, task_of).origins[0] for _ in range(20)} == {"random"}


@pytest.mark.parametrize(("name", "learns_from_new"), [("plr", True), ("robust-plr", False)])
def test_robust_plr_withholds_learning_from_new_levels_only(name: str, learns_from_new: bool) -> None:
    teacher = build(name)
    learns: dict[str, set[bool]] = {}
    for _ in range(40):
        plan = play_round(teacher, 2, task_of)
        learns.setdefault(plan.origins[0], set()).add(plan.learn)
    assert learns == {"random": {learns_from_new}, "replay": {True}}


def test_only_levels_of_the_buffer_are_replayed_and_the_highest_score_most_often() -> None:
    teacher = build(replay_probability=1.0, staleness_coefficient=0.0, temperature=0.3)
    for _ in range(2):
        play_round(teacher, 4, task_of)
    best = teacher.buffer.levels[: teacher.buffer.filled].max()
    plan = play_round(teacher, 50, task_of)
    kept = set(teacher.buffer.levels[: teacher.buffer.filled, 0])
    assert set(plan.tasks[:, 0]) <= kept
    assert (plan.tasks[:, 0] == best).mean() > 0.7
    reasons = {float(t[0]): r for t, r in zip(plan.tasks, plan.reasons, strict=True)}
    assert reasons[best]["score"] == best  # the score that decided
    assert 0.8 < reasons[best]["probability"] < 1


def test_a_replayed_level_keeps_its_number_and_gets_its_new_score() -> None:
    teacher = build(replay_probability=1.0)
    for _ in range(2):
        play_round(teacher, 4, task_of)
    numbers = {float(level[0]): int(n) for level, n in zip(teacher.buffer.levels, teacher.buffer.numbers, strict=True)}
    plan = play_round(teacher, 4, lambda task: float(task[0]) + 1.0)
    for task, reason in zip(plan.tasks, plan.reasons, strict=True):
        assert reason["level"] == numbers[float(task[0])]
        row = teacher.buffer.row_of(task)
        assert teacher.buffer.origin(row).number == reason["level"]
        assert teacher.buffer.scores[row] == pytest.approx(task[0] + 1.0)


def test_the_best_return_of_a_level_outlives_the_round() -> None:
    teacher = build(replay_probability=1.0, minimum_fill=0.1, capacity=1)
    play_round(teacher, 1, lambda task: 0.9)
    for _ in range(3):
        play_round(teacher, 1, lambda task: 0.2)
        assert teacher.buffer.scores[0] == pytest.approx(0.9)
        assert teacher.buffer.best_returns[0] == pytest.approx(0.9)
    play_round(teacher, 1, lambda task: None)  # nothing ended, and the best return is still known
    assert teacher.buffer.scores[0] == pytest.approx(0.9)
    play_round(teacher, 1, lambda task: 1.1)
    assert teacher.buffer.best_returns[0] == pytest.approx(1.1)


def test_a_level_in_several_environments_is_one_level_with_one_score() -> None:
    space = DiscreteTaskSpace(1)
    teacher = build(space=space, score="positive_value_loss")
    plan = teacher.plan(4)
    returns = iter([1.0, -3.0, 0.0, 5.0])
    teacher.update_round([outcome_of(plan, lambda task: next(returns))])
    assert teacher.buffer.filled == 1
    assert teacher.buffer.scores[0] == (1 + 0 + 0 + 5) / 4
    assert teacher.buffer.best_returns[0] == 5.0


def test_a_new_level_of_which_nothing_is_known_is_not_taken_in() -> None:
    teacher = build(score="max_monte_carlo")
    play_round(teacher, 4, lambda task: None if task[0] < 0.5 else 1.0)
    assert (teacher.buffer.levels[: teacher.buffer.filled] >= 0.5).all()
    losses = build(score="positive_value_loss")
    play_round(losses, 4, lambda task: None)
    assert losses.buffer.filled == 4


def test_a_run_that_never_scores_a_level_ends_with_advice() -> None:
    teacher = build("robust-plr")
    for _ in range(IDLE_LIMIT - 1):
        play_round(teacher, 2, lambda task: None)
    other = build("robust-plr")
    other.restore(teacher.state())
    with pytest.raises(UsageError, match=r"no level got a score; max_monte_carlo needs episodes .*`n_steps`"):
        play_round(other, 2, lambda task: None)
    play_round(teacher, 2, task_of)
    play_round(teacher, 2, lambda task: None)


def test_only_the_first_students_outcome_makes_the_scores() -> None:
    teacher = build()
    plan = teacher.plan(2)
    teacher.update_round([outcome_of(plan, lambda task: 1.0), outcome_of(plan, lambda task: 7.0)])
    assert teacher.buffer.scores[:2].tolist() == [1.0, 1.0]


def test_oracle_regret_scores_mazes_by_their_shortest_way_and_refuses_where_nobody_knows_it() -> None:
    space = LevelTaskSpace(4, 4, generator="dcd", walls=3)
    teacher = build(space=space, score="oracle_regret", capacity=50)
    plan = play_round(teacher, 6, lambda task: 0.25)
    expected = space.optimal_return(plan.tasks) - 0.25
    rows = [teacher.buffer.row_of(task) for task in plan.tasks]
    assert teacher.buffer.scores[rows] == pytest.approx(expected)
    with pytest.raises(UsageError, match="best return of tasks of BoxTaskSpace"):
        build(score="oracle_regret")


def test_only_solvable_levels_are_drawn_where_asked_for() -> None:
    space = LevelTaskSpace(5, 5, generator="dcd", walls=23)
    drawn = build(space=space).plan(60).tasks
    assert not space.is_solvable(drawn).all()
    assert space.is_solvable(build(space=space, only_solvable=True).plan(60).tasks).all()
    with pytest.raises(UsageError, match="nobody can tell which tasks of BoxTaskSpace"):
        build(only_solvable=True)


def test_a_generator_that_gives_nothing_solvable_is_named() -> None:
    class Hopeless(LevelTaskSpace):
        def is_solvable(self, vectors: Any) -> Any:
            return np.zeros(len(vectors), dtype=np.bool_)

    with pytest.raises(UsageError, match="fewer walls, or set only_solvable to false"):
        build(space=Hopeless(3, 3), only_solvable=True).plan(1)


def test_learnability_asks_for_success() -> None:
    with pytest.raises(UsageError, match="'mastery_range'"):
        make_teacher("plr", TeacherContext(LINE, np.random.default_rng(0)), options={"score": "learnability"})


def test_an_unknown_score_is_named_with_the_closest_and_all_known_ones() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'value_l1'\? Known: learnability, max_monte_carlo, oracle_"):
        build(score="value_l2")


@pytest.mark.parametrize("moment", ["between rounds", "within a round"])
def test_state_goes_on_identically_at_any_moment(moment: str) -> None:
    one, two = build(), build(seed=5)
    for _ in range(9):
        play_round(one, 3, task_of)
    if moment == "between rounds":
        two.restore(one.state())
    else:
        plan = one.plan(3)
        two.restore(one.state())
        for teacher in (one, two):
            teacher.update_round([outcome_of(plan, task_of)])
    for _ in range(20):
        plans = [play_round(teacher, 3, task_of) for teacher in (one, two)]
        assert np.array_equal(plans[0].tasks, plans[1].tasks)
        assert plans[0].reasons == plans[1].reasons
        assert len({(plan.origins, plan.version, plan.learn) for plan in plans}) == 1


def test_the_picture_shows_the_best_and_the_newest_levels_and_the_size_of_the_buffer() -> None:
    teacher = build(capacity=100, replay_probability=0.0)
    for _ in range(20):
        play_round(teacher, 3, task_of)
    curriculum = teacher.curriculum()
    assert len(curriculum.buffer) == 60
    scores = [level.score for level in curriculum.levels]
    assert scores == sorted(scores, reverse=True)
    assert scores[:16] == sorted(teacher.buffer.scores[:60], reverse=True)[:16]
    assert set(range(44, 60)) <= {level.number for level in curriculum.levels}
    assert len(curriculum.levels) <= 32
