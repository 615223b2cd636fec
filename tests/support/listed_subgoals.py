"""A provider whose sub-goals are in its settings, and a MiniGrid environment with flat observations."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import numpy as np
from gymnasium import spaces

from teachrl.config.settings import Settings
from teachrl.guides.subgoals.level import GridLevel, Subgoal


class ListedConfig(Settings):
    """Settings of `Listed`."""

    cells: list[tuple[int, int]]


class Listed:
    """The same cells for every level."""

    Config = ListedConfig

    def __init__(self, config: ListedConfig) -> None:
        self.config = config
        self.asked: list[str] = []

    @property
    def identity(self) -> dict[str, Any]:
        return self.config.model_dump()

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        self.asked.append(level.key)
        things = ((cell, level.thing_at(cell)) for cell in self.config.cells)
        return tuple(Subgoal(cell, "" if thing is None else thing.name) for cell, thing in things)


class Flat(gym.ObservationWrapper[Any, Any, Any]):
    """A MiniGrid environment that shows its image as numbers in a row."""

    reports_success = True

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(gym.make(id, disable_env_checker=True))
        self.observation_space = spaces.Box(0.0, 1.0, (147,), np.float32)

    def observation(self, observation: Any) -> Any:
        return np.float32(observation["image"].ravel() / 10)
