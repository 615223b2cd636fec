"""Environments that are stepped together: one after the other, or all in one call where the environment offers that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
from gymnasium.wrappers import OrderEnforcing
from numpy.typing import NDArray

from teachrl.environments import Env, EnvironmentFacts
from teachrl.records.episodes import Array
from teachrl.tasks.spaces import Vector


class EpisodeError(Exception):
    """The environment raised, or gave something that is no number. ``reason`` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class StepResult:
    """What one step of some rows gave, an entry each in the order of the rows.

    ``observations`` are a new array of the type that the environment's space declares. ``rewards`` are what a student
    learns from; ``own_rewards`` are the environment's own, without what a guide paid. ``success`` is None where the
    environment said nothing. ``faults`` are the rows that failed, and their entries mean nothing. ``guides``: what a
    guide tells of a row's episode so far; empty where there is none.
    """

    observations: Array
    rewards: Sequence[float]
    own_rewards: Sequence[float]
    terminated: Sequence[bool]
    truncated: Sequence[bool]
    success: Sequence[bool | None]
    faults: dict[int, EpisodeError] = field(default_factory=dict)
    guides: dict[int, Mapping[str, float]] = field(default_factory=dict)


class VectorEnv(Protocol):
    """Rows of environments of one kind."""

    def __len__(self) -> int:
        """Their number."""

    def reset(self, row: int, task: Vector, seed: int) -> Array:
        """Begin an episode in one row; its first observation. Raises `EpisodeError`."""

    def step(self, rows: NDArray[np.int64], actions: Array) -> StepResult:
        """Step some rows; the others stay as they are."""

    def privileged(self, rows: NDArray[np.int64]) -> Array:
        """What was told of rows at their last reset or step, where the environment declares a ``privileged_space``."""

    def renew(self, row: int) -> None:
        """After a failure, make sure that nothing is left of it."""

    def close(self) -> None:
        """Close everything."""


class BatchedEnv(Protocol):
    """What an environment's own ``vectorized(n)`` returns (docs/adding_an_environment.md). Arrays are new ones.

    One that declares a ``privileged_space`` is a `PrivilegedBatchedEnv`.
    """

    def reset(self, row: int, task: Vector, seed: int) -> Array:
        """Begin an episode in one row; its first observation."""

    def step(self, rows: NDArray[np.int64], actions: Array) -> tuple[Array, Array, Array, Array, Array | None]:
        """Step some rows: observations, rewards, terminated, truncated, and successes or None."""


def make_vector_env(
    make_env: Callable[[], Env], n: int, facts: EnvironmentFacts, n_batched: int | None = None
) -> VectorEnv:
    """``n`` rows: batched where the environment's own class says how, and otherwise environments of their own.

    With ``n_batched``, so many when they are batched: they cost little more than few.
    """
    env = make_env()
    bare = env.env if isinstance(env, OrderEnforcing) else env
    # Of the very class: a wrapper, or a subclass, may play by other rules than what its batch was written for.
    if "vectorized" in vars(type(bare)):
        n = n if n_batched is None else n_batched
        return NativeVectorEnv(env, bare.vectorized(n), facts, n)  # type: ignore[attr-defined]
    return SyncVectorEnv([env, *(make_env() for _ in range(n - 1))], make_env, facts)


def _zero_observations(facts: EnvironmentFacts, *rows: int) -> Array:
    return np.zeros((*rows, *(facts.observation_space.shape or ())), facts.observation_space.dtype)


class PrivilegedBatchedEnv(BatchedEnv, Protocol):
    """One that tells something beside the observation."""

    def privileged(self, rows: NDArray[np.int64]) -> Array:
        """What it tells of some rows as they are now."""


