"""Parameterised gymnasium environments, registered under ``teachrl/``. Usable without teachrl."""

from gymnasium.envs.registration import register

from teachrl_envs.parameterize import ConstructedEnv, ParameterizedEnv
from teachrl_envs.specs import ENV_SPECS, EnvSpec
from teachrl_envs.tasks import (
    BoxTaskSpace,
    DiscreteTaskSpace,
    ProductTaskSpace,
    Task,
    TaskError,
    TaskSpace,
    register_space,
)

__all__ = [
    "ENV_SPECS",
    "BoxTaskSpace",
    "ConstructedEnv",
    "DiscreteTaskSpace",
    "EnvSpec",
    "ParameterizedEnv",
    "ProductTaskSpace",
    "Task",
    "TaskError",
    "TaskSpace",
    "register_space",
]

register_space("level", "teachrl_envs.maze.level_space:LevelTaskSpace")

for spec in ENV_SPECS:
    register(id=spec.id, entry_point=spec.entry_point, max_episode_steps=spec.max_episode_steps)
