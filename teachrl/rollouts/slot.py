"""One environment of a worker: plays an episode on a task, keeps its record, and can be put back where it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teachrl.environments import Env
from teachrl.episodes import Array, Episode, Transitions
from teachrl.tasks import TaskSpace, Vector


@dataclass(frozen=True)
class PlannedTask:
    """A task on its way to an environment, with its reason and the version of the teacher that chose it."""

    task: Vector
    origin: str
    version: int
    reason: Mapping[str, float] = field(default_factory=dict)


class EpisodeError(Exception):
    """The environment raised, or gave something that is no number. ``reason`` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EpisodeSlot:
    """An environment and its open episode.

    The episode depends on its task, its seed and its actions alone, so these are what a checkpoint keeps: `replay`
    plays them again and is exact for every deterministic environment, whether it can save its state or not.
    """

    def __init__(
        self, env: Env, space: TaskSpace, discount: float, mastery_return: float | None, keep_steps: bool = False
    ) -> None:
        self.env = env
        self._keep_steps = keep_steps
        self._space = space
        self._discount = discount
        self._mastery_return = mastery_return
        self.number = -1
        self.actions: list[Array] = []

    def reset(self, planned: PlannedTask, number: int, seed: int) -> Array:
        """Start an episode; returns the first observation. Raises `EpisodeError`."""
        self.planned, self.number, self.seed = planned, number, seed
        self.actions = []
        self._return = self._discounted = 0.0
        self._factor = 1.0
        self._success: bool | None = None
        self.task = self._space.task(planned.task)
        try:
            observation, info = self.env.reset(seed=seed, options={"task": self.task})
        except Exception as error:
            raise EpisodeError(f"reset raised {type(error).__name__}: {error}") from error
        if info.get("task", self.task) != self.task:
            raise EpisodeError(f"asked to play the task {self.task}, it says that it plays {info['task']}")
        self._first = np.array(observation)
        self._observations: list[Array] = [self._first]
        self._rewards: list[float] = []
        return np.asarray(observation)

    def step(self, action: Array) -> tuple[Array, float, bool, bool]:
        """One step: observation, reward, terminated, truncated. Raises `EpisodeError`."""
        # Kept before the step, so that the file of a failed episode ends with the action that broke it.
        self.actions.append(action)
        try:
            observation, reward, terminated, truncated, info = self.env.step(action)
            reward = float(reward)
        except Exception as error:
            raise EpisodeError(f"step raised {type(error).__name__}: {error}") from error
        if not math.isfinite(reward):
            raise EpisodeError(f"the reward is {reward}")
        self._return += reward
        self._discounted += self._factor * reward
        self._factor *= self._discount
        self._success = info.get("success", self._success)
        if self._keep_steps:
            self._observations.append(np.array(observation))
            self._rewards.append(reward)
        return observation, reward, bool(terminated), bool(truncated)

    def episode(self, env_index: int, step: int, terminated: bool) -> Episode:
        """The record of the episode that just ended."""
        success = None if self._success is None else bool(self._success)
        if success is None and self._mastery_return is not None:
            success = self._return > self._mastery_return
        return Episode(
            task=self.planned.task,
            episode_return=self._return,
            discounted_return=self._discounted,
            length=len(self.actions),
            success=success,
            terminated=terminated,
            origin=self.planned.origin,
            teacher_version=self.planned.version,
            env_index=env_index,
            number=self.number,
            seed=self.seed,
            step=step,
            reason=self.planned.reason,
            first_observation=self._first,
            transitions=self._transitions() if self._keep_steps else None,
        )

    def _transitions(self) -> Transitions:
        return Transitions(np.stack(self._observations), np.stack(self.actions), np.array(self._rewards))

    def failure(self, reason: str) -> dict[str, Any]:
        """All that is needed to make a failed episode happen again, as JSON."""
        actions = [np.asarray(a).tolist() for a in self.actions]
        return {"reason": reason, "task": self.task, "seed": self.seed, "step": len(actions), "actions": actions}

    def state(self) -> dict[str, Any]:
        """The open episode: task, seed and actions so far."""
        return {
            "task": self.planned.task,
            "origin": self.planned.origin,
            "version": self.planned.version,
            "reason": dict(self.planned.reason),
            "number": self.number,
            "seed": self.seed,
            "actions": np.array(self.actions),
        }

    def replay(self, state: dict[str, Any]) -> Array:
        """Play the open episode again; returns the observation at which it stood. Raises `EpisodeError`."""
        planned = PlannedTask(np.array(state["task"]), state["origin"], state["version"], state["reason"])
        observation = self.reset(planned, state["number"], state["seed"])
        for action in state["actions"]:
            observation = self.step(action)[0]
        return np.asarray(observation)
