"""Tracks the open episode of each environment; it can be restored by playing its actions again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.environments import EnvironmentFacts
from teachrl.records.episodes import Array, Episode, Transitions
from teachrl.rollouts.vector_env import EpisodeError, StepResult, VectorEnv
from teachrl.tasks.spaces import Task, Vector


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task on its way to an environment, with its reason and the version of the teacher that chose it."""

    task: Vector
    origin: str
    version: int
    reason: Mapping[str, float] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """All of it, as arrays and JSON values."""
        return {"task": self.task, "origin": self.origin, "version": self.version, "reason": dict(self.reason)}

    @staticmethod
    def restored(state: dict[str, Any]) -> PlannedTask:
        """The inverse of `state`; other keys may be there."""
        return PlannedTask(np.array(state["task"]), state["origin"], state["version"], state["reason"])


@dataclass(slots=True)
class OpenEpisode:
    """An episode that is going on: what it was given, and what came of it so far."""

    planned: PlannedTask
    number: int
    seed: int
    factor: float = 1.0
    episode_return: float = 0.0
    discounted_return: float = 0.0
    success: bool | None = None
    actions: list[Array] = field(default_factory=list)
    observations: list[Array] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    guide: Mapping[str, float] = field(default_factory=dict)


class EpisodeTracker:
    """Rows of environments and their open episodes.

    An episode depends on its task, its seed and its actions alone, so these are what a checkpoint keeps: `replay`
    plays them again and is exact for every deterministic environment, whether it can save its state or not.
    """

    def __init__(
        self,
        environments: VectorEnv,
        facts: EnvironmentFacts,
        discount: float,
        keep_steps: bool = False,
        first_env: int = 0,
    ) -> None:
        self._environments = environments
        self._facts = facts
        self._discount = discount
        self._keep_steps = keep_steps
        self._first_env = first_env
        self._open: list[OpenEpisode | None] = [None] * len(environments)

    def __len__(self) -> int:
        return len(self._open)

    def reset(self, row: int, planned: PlannedTask, number: int, seed: int) -> Array:
        """Start an episode; returns the first observation. Raises `EpisodeError`."""
        episode = self._open[row] = OpenEpisode(planned, number, seed)
        observation = self._environments.reset(row, planned.task, seed)
        if not np.isfinite(observation).all():
            raise EpisodeError("the first observation has NaN or infinite entries")
        episode.observations.append(np.array(observation))
        return observation

    def step(self, rows: NDArray[np.int64], actions: Array) -> StepResult:
        """Step some rows, and add to their records. A row that failed is to be given up, or begun anew."""
        episodes = [self[row] for row in rows.tolist()]
        # Kept before the step, so that the file of a failed episode ends with the action that broke it.
        for episode, action in zip(episodes, actions, strict=True):
            episode.actions.append(action)
        stepped = self._environments.step(rows, actions)
        if not np.isfinite(stepped.observations).all():
            for k, row in enumerate(rows.tolist()):
                if not np.isfinite(stepped.observations[k]).all():
                    stepped.faults.setdefault(row, EpisodeError("the observation has NaN or infinite entries"))
        for episode, reward, success in zip(episodes, stepped.own_rewards, stepped.success, strict=True):
            episode.episode_return += reward
            episode.discounted_return += episode.factor * reward
            episode.factor *= self._discount
            if success is not None:
                episode.success = success
        if self._keep_steps:
            for episode, reward, observation in zip(episodes, stepped.own_rewards, stepped.observations, strict=True):
                episode.rewards.append(reward)
                episode.observations.append(observation.copy())
        for row, info in stepped.guides.items():
            self[row].guide = info
        return stepped

    def privileged(self) -> Array:
        """What the environments tell beside the observations that follow, one entry a row."""
        return self._environments.privileged(np.arange(len(self)))

    def __getitem__(self, row: int) -> OpenEpisode:
        """The open episode of a row, or the one that just ended."""
        episode = self._open[row]
        assert episode is not None, "no episode was begun in this row"
        return episode

    def episode(self, row: int, step: int, terminated: bool) -> Episode:
        """The record of the episode that just ended."""
        played = self[row]
        success, from_snapshot = played.success, self._facts.from_snapshot(played.planned.task)
        # What a whole episode must return says nothing about the rest of one.
        if success is None and self._facts.mastery_return is not None and not from_snapshot:
            success = played.episode_return > self._facts.mastery_return
        return Episode(
            task=played.planned.task,
            episode_return=played.episode_return,
            discounted_return=played.discounted_return,
            length=len(played.actions),
            success=success,
            terminated=terminated,
            origin=played.planned.origin,
            teacher_version=played.planned.version,
            env_index=self._first_env + row,
            number=played.number,
            seed=played.seed,
            step=step,
            reason=played.planned.reason,
            first_observation=played.observations[0],
            transitions=_transitions(played) if self._keep_steps else None,
            from_snapshot=from_snapshot,
            guide=dict(played.guide),
        )

    def task(self, row: int) -> Task:
        """The task of a row, as people read it."""
        return self._facts.task_space.task(self[row].planned.task)

    def failure(self, row: int, reason: str) -> dict[str, Any]:
        """All that is needed to make a failed episode happen again, as JSON."""
        actions = [np.asarray(a).tolist() for a in self[row].actions]
        task, seed = self.task(row), self[row].seed
        return {"reason": reason, "task": task, "seed": seed, "step": len(actions), "actions": actions}

    def renew(self, row: int) -> None:
        """After a failure: the next `reset` finds nothing left of it."""
        self._environments.renew(row)

    def state(self) -> dict[str, Any]:
        """The open episodes by row: task, seed and actions so far."""
        return {str(row): _saved(self[row]) for row in range(len(self))}

    def replay(self, state: dict[str, Any]) -> Array:
        """Play the open episodes again; returns the observations at which they stood. Raises `EpisodeError`."""
        observations = []
        for row in range(len(self)):
            saved = state[str(row)]
            planned = PlannedTask.restored(saved)
            observations.append(self.reset(row, planned, saved["number"], saved["seed"]))
        following = np.stack(observations)
        actions = [np.array(state[str(row)]["actions"]) for row in range(len(self))]
        for t in range(max(map(len, actions))):
            rows = np.array([row for row in range(len(self)) if t < len(actions[row])])
            stepped = self.step(rows, np.stack([actions[row][t] for row in rows]))
            for fault in stepped.faults.values():
                raise fault
            following[rows] = stepped.observations
        return following

    def close(self) -> None:
        """Close all environments."""
        self._environments.close()


def _transitions(played: OpenEpisode) -> Transitions:
    return Transitions(np.stack(played.observations), np.stack(played.actions), np.array(played.rewards))


def _saved(episode: OpenEpisode) -> dict[str, Any]:
    return {
        **episode.planned.state(),
        "number": episode.number,
        "seed": episode.seed,
        "actions": np.array(episode.actions),
    }
