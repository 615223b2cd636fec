"""A guide that changes with the student: it pays less with every fragment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from teachrl.config.settings import Settings
from teachrl.environments import Env
from teachrl.guides.base import LearningGuide
from teachrl.records.episodes import Fragment


class FadingConfig(Settings):
    """No settings."""


class Fading(LearningGuide):
    """Pays 1 / (1 + fragments so far) at every step."""

    Config = FadingConfig
    fragments = 0

    def guided(self, env: Env) -> Env:
        return Paid(env, self)

    def update(self, fragment: Fragment) -> None:
        self.fragments += 1

    def state(self) -> dict[str, Any]:
        return {"fragments": self.fragments}

    def restore(self, state: dict[str, Any]) -> None:
        self.fragments = state["fragments"]


class Paid(gym.Wrapper[Any, Any, Any, Any]):
    """Adds what the guide pays."""

    def __init__(self, env: Env, guide: Fading) -> None:
        super().__init__(env)
        self._guide = guide

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        bonus = 1 / (1 + self._guide.fragments)
        return observation, float(reward) + bonus, terminated, truncated, {**info, "own_reward": reward}