class SyncVectorEnv:
    """A gymnasium environment for each row, stepped one after the other."""

    def __init__(self, envs: list[Env], make_env: Callable[[], Env], facts: EnvironmentFacts) -> None:
        self._envs = envs
        self._make_env = make_env
        self._space = facts.task_space
        self._nothing = _zero_observations(facts)
        self._tells = facts.privileged_space is not None
        self._told: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self._envs)

    def privileged(self, rows: NDArray[np.int64]) -> Array:
        """See `Environments`."""
        return np.stack([self._told[row] for row in rows.tolist()])

    def _listen(self, row: int, info: Mapping[str, Any]) -> None:
        if self._tells:
            if "privileged" not in info:
                raise EpisodeError("it declares a privileged_space, and its info has no 'privileged'")
            self._told[row] = np.array(info["privileged"])

    def reset(self, row: int, task: Vector, seed: int) -> Array:
        """See `Environments`."""
        asked = self._space.task(task)
        try:
            observation, info = self._envs[row].reset(seed=seed, options={"task": asked})
        except Exception as error:
            raise EpisodeError(f"reset raised {type(error).__name__}: {error}") from error
        if info.get("task", asked) != asked:
            raise EpisodeError(f"asked to play the task {asked}, it says that it plays {info['task']}")
        self._listen(row, info)
        return np.asarray(observation).astype(self._nothing.dtype, copy=False)

    def step(self, rows: NDArray[np.int64], actions: Array) -> StepResult:
        """See `Environments`."""
        faults: dict[int, EpisodeError] = {}
        guides: dict[int, Mapping[str, float]] = {}
        results = []
        for row, action in zip(rows.tolist(), actions, strict=True):
            try:
                *result, info = self._step_one(row, action)
            except EpisodeError as fault:
                faults[row] = fault
                result, info = [self._nothing, 0.0, 0.0, False, False, None], {}
            results.append(result)
            if "guide" in info:
                guides[row] = info["guide"]
        observations, rewards, own, terminated, truncated, success = zip(*results, strict=True)
        stacked = np.stack(observations).astype(self._nothing.dtype, copy=False)
        return StepResult(stacked, rewards, own, terminated, truncated, success, faults, guides)

    def _step_one(
        self, row: int, action: Any
    ) -> tuple[Array, float, float, bool, bool, bool | None, Mapping[str, Any]]:
        try:
            observation, reward, terminated, truncated, info = self._envs[row].step(action)
            reward, own = float(reward), float(info.get("own_reward", reward))
        except Exception as error:
            raise EpisodeError(f"step raised {type(error).__name__}: {error}") from error
        if not (math.isfinite(reward) and math.isfinite(own)):
            raise EpisodeError(f"the reward is {reward}" + ("" if own == reward else f", without the guide {own}"))
        self._listen(row, info)
        success = info.get("success")
        known = None if success is None else bool(success)
        return observation, reward, own, bool(terminated), bool(truncated), known, info

    def renew(self, row: int) -> None:
        """Put a new environment into the row."""
        self._envs[row].close()
        self._envs[row] = self._make_env()

    def close(self) -> None:
        """Close all environments."""
        for env in self._envs:
            env.close()


class NativeVectorEnv:
    """Rows that are stepped in one call. When that raises, all rows of the call have failed."""

    def __init__(self, env: Env, batch: BatchedEnv, facts: EnvironmentFacts, n: int) -> None:
        self._env = env
        self._batch = batch
        self._nothing = _zero_observations(facts, n)

    def __len__(self) -> int:
        return len(self._nothing)

    def privileged(self, rows: NDArray[np.int64]) -> Array:
        """See `Environments`."""
        return cast(PrivilegedBatchedEnv, self._batch).privileged(rows)

    def reset(self, row: int, task: Vector, seed: int) -> Array:
        """See `Environments`."""
        try:
            observation = self._batch.reset(row, task, seed)
        except Exception as error:
            raise EpisodeError(f"reset raised {type(error).__name__}: {error}") from error
        return observation.astype(self._nothing.dtype, copy=False)

    def step(self, rows: NDArray[np.int64], actions: Array) -> StepResult:
        """See `Environments`."""
        try:
            observations, rewards, terminated, truncated, success = self._batch.step(rows, actions)
        except Exception as error:
            return self._all_failed(rows, f"step raised {type(error).__name__}: {error}", error)
        faults = {
            int(rows[k]): EpisodeError(f"the reward is {rewards[k]}") for k in np.flatnonzero(~np.isfinite(rewards))
        }
        said = [None] * len(rows) if success is None else success.tolist()
        observations = observations.astype(self._nothing.dtype, copy=False)
        paid = rewards.tolist()
        return StepResult(observations, paid, paid, terminated.tolist(), truncated.tolist(), said, faults)

    def _all_failed(self, rows: NDArray[np.int64], reason: str, error: Exception) -> StepResult:
        fault = EpisodeError(reason)
        fault.__cause__ = error
        n = len(rows)
        never, faults = [False] * n, dict.fromkeys(rows.tolist(), fault)
        return StepResult(self._nothing[:n].copy(), [0.0] * n, [0.0] * n, never, never, [None] * n, faults)

    def renew(self, row: int) -> None:
        """Nothing: the next `reset` begins the row anew."""

    def close(self) -> None:
        """Close the environment from which the batch was made."""
        self._env.close()
