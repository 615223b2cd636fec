"""How a run advances: costs are exact, levels are held, and a student that must not learn does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from teachrl.config.experiment import EnvConfig
from teachrl.environments import environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.records.level_scores import RoundResult
from teachrl.rollouts.worker import RolloutWorker
from teachrl.students.base import Student, StudentContext
from teachrl.students.registry import make_student
from teachrl.teachers.base import Plan, TeacherConfig, TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl.teachers.rounds import RoundTeacher
from teachrl.training.schedules import Costs, EpisodeSchedule, RoundSchedule, make_schedule

SETTINGS = EnvConfig(id="tests.support.own_classes:Trap")  # ten steps an episode, each paid with 1; shows its task
FACTS = environment_facts(make_env(SETTINGS), SETTINGS)
N, STEPS = 3, 25


class Scripted(RoundTeacher):
    """Environment ``i`` gets the level ``i / 10`` (plus the round's number / 100); learning as the script says."""

    def __init__(self, learn: Sequence[bool], students: Sequence[str] = ("protagonist",)) -> None:
        super().__init__(TeacherContext(FACTS.task_space, np.random.default_rng(0)), TeacherConfig())
        self.learn, self.students, self.rounds = learn, tuple(students), 0  # type: ignore[misc]
        self.judged: list[list[RoundResult]] = []

    def plan(self, n: int) -> Plan:
        tasks = np.arange(n)[:, None] / 10 + self.rounds / 100
        self.rounds += 1
        return Plan(tasks, tuple(f"level {i}" for i in range(n)), self.rounds, learn=self.learn[self.rounds - 1])

    def update_round(self, results: Sequence[RoundResult]) -> None:
        self.judged.append(list(results))

    def state(self) -> Any:
        return {}

    def restore(self, state: Any) -> None:
        del state


def student(number: int = 0) -> Student:
    context = StudentContext(FACTS.observation_space, FACTS.action_space, N, number, 1000)
    options = {"n_steps": STEPS, "batch_size": 25, "n_epochs": 1, "normalize_observations": True}
    return make_student("ppo", context, None, options)


def start(teacher: Any) -> tuple[Any, dict[str, Student], RolloutWorker, Costs]:
    schedule, students = make_schedule(teacher, student, N)
    worker = RolloutWorker(lambda: make_env(SETTINGS), N, FACTS, schedule.tasks, seed=5, discount=0.9)
    return schedule, students, worker, Costs()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(np.array_equal(one, other))


def test_costs_are_counted_by_what_the_steps_were_for() -> None:
    schedule, _, worker, costs = start(Scripted([True, False, True]))
    assert isinstance(schedule, RoundSchedule)
    seen = []
    for _ in range(3):
        schedule.advance(worker, costs)
        seen.append((costs.training_steps, costs.scoring_steps, costs.updates))
    assert seen == [(75, 0, 1), (75, 75, 1), (150, 75, 2)]
    assert costs.evaluation_steps == 0
    assert costs.training_steps + costs.scoring_steps == worker.steps


def test_steps_of_every_student_count_and_updates_only_of_the_first() -> None:
    schedule, _, worker, costs = start(Scripted([True, False], ["protagonist", "antagonist"]))
    schedule.advance(worker, costs)
    schedule.advance(worker, costs)
    assert costs == Costs(training_steps=2 * 75, scoring_steps=2 * 75, updates=1)


def test_episode_by_episode_all_steps_are_training() -> None:
    schedule, _, worker, costs = start(
        make_teacher("random", TeacherContext(FACTS.task_space, np.random.default_rng(0)))
    )
    assert isinstance(schedule, EpisodeSchedule)
    schedule.advance(worker, costs)
    assert costs == Costs(training_steps=75, updates=1)


def test_a_level_is_played_again_until_the_round_ends_and_the_next_round_begins_anew() -> None:
    teacher = Scripted([True, True])
    schedule, _, worker, costs = start(teacher)
    for number in range(2):
        episodes = schedule.advance(worker, costs).episodes
        # 25 steps: two episodes of ten; the third is given up.
        assert sorted(e.env_index for e in episodes) == [0, 0, 1, 1, 2, 2]
        assert {e.length for e in episodes} == {10}
        for e in episodes:
            assert e.task[0] == e.env_index / 10 + number / 100
            assert (e.origin, e.teacher_version) == (f"level {e.env_index}", number + 1)
    assert {e.step for e in episodes} == {75 + 30, 75 + 60}


def test_the_teacher_is_told_what_was_played() -> None:
    teacher = Scripted([True])
    schedule, _, worker, costs = start(teacher)
    episodes = schedule.advance(worker, costs).episodes
    ((told,),) = teacher.judged
    assert told.episodes == episodes
    assert told.values.shape == told.advantages.shape == (STEPS, N)
    assert told.returns(np.array([0, 2])) == [10.0] * 4


def test_scores_are_of_the_student_before_it_learnt() -> None:
    one, other = Scripted([True]), Scripted([False])
    for teacher in (one, other):
        schedule, _, worker, costs = start(teacher)
        schedule.advance(worker, costs)
    assert np.array_equal(one.judged[0][0].values, other.judged[0][0].values)
    assert np.array_equal(one.judged[0][0].advantages, other.judged[0][0].advantages)


def test_a_student_that_must_not_learn_stays_as_it_is() -> None:
    schedule, students, worker, costs = start(Scripted([False, False, True]))
    # Its generators go on, because it explores; nothing else does.
    before = students["protagonist"].state()
    for _ in range(2):
        assert schedule.advance(worker, costs).metrics == {}
        after = students["protagonist"].state()
        assert {key for key in before if not same(before[key], after[key])} <= {"generators"}
    schedule.advance(worker, costs)
    assert not same(before["weights"], students["protagonist"].state()["weights"])


def test_two_students_play_the_same_levels_and_are_told_apart() -> None:
    teacher = Scripted([True], ["protagonist", "antagonist"])
    schedule, students, worker, costs = start(teacher)
    episodes = schedule.advance(worker, costs).episodes
    assert list(students) == ["protagonist", "antagonist"]
    played = {name: sorted(e.task[0] for e in episodes if e.player == name) for name in students}
    assert played["protagonist"] == played["antagonist"] == [0.0, 0.0, 0.1, 0.1, 0.2, 0.2]
    assert [{e.player for e in o.episodes} for o in teacher.judged[0]] == [{"protagonist"}, {"antagonist"}]
    assert not same(students["protagonist"].weights(), students["antagonist"].weights())


def test_a_student_without_values_is_refused() -> None:
    class Blind:
        fragment_steps, discount = 1, 1.0
        values = Student.values

    with pytest.raises(UsageError, match="Scripted needs the student's estimates of returns, and Blind has no"):
        make_schedule(Scripted([True]), lambda number: Blind(), N)  # type: ignore[arg-type, return-value]
