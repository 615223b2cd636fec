"""From a trained student, a policy of your own or a recorded demonstration to a bank of snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.config.experiment import EnvConfig
from teachrl.config.registry import import_object
from teachrl.environments import EnvironmentFacts, declared_facts
from teachrl.errors import TeachrlError, UsageError
from teachrl.evaluation.evaluator import check_can_sample
from teachrl.factory.student import load_student
from teachrl.files import read_json
from teachrl.records.episodes import Array
from teachrl.starts.bank import Bank
from teachrl.starts.collecting import Policy, collect, wanted_plays
from teachrl.students.base import Student
from teachrl.tasks.spaces import TaskError, Vector


def snapshots_of_run(
    run: Path,
    episodes: int = 10,
    every: int = 10,
    best: int | None = None,
    seed: int = 0,
    deterministic: bool = True,
) -> Bank:
    """A bank of episodes that the student of a run plays at its newest checkpoint. Raises `UsageError`.

    The bank's values are the student's own, for students without a memory that estimate them.
    """
    trained = load_student(run)
    if not deterministic:
        check_can_sample(trained)
    if trained.facts.observation_space != declared_facts(trained.experiment.env).observation_space:
        raise UsageError(
            f"{run}: its student sees more than {trained.experiment.env.id} shows, as a guide has told it sub-goals: "
            "take snapshots of one that was trained without"
        )
    student = trained.student
    can_value = student.memory_size == 0 and type(student).values is not Student.values
    info = {"run": run.name, "student": trained.experiment.student.name, "training_steps": trained.step}
    policy = Policy(_Acting(student, deterministic), student.values if can_value else None, info)
    return collect(trained.experiment.env, policy, wanted_plays(_count(episodes), seed), every, best)


class _Acting:
    """A student, observation by observation."""

    def __init__(self, student: Student, deterministic: bool) -> None:
        self._student, self._deterministic = student, deterministic
        self._forget()

    def _forget(self) -> None:
        self._memory = np.zeros((1, self._student.memory_size), dtype=np.float32)

    def __call__(self, observation: Array | None) -> Any:
        if observation is None:
            return self._forget()
        decision = self._student.act(observation[None], self._memory, deterministic=self._deterministic)
        if decision.memory is not None:
            self._memory = decision.memory
        return decision.actions[0]


def snapshots_of_policy(
    settings: EnvConfig, target: str, episodes: int = 10, every: int = 10, best: int | None = None, seed: int = 0
) -> Bank:
    """A bank of episodes that ``module:function`` plays; it maps observations ``(1, ...)`` to actions ``(1, ...)``."""
    function = import_object(target, "policy")

    def act(observation: Array | None) -> Any:
        return None if observation is None else np.asarray(function(observation[None]))[0]

    policy = Policy(act, None, {"policy": target})
    return collect(settings, policy, wanted_plays(_count(episodes), seed), every, best)


def snapshots_of_demonstrations(settings: EnvConfig, file: Path, every: int = 10, best: int | None = None) -> Bank:
    """A bank along recorded episodes, which are played again: a JSON list of ``{"task", "seed", "actions"}``.

    ``task`` may be left out where there is only one. A single episode need not be in a list; the files under a run's
    ``failures/`` are such. Raises `UsageError` for another content.
    """
    try:
        info = read_json(file)
    except TeachrlError as error:
        raise UsageError(str(error)) from None
    recorded = _Recorded(file, info if isinstance(info, list) else [info])
    return collect(settings, Policy(recorded, None, {"demonstrations": file.name}), recorded.plays, every, best)


class _Recorded:
    """The actions of recorded episodes, one after the other."""

    def __init__(self, file: Path, episodes: Sequence[Any]) -> None:
        self._file, self._episodes = file, episodes
        self._place = -1

    def plays(self, facts: EnvironmentFacts) -> Sequence[tuple[Vector, int]]:
        """Task and seed of each episode."""
        try:
            return [(_task(episode, facts), int(episode["seed"])) for episode in self._episodes]
        except (KeyError, TypeError, ValueError, TaskError) as error:
            raise UsageError(f"{self._file} is no list of episodes with task, seed and actions: {error!r}") from None

    def __call__(self, observation: Array | None) -> Any:
        if observation is None:
            self._place += 1
            self._actions = iter(self._episodes[self._place]["actions"])
            return None
        action = next(self._actions, None)
        return action if action is None else np.asarray(action)


def _task(episode: Mapping[str, Any], facts: EnvironmentFacts) -> Vector:
    space = facts.task_space
    return space.vector(episode["task"]) if facts.has_tasks else space.low.copy()


def _count(episodes: int) -> int:
    if episodes < 1:
        raise UsageError(f"episodes must be 1 or more; got {episodes}")
    return episodes
