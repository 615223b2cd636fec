"""The maze as a whole, for those who may see all of it: a mentor, or a student of an easier world."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.maze.engine import COLUMN, DIRECTION, GOAL_CODE, ROW, WALL_CODE, Codes, Counts

PLANES = 2


def whole_size(height: int, width: int) -> int:
    """Length of a whole view: planes of walls and goal around the agent, then the direction as one of four."""
    return PLANES * _side(height, width) ** 2 + 4


def whole_views(grids: Codes, states: Counts, margin: int) -> NDArray[np.float32]:
    """What there is to see of mazes as the engine plays them, shape ``(n, whole_size)``, of zeros and ones.

    Each plane is a square with the agent in its middle, looking up, large enough to hold the maze wherever the agent
    is: the way to the goal then looks alike in many places. ``grids (n, height + 2 margin, width + 2 margin)`` and
    ``states (n, 4)`` as in `engine.compiled`.
    """
    n, rows, columns = grids.shape
    height, width = rows - 2 * margin, columns - 2 * margin
    views = np.zeros((n, whole_size(height, width)), dtype=np.float32)
    _write_all(grids, states, _side(height, width), views)
    return views


def _side(height: int, width: int) -> int:
    return 2 * max(height, width) - 1


@njit(cache=True)
def _write_all(grids: Codes, states: Counts, side: int, views: NDArray[np.float32]) -> None:
    half, cells = side // 2, side * side
    rows, columns = grids.shape[1:]
    for k in range(len(grids)):
        direction = states[k, DIRECTION]
        ahead_row = (direction == 1) - (direction == 3)
        ahead_column = (direction == 0) - (direction == 2)
        for cell in range(cells):
            ahead, right = half - cell // side, cell % side - half
            # To the agent's right is what is ahead of it, a quarter turn on: (row, column) -> (column, -row).
            row = states[k, ROW] + ahead * ahead_row + right * ahead_column
            column = states[k, COLUMN] + ahead * ahead_column - right * ahead_row
            inside = 0 <= row < rows and 0 <= column < columns
            code = grids[k, row, column] if inside else WALL_CODE
            views[k, cell] = code == WALL_CODE
            views[k, cells + cell] = code == GOAL_CODE
        views[k, 2 * cells + direction] = 1.0
