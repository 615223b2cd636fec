"""Potential-based shaping: on top of its own reward, a step pays by how much better it makes things look.

Source: Ng, Harada, Russell, "Policy invariance under reward transformations", ICML 1999: with any potential Phi over
states, the additional reward ``discount * Phi(s') - Phi(s)`` leaves the best policies as they are. With the optimal
values as potential it is as informative as rewards can be (EXPRD, 2021, proposition 1). Phi is 0 in terminal states;
where an episode is cut off, it is that of the last state.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from pydantic import Field

from teachrl.config.experiment import EnvConfig
from teachrl.config.registry import import_object
from teachrl.config.settings import Name, Settings
from teachrl.environments import Env
from teachrl.errors import UsageError
from teachrl.guides.base import Guide
from teachrl.guides.rewards.models import model_of

Potential = Callable[[Env, Any], float]
"""Of an environment's state, of which the observation is given as well."""


class PotentialConfig(Settings):
    """Settings of the guide ``potential``."""

    values: Name = Field(
        default="optimal",
        description="the potential: optimal, of an environment whose model is known; the folder of a run, whose "
        "student's values are taken; or 'module:function' from observations (n, ...) to values (n,)",
    )
    discount: float = Field(0.99, ge=0, le=1, description="the student's discount")
    scale: float = Field(1.0, gt=0, description="by what the potential is multiplied")


class PotentialGuide(Guide):
    """See the module's text."""

    Config = PotentialConfig
    config: PotentialConfig

    def __init__(self, config: PotentialConfig, settings: EnvConfig) -> None:
        super().__init__(config, settings)
        self._potential: Potential | None = None

    def guided(self, env: Env) -> Env:
        if self._potential is None:
            self._potential = self._make(env)
        return Shaped(env, self._potential, self.config.discount, self.config.scale)

    def _make(self, env: Env) -> Potential:
        name = self.config.values
        if name == "optimal":
            values = model_of(env, self.settings, "guide potential with values: optimal").optimal_values()
            return lambda env, observation: float(values[env.unwrapped.state])  # type: ignore[attr-defined]
        function = import_object(name, "potential") if ":" in name else self._values_of_run(name, env)
        return lambda env, observation: float(np.asarray(function(np.asarray(observation)[None]))[0])

    def _values_of_run(self, name: str, env: Env) -> Callable[[Any], Any]:
        if self.load_values is None:
            raise UsageError(f"guide potential: the values of the run {name} are loaded in teachrl.train() only")
        return self.load_values(Path(name), env)


class Shaped(gym.Wrapper[Any, Any, Any, Any]):
    """Adds the difference of potentials to each reward. ``info["own_reward"]`` is the environment's own."""

    def __init__(self, env: Env, potential: Potential, discount: float, scale: float) -> None:
        super().__init__(env)
        self._potential, self._discount, self._scale = potential, discount, scale

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._before = self._potential(self.env, observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        following = 0.0 if terminated else self._potential(self.env, observation)
        bonus = self._scale * (self._discount * following - self._before)
        self._before = following
        return observation, float(reward) + bonus, terminated, truncated, {**info, "own_reward": reward}
