"""The rewards of `adaptive` in the place of an environment's own, designed anew as the student changes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from pydantic import Field

from teachrl.config.experiment import EnvConfig
from teachrl.config.settings import Settings, Whole
from teachrl.environments import Env
from teachrl.guides.base import LearningGuide
from teachrl.guides.rewards.adaptive import AdaptiveDesigner
from teachrl.guides.rewards.models import model_of
from teachrl.records.episodes import Fragment
from teachrl_envs.tabular.mdp import Numbers


class AdaptiveConfig(Settings):
    """Settings of the guide ``adaptive``."""

    every: Whole = Field(
        default=2000, ge=1, description="environment steps from one design to the next, rounded up to whole fragments"
    )
    largest: float = Field(10.0, gt=0, description="bound of each reward's size")
    thrift: float = Field(0.01, ge=0, description="weight of the rewards' mean size; keeps useless ones at zero")


class AdaptiveGuide(LearningGuide):
    """For environments whose model is known, and students of any kind.

    The student's policy is how often it took each action in each state since the last design, as if each state had
    been seen once more with all actions alike. The first design is for a student that takes all actions alike.
    """

    Config = AdaptiveConfig
    watches = True
    config: AdaptiveConfig
    saved = ("rewards", "_taken", "_steps")

    def __init__(self, config: AdaptiveConfig, settings: EnvConfig) -> None:
        super().__init__(config, settings)
        self._designer: AdaptiveDesigner | None = None

    def guided(self, env: Env) -> Env:
        if self._designer is None:
            mdp = model_of(env, self.settings, "guide adaptive")
            self._designer = AdaptiveDesigner(mdp, self.config.largest, self.config.thrift)
            self._design(np.zeros_like(mdp.rewards))
        return Adapted(env, self)

    def _design(self, taken: Numbers) -> None:
        """Rewards for a student that took actions so often ``(S, A)``; then count anew."""
        assert self._designer is not None
        policy = (taken + 1 / taken.shape[1]) / (taken.sum(axis=1, keepdims=True) + 1)
        self.rewards = self._designer.design(policy)
        self._taken, self._steps = np.zeros_like(taken), 0

    def paid(self, state: int, action: int) -> float:
        """What an action pays in a state; it is counted."""
        self._taken[state, action] += 1
        return float(self.rewards[state, action])

    def update(self, fragment: Fragment) -> None:
        self._steps += fragment.rewards.size
        if self._steps >= self.config.every:
            self._design(self._taken)


class Adapted(gym.Wrapper[Any, Any, Any, Any]):
    """Pays the guide's present rewards. ``info["own_reward"]`` is the environment's own."""

    def __init__(self, env: Env, guide: AdaptiveGuide) -> None:
        super().__init__(env)
        self._guide = guide

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        bare: Any = self.env.unwrapped
        paid = self._guide.paid(bare.state, int(action))
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, paid, terminated, truncated, {**info, "own_reward": reward}
