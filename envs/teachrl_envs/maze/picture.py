"""Mazes as images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.maze.level import Walls

WALL_COLOR, FREE_COLOR, LINE_COLOR = (100, 100, 100), (20, 20, 20), (45, 45, 45)
GOAL_COLOR, AGENT_COLOR = (60, 160, 60), (200, 40, 40)


def draw(walls: Walls, agent: int, direction: int, goal: int, cell_pixels: int = 16) -> NDArray[np.uint8]:
    """A maze with its border as an image of shape ``(pixels * (height + 2), pixels * (width + 2), 3)``.

    Cells are row-major indices without the border. The agent is a triangle that points where it looks.
    """
    bordered = np.pad(walls, 1, constant_values=True)
    colors = np.where(bordered[..., None], WALL_COLOR, FREE_COLOR).astype(np.uint8)
    width = walls.shape[1]
    colors[goal // width + 1, goal % width + 1] = GOAL_COLOR
    image = colors.repeat(cell_pixels, axis=0).repeat(cell_pixels, axis=1)
    image[::cell_pixels] = image[:, ::cell_pixels] = LINE_COLOR
    top, left = (agent // width + 1) * cell_pixels, (agent % width + 1) * cell_pixels
    image[top : top + cell_pixels, left : left + cell_pixels][_triangle(cell_pixels, direction)] = AGENT_COLOR
    return image


def _triangle(pixels: int, direction: int) -> NDArray[Any]:
    """A mask of a triangle with its tip to the right, turned clockwise ``direction`` times."""
    row, column = (np.indices((pixels, pixels)) + 0.5) / pixels
    return np.rot90((column > 0.15) & (column + 2 * abs(row - 0.5) < 0.95), -direction)
