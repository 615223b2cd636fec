"""Four rooms with thin walls, a far goal, and a wrong exit beside the start."""

from __future__ import annotations

import numpy as np

from teachrl_envs.tabular.mdp import TabularEnv, TabularMDP

SIDE = 7
UP, DOWN, LEFT, RIGHT = range(4)
MOVES = ((0, 1), (0, -1), (-1, 0), (1, 0))
START, GOAL, WRONG_EXIT = (1, 1), (6, 6), (0, 0)
GATES = (1, 5)
"""Where there is a way through the walls between 2 and 3, in both directions."""
GOAL_REWARD = 10.0


def cell(x: int, y: int) -> int:
    """The number of the state at a column and a row, from the lower left corner."""
    return y * SIDE + x


def rooms(slip: float = 0.1, discount: float = 0.95) -> TabularMDP:
    """The model: 49 cells and one state behind the exits, number 49."""
    states, behind = SIDE * SIDE + 1, SIDE * SIDE
    transitions, rewards = np.zeros((states, 4, states)), np.zeros((states, 4))
    transitions[behind, :, behind] = 1
    for x in range(SIDE):
        for y in range(SIDE):
            reached = [_neighbour(x, y, action) for action in range(4)]
            for action, wanted in enumerate(reached):
                others = sorted({place for place in reached if place not in (None, wanted)} - {None})
                kept = 1 - slip if others else 1.0
                transitions[cell(x, y), action, cell(x, y) if wanted is None else wanted] += kept
                for other in others:
                    transitions[cell(x, y), action, other] += slip / len(others)
    rewards[cell(*GOAL), RIGHT] = GOAL_REWARD
    start = np.zeros(states)
    start[cell(*START)] = 1
    return TabularMDP(transitions, rewards, discount, start, np.arange(states) == behind)


def _neighbour(x: int, y: int, action: int) -> int | None:
    """Where an action leads; None where a wall is."""
    if ((x, y) == GOAL and action in (UP, RIGHT)) or ((x, y) == WRONG_EXIT and action in (DOWN, LEFT)):
        return SIDE * SIDE
    column, row = x + MOVES[action][0], y + MOVES[action][1]
    if not (0 <= column < SIDE and 0 <= row < SIDE):
        return None
    if ({y, row} == {2, 3} and x not in GATES) or ({x, column} == {2, 3} and y not in GATES):
        return None
    return cell(column, row)


class RoomsNav(TabularEnv):
    """Go through the gates to the corner opposite, and out on its right: ``teachrl/RoomsNav-v0``.

    **Action.** ``Discrete(4)``: 0 up, 1 down, 2 left, 3 right. With probability ``slip`` the agent goes to another of
    the cells that it could reach, all alike. **Observation.** 1 at the state, of 50. **Reward.** 10 for going right in
    the upper right corner, which ends the episode, as going up there does; the lower left corner has an exit that pays
    nothing. After ``max_steps`` the episode is truncated.

    Source: RoomsNav of Devidze et al. 2021 (EXPRD, NeurIPS), whose numbers it reproduces.
    """

    return_range = (0.0, GOAL_REWARD)

    def __init__(self, slip: float = 0.1, max_steps: int = 50, render_mode: str | None = None) -> None:
        super().__init__(rooms(slip), max_steps, render_mode)
