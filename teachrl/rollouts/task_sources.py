"""Where tasks come from: the teacher, asked episode by episode, for a fragment ahead, or once a round."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.rollouts.episodes import PlannedTask
from teachrl.teachers.base import Plan, Teacher, Values
from teachrl.teachers.rounds import RoundTeacher


class Stopwatch:
    """``seconds`` adds up what happened while `running`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure what happens inside."""
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start


class LiveTasks(Stopwatch):
    """Lag zero: the teacher learns from the finished episode before it chooses the next task."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self._teacher = teacher

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        with self.running():
            if finished is not None:
                self._teacher.update([finished])
            plan = self._teacher.plan(1)
        return _planned(plan, 0)

    def student_learned(self, values: Values) -> None:
        """Pass the student's estimates on to a teacher that asks for them."""
        with self.running():
            self._teacher.student_learned(values)


class PrefetchedTasks(Stopwatch):
    """For workers that cannot ask: the teacher chooses for a fragment ahead, and is told when it is over."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self._teacher = teacher

    def choose(self, n: int) -> list[PlannedTask]:
        """The next ``n`` tasks."""
        with self.running():
            plan = self._teacher.plan(n)
        return [_planned(plan, i) for i in range(n)]

    def tell(self, episodes: Sequence[Episode]) -> None:
        """The episodes that ended, in order."""
        if episodes:
            with self.running():
                self._teacher.update(episodes)

    def student_learned(self, values: Values) -> None:
        """Pass the student's estimates on to a teacher that asks for them."""
        with self.running():
            self._teacher.student_learned(values)


class RoundTasks(Stopwatch):
    """Each environment keeps the level that it was planned for until the next plan."""

    def __init__(self, teacher: RoundTeacher) -> None:
        super().__init__()
        self._teacher = teacher
        self.held: Sequence[PlannedTask] = ()

    def plan(self, n_envs: int) -> bool:
        """Ask for the next round; whether the students are to learn from it."""
        with self.running():
            plan = self._teacher.plan(n_envs)
        self.held = [_planned(plan, i) for i in range(n_envs)]
        return plan.learn

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        return self.held[env_index]

    def update_round(self, results: Sequence[RoundResult]) -> None:
        """Tell the teacher how the round went."""
        with self.running():
            self._teacher.update_round(results)


def _planned(plan: Plan, i: int) -> PlannedTask:
    return PlannedTask(plan.tasks[i], plan.origins[i], plan.version, plan.reasons[i] if plan.reasons else {})
