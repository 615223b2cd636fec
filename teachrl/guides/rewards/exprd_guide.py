"""EXPRD's rewards in the place of an environment's own, for the training of any student."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from pydantic import Field

from teachrl.config.experiment import EnvConfig
from teachrl.config.settings import Settings, Whole
from teachrl.environments import Env
from teachrl.guides.base import Guide
from teachrl.guides.rewards.exprd import HORIZONS, Design, RewardDesigner
from teachrl.guides.rewards.models import model_of
from teachrl_envs.tabular.mdp import Numbers


class ExprdConfig(Settings):
    """Settings of the guide ``exprd``."""

    budget: Whole = Field(default=5, ge=0, description="in how many states beside the goal rewards may be")
    horizons: tuple[Whole, ...] = Field(default=HORIZONS, min_length=1, description="steps within which losses show")
    largest: float = Field(10.0, gt=0, description="bound of each reward's size")
    thrift: float = Field(1e-4, ge=0, description="weight of the rewards' total size; keeps them readable")


class ExprdGuide(Guide):
    """Rewards of `exprd`, designed once for a run. For environments whose model is known."""

    Config = ExprdConfig
    config: ExprdConfig

    def __init__(self, config: ExprdConfig, settings: EnvConfig) -> None:
        super().__init__(config, settings)
        self.design: Design | None = None

    def guided(self, env: Env) -> Env:
        if self.design is None:
            config = self.config
            mdp = model_of(env, self.settings, "guide exprd")
            designer = RewardDesigner(mdp, None, config.horizons, config.largest, config.thrift)
            self.design = designer.greedy(config.budget)[-1]
        return Redesigned(env, self.design.rewards)


class Redesigned(gym.Wrapper[Any, Any, Any, Any]):
    """Pays ``rewards[state, action]``. ``info["own_reward"]`` is the environment's own."""

    def __init__(self, env: Env, rewards: Numbers) -> None:
        super().__init__(env)
        self._rewards = rewards

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        bare: Any = self.env.unwrapped
        paid = float(self._rewards[bare.state, int(action)])
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, paid, terminated, truncated, {**info, "own_reward": reward}
