"""Rounds that nobody played: outcomes made up for the tests of teachers that plan whole rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from teachrl.records.episodes import Episode
from teachrl.records.level_scores import RoundResult
from teachrl.teachers.base import Plan
from teachrl.teachers.rounds import RoundTeacher

Result = Callable[[Any], float | None]
"""From a task's vector to the return of the one episode that ended on it; None when none ended."""


def outcome_of(plan: Plan, result: Result, threshold: float = 0.5) -> RoundResult:
    """One step in each environment, of which the value was 0 and the advantage is the return (0 where none ended)."""
    returns = [result(task) for task in plan.tasks]
    episodes = tuple(
        Episode(plan.tasks[i], value, value, 1, value > threshold, True, plan.origins[i], plan.version, i, 0, 0, 1)
        for i, value in enumerate(returns)
        if value is not None
    )
    advantages = np.array([[0.0 if value is None else value for value in returns]])
    return RoundResult(np.zeros(advantages.shape), advantages, episodes)


def play_round(teacher: RoundTeacher, n: int, result: Result) -> Plan:
    """Plan, play and judge one round; all students do alike."""
    plan = teacher.plan(n)
    teacher.update_round([outcome_of(plan, result) for _ in teacher.students])
    return plan
