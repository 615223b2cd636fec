"""An environment whose episodes begin where the teacher says: as always, or from a snapshot of a bank."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.wrappers import TimeLimit

from teachrl.config.experiment import StartConfig
from teachrl.environments import Env, EnvironmentFacts
from teachrl.errors import UsageError
from teachrl.starts.adapters.registry import adapter_for
from teachrl.starts.bank import Bank
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import DiscreteTaskSpace, ProductTaskSpace, Task, TaskSpace

TASK, START, SNAPSHOT = "task", "start", "snapshot"


class SnapshotStarts(gym.Wrapper[Any, Any, Any, Any]):
    """Adds the start to the task.

    **Task.** A choice named ``snapshot``: 0 is the true start, ``i`` the bank's snapshot ``i - 1``. With
    ``settings.task == "snapshot"`` that is all there is: a snapshot brings the task and the seed on which it was taken,
    and the true start plays a task drawn uniformly by the episode's seed. With ``"chosen"`` the task is ``{"task":
    the environment's own, "start": {"snapshot": i}}``, and the simulator's state is put into that task; only for
    environments whose states fit any task (`SnapshotAdapter.observe`).

    The first observation is the one that was seen when the snapshot was taken, unless the task is another now. The
    environment's generator is that of the episode's own seed, so that two episodes from one snapshot differ as two from
    the true start do. gymnasium's ``TimeLimit`` goes on counting where the snapshot stood, and cuts off
    ``truncate_after`` steps later; that is a truncation. Nothing is added to `step`.

    Raises `UsageError` when states cannot be restored or do not fit any task as asked, and when ``truncate_after`` is
    given and there is no ``TimeLimit``.
    """

    starts_from_snapshots = True

    def __init__(self, env: Env, bank: Bank, settings: StartConfig, facts: EnvironmentFacts) -> None:
        super().__init__(env)
        self._adapter = adapter_for(env)
        self._bank, self._settings, self._own_space = bank, settings, facts.task_space
        self._observe = self._adapter.observe if settings.task == "chosen" and facts.has_tasks else None
        if settings.task == "chosen" and self._observe is None:
            raise UsageError(
                f"starts.task is 'chosen', and a state of {type(env.unwrapped).__name__} belongs to the task on which "
                "it was saved: set starts.task to 'snapshot'"
            )
        snapshots = DiscreteTaskSpace(len(bank) + 1, name=SNAPSHOT)
        self.task_space: TaskSpace = (
            ProductTaskSpace({TASK: facts.task_space, START: snapshots}) if self._task_is_chosen else snapshots
        )
        self._declare(facts.knowledge)
        self._limit = _time_limit(env)
        self._longest = self._limit._max_episode_steps if self._limit is not None else 0
        if settings.truncate_after is not None and self._limit is None:
            raise UsageError(
                "starts.truncate_after needs an environment under gymnasium's TimeLimit: register it with "
                "max_episode_steps, or wrap it"
            )
        self.step = env.step  # type: ignore[method-assign]  # not even one call in between

    @property
    def _task_is_chosen(self) -> bool:
        return self._observe is not None

    def _declare(self, knowledge: Knowledge) -> None:
        """What is known about tasks holds for their true start; a task that nobody can choose is not known about."""
        for name, known in (("initial", knowledge.initial), ("target", knowledge.target)):
            mean_and_std = (known.mean, known.std) if known is not None and self._task_is_chosen else (None, None)
            for kind, numbers in zip(("mean", "std"), mean_and_std, strict=True):
                setattr(self, f"{name}_{kind}", None if numbers is None else np.append(numbers, 0.0))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin where ``options["task"]`` says."""
        asked = self.task_space.task(self.task_space.vector((options or {}).get("task")))
        place = (asked[START] if self._task_is_chosen else asked)[SNAPSHOT] - 1
        if self._limit is not None:
            self._limit._max_episode_steps = self._longest
        if place < 0:
            observation, info = self.env.reset(seed=seed, options={"task": self._true_task(asked, seed)})
        else:
            observation, info = self._restore(place, asked, seed)
        return observation, {**info, "task": asked}

    def _true_task(self, asked: Task, seed: int | None) -> Task:
        if self._task_is_chosen:
            return dict(asked[TASK])
        return self._own_space.task(self._own_space.sample(np.random.default_rng(seed), 1)[0])

    def _restore(self, place: int, asked: Task, seed: int | None) -> tuple[Any, dict[str, Any]]:
        bank, bare = self._bank, self.env.unwrapped
        if self._task_is_chosen:
            info = self.env.reset(seed=seed, options={"task": asked[TASK]})[1]
        else:
            task = self._own_space.task(bank.tasks[place])
            info = self.env.reset(seed=int(bank.seeds[place]), options={"task": task})[1]
            bare.np_random = np.random.default_rng(seed)
        self._adapter.restore(bare, bank.states[place])
        if self._limit is not None:
            elapsed = int(bank.elapsed[place])
            self._limit._elapsed_steps = elapsed  # type: ignore[assignment]  # declared as None
            if self._settings.truncate_after is not None:
                self._limit._max_episode_steps = min(self._longest, elapsed + self._settings.truncate_after)
        if self._observe is not None:
            return self._observe(bare), info
        return bank.observations[place].copy(), info


def _time_limit(env: Env) -> TimeLimit[Any, Any] | None:
    while isinstance(env, gym.Wrapper):
        if isinstance(env, TimeLimit):
            return env
        env = env.env
    return None
