"""Why the teacher chose the task of an episode of a run: what its log holds, and the teacher's own sentence on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from teachrl.errors import TeachrlError, UsageError
from teachrl.factory.environment import training_env
from teachrl.factory.student import load_values
from teachrl.factory.teacher import build_teacher
from teachrl.records.episode_log import task_vectors
from teachrl.runs.directory import RunDirectory
from teachrl.runs.episodes import read_episodes, read_task_space
from teachrl.tasks.spaces import Task
from teachrl.teachers.base import Teacher


@dataclass(frozen=True)
class Explanation:
    """One episode of a run's log, and why its task was chosen.

    ``episode`` is its place in the log, from 0, of ``episodes``; ``(env_index, number)`` names it as well. ``origin``
    is the rule, ``reason`` the numbers that decided, ``sentence`` the teacher's own words for them. The other fields
    are as in `Episode`.
    """

    episode: int
    episodes: int
    env_index: int
    number: int
    step: int
    task: Task
    origin: str
    reason: Mapping[str, float]
    sentence: str
    teacher_version: int
    episode_return: float
    length: int
    success: bool | None


def explain_episode(
    run: Path, episode: int | None = None, *, env_index: int | None = None, number: int | None = None
) -> Explanation:
    """Explain one episode of the run in folder ``run``: by its place in the log, or by environment and number there.

    Without either it is the last one. Raises `UsageError` when there is no such run or episode, or when the run's
    teacher cannot be built here; `TeachrlError` when a file cannot be read.
    """
    experiment = RunDirectory.open(run).experiment()
    space, log = read_task_space(run), read_episodes(run)
    if env_index is not None or number is not None:
        episode = _place(log, env_index, number)
    place = len(log) - 1 if episode is None else episode
    if not 0 <= place < len(log):
        raise UsageError(f"the log has {len(log)} episodes, from 0 to {len(log) - 1}; there is none at {place}")
    one = log.slice(place, 1)
    row = one.to_pylist()[0]
    reason = _reason(row["reason"])
    rng = np.random.default_rng(experiment.seed)
    where = training_env(experiment, load_values)
    teacher = build_teacher(experiment, where.facts, rng, where.bank)
    return Explanation(
        episode=place,
        episodes=len(log),
        env_index=row["env_index"],
        number=row["number"],
        step=row["step"],
        task=space.task(task_vectors(one, space)[0]),
        origin=row["origin"],
        reason=reason,
        sentence=_sentence(teacher, row["origin"], reason),
        teacher_version=row["teacher_version"],
        episode_return=row["return"],
        length=row["length"],
        success=row["success"],
    )


def _place(log: Any, env_index: int | None, number: int | None) -> int:
    """The place in the log of the episode with this number in this environment."""
    if env_index is None or number is None:
        raise UsageError("an episode is named by its environment and its number there: give both of them")
    numbers = log.filter(pc.equal(log["env_index"], env_index))["number"]
    if not len(numbers):
        known = sorted(log["env_index"].unique().to_pylist())
        raise UsageError(f"no episode in the log is of environment {env_index}; there are {known[0]} to {known[-1]}")
    found = np.flatnonzero(pc.and_(pc.equal(log["env_index"], env_index), pc.equal(log["number"], number)))
    if not len(found):
        low, high = pc.min(numbers).as_py(), pc.max(numbers).as_py()
        raise UsageError(f"environment {env_index} has the episodes {low} to {high} in the log; not {number}")
    return int(found[0])


def _reason(text: str) -> dict[str, float]:
    try:
        reason = json.loads(text)
    except ValueError as error:
        raise TeachrlError(f"the reason in the episode log is not JSON: {error}") from None
    return reason if isinstance(reason, dict) else {}


def _sentence(teacher: Teacher, origin: str, reason: Mapping[str, float]) -> str:
    try:
        return teacher.explain(origin, reason)
    except LookupError:
        # The log is older than the teacher's present rules, and lacks a number that they tell of.
        return f"Chosen by the rule {origin!r}; its numbers are not those that the teacher now tells of."
