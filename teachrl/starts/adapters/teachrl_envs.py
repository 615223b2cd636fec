"""States of the gate task, the mazes and the hypercubes of teachrl_envs: exact to the bit."""

from __future__ import annotations

import numpy as np

from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter
from teachrl_envs.hypercubes import Hypercubes
from teachrl_envs.maze.env import Maze
from teachrl_envs.point_mass import PointMass


def save_point(env: PointMass) -> SimulatorState:
    """``x, vx, y, vy``."""
    return env.state.copy()


def restore_point(env: PointMass, state: SimulatorState) -> None:
    """The gate is the task's; the point can be put into a world with any gate."""
    env.state[:] = state


def save_maze(env: Maze) -> SimulatorState:
    """Row and column (the margin counted), direction, and steps played."""
    return np.array(env.state, dtype=np.float64)


def restore_maze(env: Maze, state: SimulatorState) -> None:
    """The walls and the goal are the task's."""
    env.state[:] = state


def save_cell(env: Hypercubes) -> SimulatorState:
    """The task's cell. It is all there is: an episode has one step."""
    return np.array(env.cell, dtype=np.float64)


def restore_cell(env: Hypercubes, state: SimulatorState) -> None:
    """Put the cell back."""
    env.cell[:] = state


POINT_MASS = SnapshotAdapter(save_point, restore_point, PointMass.observation)
MAZE = SnapshotAdapter(save_maze, restore_maze)
HYPERCUBES = SnapshotAdapter(save_cell, restore_cell)
