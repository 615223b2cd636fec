"""The local source of tasks: the teacher in the same process, told of every episode the moment it ends."""

from __future__ import annotations

import time

from teachrl.episodes import Episode
from teachrl.rollouts.slot import PlannedTask
from teachrl.teachers import Teacher
from teachrl.teachers.base import Values


class DirectTaskSource:
    """Lag zero: the teacher learns from the finished episode before it chooses the next task.

    ``seconds`` adds up what the teacher cost.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self.seconds = 0.0

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        start = time.perf_counter()
        if finished is not None:
            self._teacher.update([finished])
        plan = self._teacher.plan(1)
        self.seconds += time.perf_counter() - start
        reason = plan.reasons[0] if plan.reasons else {}
        return PlannedTask(plan.tasks[0], plan.origins[0], plan.version, reason)

    def student_learned(self, values: Values) -> None:
        """Pass the student's estimates on to a teacher that asks for them."""
        start = time.perf_counter()
        self._teacher.student_learned(values)
        self.seconds += time.perf_counter() - start
