"""Every environment of this package in one table: what registration, listing, snapshots and test sets go by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EnvSpec:
    """All that is said about an environment outside its own module. Nothing that a row names gets imported by it."""

    id: str
    """Its name in gymnasium's registry."""
    entry_point: str
    """``module:Class``, which is also the class of ``env.unwrapped``."""
    summary: str
    """What it is and what its tasks are, in half a sentence, for ``teachrl list``."""
    max_episode_steps: int | None = None
    """After how many steps gymnasium cuts an episode off; None: the environment sees to that itself."""
    snapshot_adapter: str | None = None
    """``module:name`` of what saves and restores its state, for who has teachrl installed; None: nothing does."""
    page: str = "methods/environments"
    """Its page below ``docs/`` of teachrl, without the ending."""
    test_sets: tuple[str, ...] = ()
    """Its packaged test sets, name with version. Without a choice, the first with the same task space is taken."""


ENV_SPECS = (
    EnvSpec(
        "teachrl/StumpTracks-v0",
        "teachrl_envs.box2d.stump_tracks:StumpTracks",
        "a two-legged walker on a track whose stumps' height and spacing are the task",
        max_episode_steps=2000,
        snapshot_adapter="teachrl.starts.adapters.box2d:STUMP_TRACKS",
        test_sets=("stump-tracks-grid-v1",),
    ),
    EnvSpec(
        "teachrl/PointMass-v0",
        "teachrl_envs.point_mass:PointMass",
        "steer a point through a gap in a wall; position and width of the gap are the task",
        max_episode_steps=100,
        snapshot_adapter="teachrl.starts.adapters.teachrl_envs:POINT_MASS",
        test_sets=(
            "point-mass-2d-grid-v1",
            "point-mass-2d-target-v1",
            "point-mass-3d-grid-v1",
            "point-mass-3d-target-v1",
        ),
    ),
    EnvSpec(
        "teachrl/Hypercubes-v0",
        "teachrl_envs.hypercubes:Hypercubes",
        "cells that unlock each other: a toy for teachers, without a network",
        snapshot_adapter="teachrl.starts.adapters.teachrl_envs:HYPERCUBES",
        test_sets=("hypercubes-2d-10-v1",),
    ),
    EnvSpec(
        "teachrl/Maze-v0",
        "teachrl_envs.maze.env:Maze",
        "find the goal in a maze, seeing only what is near; the whole maze is the task",
        snapshot_adapter="teachrl.starts.adapters.teachrl_envs:MAZE",
        test_sets=(
            "maze-jaxued-v1",
            "maze-large-corridor-v1",
            "maze-medium-v1",
            "maze-mini-v1",
            "maze-perfect-large-v1",
            "maze-perfect-medium-v1",
            "maze-perfect-small-v1",
            "maze-rooms-and-corridors-v1",
        ),
    ),
    EnvSpec(
        "teachrl/MiniGrid-v0",
        "teachrl_envs.minigrid.env:MiniGridLevels",
        "any MiniGrid or BabyAI environment; the level, by its seed, is the task",
    ),
    EnvSpec(
        "teachrl/RoomsNav-v0",
        "teachrl_envs.tabular.rooms_nav:RoomsNav",
        "four rooms, a far goal and a wrong exit; its whole model is known, and it has no tasks",
        page="methods/designed_rewards",
    ),
    EnvSpec(
        "teachrl/Chain-v0",
        "teachrl_envs.tabular.chain:Chain",
        "a long corridor with a reward at its end; its whole model is known, and it has no tasks",
        page="methods/designed_rewards",
    ),
    EnvSpec(
        "teachrl/LineKey-v0",
        "teachrl_envs.tabular.line_key:LineKey",
        "a line with a key to fetch before the goal; a model of it is known, and it has no tasks",
        page="methods/designed_rewards",
    ),
    EnvSpec(
        "teachrl/MazeBuilding-v0",
        "teachrl_envs.maze.level_building:MazeBuilding",
        "build a maze cell by cell, for agents that learn to teach; it has no tasks itself",
        page="methods/paired",
    ),
)
