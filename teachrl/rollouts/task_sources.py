"""Where rollouts get their tasks: from the teacher at each episode's end, for a fragment in advance, or once per round.

A task source knows the teacher as two functions of the schedule, ``plan`` and ``report``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from teachrl.records.episodes import Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.teachers.base import Plan

MakePlan = Callable[[int], Plan]


class TaskSource(Protocol):
    """Gives a worker the tasks of its episodes."""

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """Return the next task of an environment, given the episode that just ended in it (``None``: none did)."""


class LiveTasks:
    """Lag zero: ``report`` gets the finished episode before ``plan`` is asked for the next task."""

    def __init__(self, plan: MakePlan, report: Callable[[Sequence[Episode]], None]) -> None:
        self._plan, self._report = plan, report

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        if finished is not None:
            self._report([finished])
        return planned_tasks(self._plan(1))[0]


class PrefetchedTasks:
    """Tasks for workers that cannot ask for each: they are planned when a fragment is requested."""

    def __init__(self, plan: MakePlan) -> None:
        self._plan = plan

    def choose(self, n: int) -> list[PlannedTask]:
        """Return the next ``n`` tasks."""
        return planned_tasks(self._plan(n))


class RoundTasks:
    """Each environment keeps the level that was planned for it until the next round."""

    def __init__(self) -> None:
        self.held: Sequence[PlannedTask] = ()

    def hold(self, plan: Plan) -> None:
        """Hold the levels of a new round, one per environment."""
        self.held = planned_tasks(plan)

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        """See `TaskSource`."""
        return self.held[env_index]


def planned_tasks(plan: Plan) -> list[PlannedTask]:
    """Return the tasks of a plan one by one, each with its reason and the teacher's version."""
    reasons: Sequence[Mapping[str, float]] = plan.reasons or [{}] * len(plan.tasks)
    return [
        PlannedTask(task, origin, plan.version, reason)
        for task, origin, reason in zip(plan.tasks, plan.origins, reasons, strict=True)
    ]
