"""Parameterised gymnasium environments, registered under ``teachrl/``. Usable without teachrl."""

from gymnasium.envs.registration import register

from teachrl_envs.parameterize import ConstructedEnv, ParameterizedEnv
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
    "BoxTaskSpace",
    "ConstructedEnv",
    "DiscreteTaskSpace",
    "ParameterizedEnv",
    "ProductTaskSpace",
    "Task",
    "TaskError",
    "TaskSpace",
    "register_space",
]

register_space("level", "teachrl_envs.maze.level_space:LevelTaskSpace")

register(
    id="teachrl/StumpTracks-v0",
    entry_point="teachrl_envs.box2d.stump_tracks:StumpTracks",
    max_episode_steps=2000,
)
register(id="teachrl/PointMass-v0", entry_point="teachrl_envs.point_mass:PointMass", max_episode_steps=100)
register(id="teachrl/Hypercubes-v0", entry_point="teachrl_envs.hypercubes:Hypercubes")
register(id="teachrl/Maze-v0", entry_point="teachrl_envs.maze.env:Maze")
register(id="teachrl/MazeBuilding-v0", entry_point="teachrl_envs.maze.level_building:MazeBuilding")
register(id="teachrl/MiniGrid-v0", entry_point="teachrl_envs.minigrid.env:MiniGridLevels")
register(id="teachrl/RoomsNav-v0", entry_point="teachrl_envs.tabular.rooms_nav:RoomsNav")
register(id="teachrl/Chain-v0", entry_point="teachrl_envs.tabular.chain:Chain")
register(id="teachrl/LineKey-v0", entry_point="teachrl_envs.tabular.line_key:LineKey")
