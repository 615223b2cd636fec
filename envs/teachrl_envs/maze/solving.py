"""Shortest ways through mazes, by breadth-first search in compiled code.

An agent has three actions: turn left, turn right, go forward; so turns cost as much as steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.maze.level import Levels, Walls, Whole, parts

ROW_STEP = np.array([0, 1, 0, -1])  # of directions 0 to 3: right, down, left, up
COLUMN_STEP = np.array([1, 0, -1, 0])


def shortest_actions(levels: NDArray[np.floating[Any]], height: int, width: int) -> Whole:
    """The fewest actions that bring the agent onto the goal, shape ``(n,)``; -1 where it cannot be reached."""
    walls, agents, directions, goals = parts(levels)
    return _all_shortest(walls.reshape(-1, height, width), agents, directions, goals, True)


def shortest_path(levels: NDArray[np.floating[Any]], height: int, width: int) -> Whole:
    """The fewest cells from the agent to the goal, shape ``(n,)``, turns not counted; -1 where there is no way."""
    walls, agents, directions, goals = parts(levels)
    return _all_shortest(walls.reshape(-1, height, width), agents, directions, goals, False)


def optimal_return(levels: NDArray[np.floating[Any]], height: int, width: int, max_steps: int) -> Levels:
    """``1 - 0.9 t / max_steps`` for the fewest actions ``t``, shape ``(n,)``; 0 where ``max_steps`` are not enough."""
    actions = shortest_actions(levels, height, width)
    reached = (actions >= 0) & (actions <= max_steps)
    return np.where(reached, 1.0 - 0.9 * actions / max_steps, 0.0)


@njit(cache=True)
def _all_shortest(walls: Walls, agents: Whole, directions: Whole, goals: Whole, turning: bool) -> Whole:
    n, height, width = walls.shape
    found = np.empty(n, np.int64)
    distance = np.empty(4 * height * width, np.int64)
    queue = np.empty(4 * height * width, np.int64)
    for i in range(n):
        start = 4 * agents[i] + directions[i]
        found[i] = _shortest(walls[i], start, goals[i], turning, distance, queue)
    return found


@njit(cache=True)
def _shortest(walls: Walls, start: int, goal: int, turning: bool, distance: Whole, queue: Whole) -> int:
    """Breadth-first over states ``4 * cell + direction``; without turning, one state a cell is enough."""
    height, width = walls.shape
    distance[:] = -1
    start = start if turning else start - start % 4
    distance[start] = 0
    queue[0] = start
    head, tail = 0, 1
    while head < tail:
        state = queue[head]
        head += 1
        cell, direction = state // 4, state % 4
        for choice in range(3 if turning else 4):
            if turning and choice < 2:
                following = 4 * cell + (direction + 1 + 2 * choice) % 4
            else:
                heading = direction if turning else choice
                row = cell // width + ROW_STEP[heading]
                column = cell % width + COLUMN_STEP[heading]
                if not (0 <= row < height and 0 <= column < width) or walls[row, column]:
                    continue
                if row * width + column == goal:
                    return int(distance[state]) + 1
                following = 4 * (row * width + column) + (heading if turning else 0)
            if distance[following] < 0:
                distance[following] = distance[state] + 1
                queue[tail] = following
                tail += 1
    return -1
