"""Building mazes cell by cell, as the adversary of PAIRED does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from teachrl_envs.level_building import Builder, Building
from teachrl_envs.maze.generators import random_cells, wall_budget
from teachrl_envs.maze.level import Levels, join
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.tasks import Vector

NOWHERE = -1


class MazeBuilder(Builder):
    """Each move names a cell, row by row: ``walls`` times a wall, then the goal, then the agent; `walls` + 2 moves.

    A wall on a wall changes nothing, so that mazes may have fewer walls than moves. The goal removes a wall in its way,
    so does the agent; an agent on the goal goes to a random free cell. It looks in a random direction. Nothing makes
    sure that the goal can be reached. Seen are three planes of cells: walls, goal, agent.

    Source: the maze teacher of Jiang et al. 2021 (arXiv 2110.02439), after Dennis et al. 2020 (PAIRED, arXiv
    2012.02096). Deviations: planes instead of MiniGrid's codes, without the border; the move's number is seen as one of
    ``n_moves``; no goals that move at random, and no number of walls that the first action chooses (both options of
    theirs).

    Args:
        height, width: cells inside the border.
        walls: how many moves place a wall; None for 50, or as many as leave two cells free.
        noise: how many random numbers are seen at each move.

    Raises `TaskError` for a number of walls that leaves less than two cells free.
    """

    def __init__(self, height: int = 13, width: int = 13, walls: int | None = None, noise: int = 50) -> None:
        self.budget, self._cells = wall_budget("dcd", height, width, walls), height * width
        super().__init__(self.budget + 2, 3 * self._cells, noise, spaces.Discrete(self._cells))

    def tasks(self) -> Levels:
        return join(self._walls, self._agents, self._directions, self._goals)

    def facts(self) -> list[Mapping[str, float]]:
        return [{"walls": float(count)} for count in self._walls.sum(axis=1)]

    def _clear(self, n: int) -> None:
        self._rows = np.arange(n)
        self._walls = np.zeros((n, self._cells), dtype=np.bool_)
        self._agents, self._goals = np.full(n, NOWHERE), np.full(n, NOWHERE)
        self._directions = np.zeros(n, dtype=np.int64)

    def _place(self, number: int, actions: NDArray[Any]) -> None:
        cells = actions.astype(np.int64)
        if number < self.budget:
            self._walls[self._rows, cells] = True
            return
        if number == self.budget:
            self._goals = cells
        else:
            free = ~self._walls
            free[self._rows, self._goals] = False
            cells = np.where(cells == self._goals, random_cells(self._rng, free), cells)
            self._agents, self._directions = cells, self._rng.integers(4, size=len(cells))
        self._walls[self._rows, cells] = False

    def _seen(self) -> NDArray[Any]:
        every = np.arange(self._cells)
        return np.concatenate(
            [self._walls, self._goals[:, None] == every, self._agents[:, None] == every], axis=1, dtype=np.float32
        )


class MazeBuilding(Building):
    """`Building` by `MazeBuilder`: ``teachrl/MazeBuilding-v0``. Tasks are those of ``teachrl/Maze-v0``.

    Args:
        height, width, walls, noise: see `MazeBuilder`.
        regret: what a finished maze pays the builder, given its vector (`level.join`); None for nothing.
    """

    def __init__(
        self,
        height: int = 13,
        width: int = 13,
        *,
        walls: int | None = None,
        noise: int = 50,
        regret: Callable[[Vector], float] | None = None,
    ) -> None:
        space = LevelTaskSpace(height, width, generator="dcd", walls=walls)
        super().__init__(MazeBuilder(height, width, walls, noise), space, regret)
