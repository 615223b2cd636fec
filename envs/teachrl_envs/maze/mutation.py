"""Edits of mazes, the mutations of ACCEL: every edited level is valid again, though perhaps not solvable.

Source: Parker-Holder et al. 2022, "Evolving Curricula with Regret-Based Environment Design" (arXiv 2203.01302), and the
authors' published code. Two kinds:

* ``flip_or_move``: each edit is, with equal chances, one of: flip the wall of a random cell, move the goal, or move the
  agent, to a random free cell. Ours; the one in Jiang et al. 2023 (arXiv 2311.12716) does nothing where ours moves the
  agent.
* ``dcd``: as many cells as edits, drawn with replacement, each become wall, free or goal, with equal chances. A goal or
  an agent that is overwritten moves to a random free cell. It seldom moves the agent. Deviation: the cells change one
  after the other, and what was overwritten moves at once, not after the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.maze.generators import random_cells
from teachrl_envs.maze.level import Levels, Walls, Whole, join, parts

Mutate = Callable[[np.random.Generator, NDArray[np.floating[Any]], int], Levels]


def flip_or_move(rng: np.random.Generator, levels: NDArray[np.floating[Any]], edits: int) -> Levels:
    """Children of ``levels``, shape ``(n, size)``, each ``edits`` edits away. See the module's text."""
    walls, agents, directions, goals = parts(levels)
    row = np.arange(len(walls))
    for _ in range(edits):
        kind = rng.integers(3, size=len(walls))
        cell = _other_cells(rng, agents, goals, walls.shape[1])
        flips = row[kind == 0]
        walls[flips, cell[flips]] ^= True
        agents, goals = (
            _moved(rng, walls, agents, goals, kind == 2),
            _moved(rng, walls, goals, agents, kind == 1),
        )
    return join(walls, agents, directions, goals)


def dcd(rng: np.random.Generator, levels: NDArray[np.floating[Any]], edits: int) -> Levels:
    """Children of ``levels``, shape ``(n, size)``. See the module's text."""
    walls, agents, directions, goals = parts(levels)
    row = np.arange(len(walls))
    cells = rng.integers(walls.shape[1], size=(edits, len(walls)))
    entities = rng.integers(3, size=cells.shape)  # wall, free, goal
    for cell, entity in zip(cells, entities, strict=True):
        walls[row, cell] = entity == 0
        goal_lost, agent_lost = (cell == goals) & (entity != 2), (cell == agents) & (entity != 1)
        new_goal = (entity == 2) & (cell != goals)
        goals = np.where(new_goal, cell, goals)
        agents = _moved(rng, walls, agents, goals, agent_lost)
        goals = _moved(rng, walls, goals, agents, goal_lost)
    return join(walls, agents, directions, goals)


def _other_cells(rng: np.random.Generator, agents: Whole, goals: Whole, cells: int) -> Whole:
    """A uniform choice of cell for each level, neither its agent's nor its goal's."""
    cell = rng.integers(cells - 2, size=len(agents))
    cell += cell >= np.minimum(agents, goals)
    return cell + (cell >= np.maximum(agents, goals))


def _moved(rng: np.random.Generator, walls: Walls, places: Whole, others: Whole, moves: NDArray[np.bool_]) -> Whole:
    """``places`` with those that move in another free cell, which is not that of ``others``.

    Where no cell is free, a wall gives way.
    """
    row = np.arange(len(walls))
    free = ~walls
    free[row, places] = free[row, others] = False
    crowded = ~free.any(axis=1)
    free[crowded] = True
    free[row, places] = free[row, others] = False
    places = np.where(moves, random_cells(rng, free), places)
    walls[row, places] = False
    return places


MUTATIONS: Mapping[str, Mutate] = {"flip_or_move": flip_or_move, "dcd": dcd}
