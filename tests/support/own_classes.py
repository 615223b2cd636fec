"""Environments and a student of a user's own, as `module:name`, for the tests of the whole road."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from docs.examples.own_student import LinearStudent
from teachrl_envs import BoxTaskSpace, ParameterizedEnv


def make_cartpole() -> gym.Env[Any, Any]:
    def apply(env: Any, task: dict[str, float]) -> None:
        env.length, env.gravity = task["length"], task["gravity"]
        env.polemass_length = env.masspole * env.length

    space = BoxTaskSpace({"length": (0.25, 1.0), "gravity": (5.0, 15.0)})
    env = gym.make("CartPole-v1", max_episode_steps=100)
    return ParameterizedEnv(env, space, apply, return_range=(0.0, 100.0), mastery_return=95.0)


class Trap(gym.Env[Any, Any]):
    """Counts to ten; on tasks above the threshold it misbehaves in the way that it was built to."""

    metadata = {"render_modes": []}  # noqa: RUF012
    task_space = BoxTaskSpace({"danger": (0.0, 1.0)})
    return_range = (0.0, 10.0)
    mastery_return = 9.0

    def __init__(self, fault: str = "none", threshold: float = 0.5) -> None:
        self.observation_space = gym.spaces.Box(-1, 20, (2,), np.float32)
        self.action_space = gym.spaces.Box(-1, 1, (1,), np.float32)
        self._fault, self._threshold = fault, threshold

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        task = (options or {}).get("task", {"danger": 0.0})
        self._danger, self._count = task["danger"], 0
        if self._armed("reset"):
            raise RuntimeError("the gate is stuck")
        return self._observation(), {"task": {"danger": 0.123} if self._armed("other task") else task}

    def step(self, action: Any) -> Any:
        self._count += 1
        armed_now = self._count == 4
        if armed_now and self._armed("step"):
            raise RuntimeError("the motor burnt out")
        observation = self._observation()
        if armed_now and self._armed("nan observation"):
            observation[0] = np.nan
        reward = float("inf") if armed_now and self._armed("inf reward") else 1.0
        return observation, reward, False, self._count == 10, {}

    def _armed(self, fault: str) -> bool:
        return self._fault == fault and self._danger > self._threshold

    def _observation(self) -> Any:
        return np.array([self._count, self._danger], dtype=np.float32)


class Forgetful(Trap):
    """Depends on how many episodes were played before: what a resume must refuse to continue."""

    episodes = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        Forgetful.episodes += 1
        return super().reset(seed=seed, options=options)

    def _observation(self) -> Any:
        return np.array([self._count, Forgetful.episodes], dtype=np.float32)


class Keyless(LinearStudent):
    """Keeps its weights where evaluation would not find them."""

    def state(self) -> dict[str, Any]:
        return {"policy": self.weights()}
