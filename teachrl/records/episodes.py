"""What passes through rollouts: decisions of students, episodes for teachers, and fragments to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.tasks.spaces import Vector

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Transitions:
    """The steps of one episode of length L: ``observations (L + 1, ...)``, ``actions (L, ...)``, ``rewards (L,)``."""

    observations: Array
    actions: Array
    rewards: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Episode:
    """The record of one episode.

    ``task`` is the vector of shape ``(space.size,)`` in the environment's units; ``episode_return`` the undiscounted
    sum of the environment's own rewards (never normalised ones) and ``discounted_return`` the sum discounted with the
    student's γ; ``success`` is what the environment says at the end, or whether the return passed the mastery
    threshold, or ``None`` when neither exists. ``terminated`` is False for an episode cut off by a time limit.
    ``origin`` is the rule by which the teacher chose the task, ``reason`` the numbers that decided, and
    ``teacher_version`` which state of the teacher it was. ``step`` counts the run's environment steps at the end of the
    episode; ``(env_index, number)`` names the episode, ``seed`` is what its reset got, ``player``
    which student played it. ``from_snapshot``: the episode began elsewhere than at the true start, and returns are of
    what was left of it. ``guide`` is what a guide tells of its help. ``first_observation`` and ``transitions`` are
    there for teachers that ask for them (`Teacher.signals`).
    """

    task: Vector
    episode_return: float
    discounted_return: float
    length: int
    success: bool | None
    terminated: bool
    origin: str
    teacher_version: int
    env_index: int
    number: int
    seed: int
    step: int
    reason: Mapping[str, float] = field(default_factory=dict)
    first_observation: Array | None = None
    transitions: Transitions | None = None
    player: str = "protagonist"
    from_snapshot: bool = False
    guide: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """``actions (N, *action)`` for the environments, and arrays ``(N, ...)`` that `learn` wants back.

    ``memory (N, memory_size)`` is what an agent with memory will want to see with the next observations.
    """

    actions: Array
    extras: Mapping[str, Array] = field(default_factory=dict)
    memory: Array | None = None


@dataclass(frozen=True)
class Fragment:
    """``T = n_steps`` vector steps of ``N = n_envs`` environments, collected under one version of the student.

    Shapes: ``observations (T, N, *observation)``, ``actions (T, N, *action)`` (as the environments got them),
    ``rewards (T, N)`` raw, ``terminated``, ``truncated`` and ``episode_starts (T, N)`` bool, ``last_observations
    (N, *observation)`` after the last step (of the next episode where one ended), ``last_starts (N,)`` whether those
    begin an episode. ``final_observations[t, i]`` is the last observation of an episode that ended at step ``t`` in
    environment ``i``. ``extras`` holds what the student's own `act` asked to have back, each ``(T, N, ...)``.
    ``memory (N, memory_size)`` is what a student with memory had in mind at the first step, and ``last_memory`` what it
    has at ``last_observations``; both are zero where an episode begins there.
    """

    observations: Array
    actions: Array
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    episode_starts: NDArray[np.bool_]
    last_observations: Array
    last_starts: NDArray[np.bool_]
    final_observations: Mapping[tuple[int, int], Array] = field(default_factory=dict)
    extras: Mapping[str, Array] = field(default_factory=dict)
    episodes: tuple[Episode, ...] = ()
    memory: Array | None = None
    last_memory: Array | None = None

    @property
    def n_steps(self) -> int:
        """Vector steps, T."""
        return int(self.rewards.shape[0])

    @property
    def n_envs(self) -> int:
        """Environments, N."""
        return int(self.rewards.shape[1])

    def next_observations(self) -> Array:
        """What followed each step, shape ``(T, N, *observation)``: at an episode's end its own final observation."""
        following = np.concatenate([self.observations[1:], self.last_observations[None]])
        for (t, i), observation in self.final_observations.items():
            following[t, i] = observation
        return following
