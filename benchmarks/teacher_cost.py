"""What every teacher costs an episode, early and late in a long run: ``python -m benchmarks.teacher_cost [NAMES]``.

Processor time, so that other work on the machine does not count. Two-dimensional tasks, two environments at once, a
student that masters what lies near what it has mastered. Teachers that are told of every update of the student are
measured by the update, and those with a level buffer by the round, with 32 mazes a round and a full buffer.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.level_replay.base import LevelReplayTeacher
from teachrl.teachers.registry import TEACHERS, make_teacher
from teachrl_envs.maze.level_space import LevelTaskSpace

SPACE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
EARLY, LATE, MEASURED = 1_000, 100_000, 2_000
EPISODES_AN_UPDATE, UPDATES = 25, 60
EPISODE_STEPS = 100
# These are made of other teachers, or need the log of an earlier run.
LEFT_OUT = {"sequence", "mixture", "product", "replayed"}
# What these cost is what the agent costs that they employ.
LEFT_OUT |= {"paired", "minimax", "repaired", "clutr"}
MAZES = LevelTaskSpace(13, 13)
LEVELS, ROUND_STEPS, ROUNDS, CAPACITY = 32, 256, 200, 4_000


class Pupil:
    """Gains skill on a task where it has some nearby; 20 x 20 cells."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher
        self.skill = np.zeros((21, 21))
        self.rng = np.random.default_rng(0)
        self.waiting = [teacher.plan(1) for _ in range(2)]
        self.episodes = 0

    def teach(self, episodes: int) -> float:
        """Microseconds of the teacher an episode."""
        seconds = 0.0
        for _ in range(episodes):
            plan = self.waiting.pop(0)
            cell = tuple((plan.tasks[0] * 19.999).astype(int))
            reach = 1.0 if not any(cell) else max(self.skill[cell[0] - 1, cell[1]], self.skill[cell[0], cell[1] - 1])
            self.skill[cell] = min(1.0, self.skill[cell] + 0.02 * (reach > 0.7))
            value = float(self.skill[cell] + 0.05 * self.rng.random())
            reason = plan.reasons[0] if plan.reasons else {}
            episode = Episode(plan.tasks[0], value, value, 1, value > 0.7, True, plan.origins[0], plan.version, 0,
                              self.episodes, 0, EPISODE_STEPS * (self.episodes + 1), reason, plan.tasks[0])  # fmt: skip
            self.episodes += 1
            start = time.process_time()
            self.teacher.update([episode])
            self.waiting.append(self.teacher.plan(1))
            seconds += time.process_time() - start
        return 1e6 * seconds / episodes

    def update(self) -> float:
        """Milliseconds of the teacher for one update of the student."""
        start = time.process_time()
        self.teacher.student_learned(lambda tasks: 1.0 - tasks.mean(axis=1))
        return 1e3 * (time.process_time() - start)


def measure_rounds(name: str) -> str:
    """Milliseconds of the teacher for one round."""
    context = TeacherContext(MAZES, np.random.default_rng(0), (0.0, 1.0), Knowledge(reports_success=True), LEVELS)
    # SFL makes its buffer anew: so many candidates fill it twice.
    options = {"capacity": CAPACITY} | ({"candidates": 2 * CAPACITY} if name == "sfl" else {})
    teacher = make_teacher(name, context, options=options)
    assert isinstance(teacher, LevelReplayTeacher)
    rng = np.random.default_rng(0)
    costs: list[float] = []
    full = 0
    while full < ROUNDS:
        start = time.process_time()
        plan = teacher.plan(LEVELS)
        seconds = time.process_time() - start
        outcome = _played(plan.tasks, rng)
        start = time.process_time()
        teacher.update_round([outcome])
        if teacher.buffer.filled == CAPACITY:
            full += 1
            costs.append(1e3 * (seconds + time.process_time() - start))
    return f"{name:<20} {np.mean(costs):8.1f} ms a round (mean), {max(costs):8.1f} at most"


def _played(tasks: np.ndarray, rng: np.random.Generator) -> RoundResult:
    """Two episodes ended on each level, in one of three with success."""
    episodes = tuple(
        Episode(task, value, value, 1, value > 0, True, "", 0, i, 0, 0, 0)
        for i, task in enumerate(tasks)
        for value in rng.random(2) * (rng.random(2) < 1 / 3)
    )
    values, advantages = rng.random((2, ROUND_STEPS, len(tasks)))
    return RoundResult(values, advantages, episodes)


def measure(name: str) -> str:
    """One line of the table."""
    if issubclass(TEACHERS.load(name), LevelReplayTeacher):
        return measure_rounds(name)
    knowledge = Knowledge(
        mastery_return=0.7,
        initial=TaskDistribution(np.array([0.1, 0.1]), np.array([0.1, 0.1])),
        target=TaskDistribution(np.array([0.9, 0.9]), np.array([0.05, 0.05])),
    )
    teacher = make_teacher(name, TeacherContext(SPACE, np.random.default_rng(0), (0.0, 1.1), knowledge))
    pupil = Pupil(teacher)
    if "start_value" in teacher.signals:
        costs = []
        for _ in range(UPDATES):
            pupil.teach(EPISODES_AN_UPDATE)
            costs.append(pupil.update())
        return f"{name:<20} {np.median(costs):8.1f} ms an update (median), {max(costs):8.1f} at most"
    pupil.teach(EARLY)
    early = pupil.teach(MEASURED)
    pupil.teach(LATE - pupil.episodes)
    late = pupil.teach(MEASURED)
    return f"{name:<20} {early:8.1f} us after 10^3 episodes {late:8.1f} us after 10^5   ratio {late / early:5.2f}"


def main(names: list[str] | None = None) -> None:
    for name in names or sorted(set(TEACHERS.entries) - LEFT_OUT):
        print(measure(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
