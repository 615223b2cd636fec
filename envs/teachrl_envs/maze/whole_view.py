"""The maze as a whole, for those who may see all of it: a mentor, or a student of an easier world."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.maze.engine import COLUMN, DIRECTION, GOAL_CODE, ROW, WALL_CODE, Codes, Counts

PLANES = 3


def whole_size(height: int, width: int) -> int:
    """Length of a whole view: planes of walls, goal and agent, row by row, then the direction as one of four."""
    return PLANES * height * width + 4


def whole_views(grids: Codes, states: Counts, margin: int) -> NDArray[np.float32]:
    """What there is to see of mazes as the engine plays them, shape ``(n, whole_size)``, of zeros and ones.

    ``grids (n, height + 2 margin, width + 2 margin)`` and ``states (n, 4)`` as in `engine.compiled`.
    """
    n, rows, columns = grids.shape
    views = np.zeros((n, whole_size(rows - 2 * margin, columns - 2 * margin)), dtype=np.float32)
    _write_all(grids, states, margin, views)
    return views


@njit(cache=True)
def _write_all(grids: Codes, states: Counts, margin: int, views: NDArray[np.float32]) -> None:
    height, width = grids.shape[1] - 2 * margin, grids.shape[2] - 2 * margin
    cells = height * width
    for i in range(len(grids)):
        for cell in range(cells):
            code = grids[i, margin + cell // width, margin + cell % width]
            views[i, cell] = code == WALL_CODE
            views[i, cells + cell] = code == GOAL_CODE
        views[i, 2 * cells + (states[i, ROW] - margin) * width + states[i, COLUMN] - margin] = 1.0
        views[i, 3 * cells + states[i, DIRECTION]] = 1.0
