"""Thousands of mazes at once in compiled code; `env` plays a single one with the same functions.

Rules (Dennis et al. 2020, arXiv 2012.02096, on MiniGrid's grid): the agent turns left (action 0), turns right (1) or
goes forward (2), and sees ``view x view`` cells ahead of it, through walls. Going forward into the goal pays ``1 - 0.9
t / max_steps`` at step ``t`` and terminates the episode; at step ``max_steps`` it is truncated. Everything else pays 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.maze.level import parts

Codes = NDArray[np.uint8]
Counts = NDArray[np.int32]
Indices = list[int] | NDArray[np.int64]

LEFT, RIGHT, FORWARD = 0, 1, 2
EMPTY_CODE, WALL_CODE, GOAL_CODE = 1, 2, 8  # MiniGrid's kinds of objects
GREEN, GREY = 1, 5  # MiniGrid's colours; an empty cell has colour 0
CHANNELS = 3
ROW, COLUMN, DIRECTION, TIME = 0, 1, 2, 3  # of an episode's state; rows and columns count the margin


class MazeEngine:
    """``n`` mazes that go on by themselves: an ended episode is followed by the level that is assigned to its slot.

    Args:
        levels: vectors of shape ``(n_levels, height * width + 3)``, see `LevelTaskSpace`.
        height, width: cells inside the border.
        assigned: which of the levels each slot plays, shape ``(n,)``.
        view: how many cells the agent sees ahead, its own among them, and across; odd.
        max_steps: length of an episode.

    All arrays below belong to the engine and are written in place: copy what is to be kept.

    * ``assigned``: may be written at any time, and holds for the slot's next episode.
    * ``images``, uint8, ``(n, view, view, 3)``: for each cell in view MiniGrid's kind (1 empty, 2 wall, 8 goal), colour
      (0, 5, 1) and state (0). The agent looks towards row 0 from the middle of the last row, where its own cell is
      empty. What lies beyond the border is wall.
    * ``directions``, int32, ``(n,)``: 0 right, 1 down, 2 left, 3 up.
    * ``rewards``, float64, ``terminated`` and ``truncated``, bool, ``(n,)``: of each slot's last step.
    * ``last_images``, ``last_directions``: where an episode ended in the last step, what was seen at its end;
      ``images`` is then the next episode's first.
    """

    def __init__(
        self,
        levels: NDArray[np.floating[Any]],
        height: int,
        width: int,
        assigned: NDArray[np.integer[Any]],
        *,
        view: int = 5,
        max_steps: int = 250,
    ) -> None:
        self.grids, self._starts = compiled(levels, height, width, view)
        self.assigned = np.array(assigned, dtype=np.int64)
        self.max_steps = max_steps
        n = len(self.assigned)
        self.images = np.zeros((n, view, view, CHANNELS), dtype=np.uint8)
        self.directions = np.zeros(n, dtype=np.int32)
        self.rewards = np.zeros(n)
        self.terminated = np.zeros(n, dtype=np.bool_)
        self.truncated = np.zeros(n, dtype=np.bool_)
        self.last_images, self.last_directions = self.images.copy(), self.directions.copy()
        self._slots = np.arange(n)
        self._states = np.zeros((n, 4), dtype=np.int32)
        self._last_states = self._states.copy()
        self._playing = np.zeros(n, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Begin an episode on the assigned level in every slot. Raises `IndexError` for a level that there is not."""
        self._check_assigned()
        self._playing[:] = self.assigned
        self._states[:] = self._starts[self.assigned]
        for i in range(len(self.assigned)):
            observe(self.grids[self._playing[i]], self._states[i], self.images[i])
        self.directions[:] = self._states[:, DIRECTION]

    def restart(self, slot: int, level: NDArray[np.floating[Any]]) -> None:
        """Begin an episode in one slot on a new level, a vector that takes the place of the assigned one.

        For engines in which no other slot plays that one.
        """
        number, view = self.assigned[slot], self.images.shape[1]
        height, width = (side - 2 * view for side in self.grids.shape[1:])
        grids, starts = compiled(level[None], height, width, view)
        self.grids[number], self._starts[number] = grids[0], starts[0]
        self._playing[slot], self._states[slot] = number, starts[0]
        observe(self.grids[number], self._states[slot], self.images[slot])
        self.directions[slot] = self._states[slot, DIRECTION]

    def step(self, actions: NDArray[np.integer[Any]], slots: Indices | None = None) -> None:
        """Play ``actions``, shape ``(n,)``, in {0, 1, 2}; or one in each of ``slots``, and the others stay as they are.

        Raises `ValueError` for other actions, `IndexError` as `reset` and for slots that there are not.
        """
        self._check_assigned()
        slots = self._slots if slots is None else self._slots[slots]
        whole = actions.shape == slots.shape and np.issubdtype(actions.dtype, np.integer)
        if not whole or actions.min() < LEFT or actions.max() > FORWARD:
            raise ValueError(f"actions are {len(slots)} numbers, 0 left, 1 right or 2 forward; got {actions!r}")
        _step_all(
            (self.grids, self._starts, self.assigned),
            (self._playing, self._states),
            slots,
            actions.astype(np.int64, copy=False),
            self.max_steps,
            (self.images, self.directions),
            (self.last_images, self.last_directions, self._last_states),
            (self.rewards, self.terminated, self.truncated),
        )

    def observations(self, slots: Indices | None = None) -> NDArray[np.float32]:
        """What a student sees of `images` and `directions` (`flat_size`), a new array of shape ``(n, size)``.

        Or of those of ``slots`` alone.
        """
        images, directions = self.images, self.directions
        if slots is not None:
            images, directions = images[slots], directions[slots]
        flat = np.empty((len(images), flat_size(images.shape[1])), dtype=np.float32)
        _flatten_all(images, directions, flat)
        return flat

    def situations(self, slots: Indices, ended: NDArray[np.bool_]) -> tuple[Codes, Counts]:
        """Grids and states of ``slots``, as `compiled` makes them; where ``ended``, as the last episode ended.

        For engines in which a slot plays the same level again.
        """
        states = np.where(ended[:, None], self._last_states[slots], self._states[slots])
        return self.grids[self._playing[slots]], states

    def _check_assigned(self) -> None:
        if self.assigned.min() < 0 or self.assigned.max() >= len(self.grids):
            raise IndexError(f"assigned are levels in [0, {len(self.grids) - 1}]; got {self.assigned!r}")


def compiled(levels: NDArray[np.floating[Any]], height: int, width: int, view: int) -> tuple[Codes, Counts]:
    """Levels as the engine plays them: grids of codes with a margin of walls, and the states at an episode's start.

    The margin is wide enough that no view reaches beyond it. Shapes ``(n, height + 2 view, width + 2 view)``, ``(n,
    4)``.
    """
    walls, agents, directions, goals = parts(levels)
    inside = np.where(walls, WALL_CODE, EMPTY_CODE)
    inside[np.arange(len(goals)), goals] = GOAL_CODE
    grids = np.full((len(goals), height + 2 * view, width + 2 * view), WALL_CODE, dtype=np.uint8)
    grids[:, view : view + height, view : view + width] = inside.reshape(-1, height, width)
    starts = np.zeros((len(goals), 4), dtype=np.int32)
    starts[:, ROW], starts[:, COLUMN], starts[:, DIRECTION] = agents // width + view, agents % width + view, directions
    return grids, starts


@njit(cache=True)
def advance(grid: Codes, state: Counts, action: int, max_steps: int) -> tuple[float, bool, bool]:
    """One step of one maze, in place: reward, terminated, truncated."""
    state[TIME] += 1
    if action == LEFT:
        state[DIRECTION] = (state[DIRECTION] + 3) & 3
    elif action == RIGHT:
        state[DIRECTION] = (state[DIRECTION] + 1) & 3
    else:
        direction = state[DIRECTION]
        row = state[ROW] + (direction == 1) - (direction == 3)
        column = state[COLUMN] + (direction == 0) - (direction == 2)
        code = grid[row, column]
        if code != WALL_CODE:
            state[ROW], state[COLUMN] = row, column
        if code == GOAL_CODE:
            return 1.0 - 0.9 * state[TIME] / max_steps, True, False
    return 0.0, False, state[TIME] >= max_steps


@njit(cache=True)
def observe(grid: Codes, state: Counts, image: Codes) -> None:
    """Write what the agent sees into ``image``, of shape ``(view, view, 3)``."""
    view = image.shape[0]
    direction = state[DIRECTION]
    ahead_row = (direction == 1) - (direction == 3)
    ahead_column = (direction == 0) - (direction == 2)
    half = view // 2
    for i in range(view):
        ahead = view - 1 - i
        # The cell to the agent's right is that ahead of it, a quarter turn on: (row, column) -> (column, -row).
        row = state[ROW] + ahead * ahead_row - half * ahead_column
        column = state[COLUMN] + ahead * ahead_column + half * ahead_row
        for j in range(view):
            code = grid[row, column]
            image[i, j, 0] = code
            image[i, j, 1] = GREY if code == WALL_CODE else (GREEN if code == GOAL_CODE else 0)
            row += ahead_column
            column -= ahead_row
    image[view - 1, half, 0] = EMPTY_CODE
    image[view - 1, half, 1] = 0


def flat_size(view: int) -> int:
    """Length of a flat observation: the image divided by 10, cell by cell, then the direction as one of four."""
    return view * view * CHANNELS + 4


@njit(cache=True)
def flatten(image: Codes, direction: int, flat: NDArray[np.float32]) -> None:
    """Write the flat observation of one maze into ``flat``."""
    cells = image.size
    for k, code in enumerate(image.flat):
        flat[k] = code * np.float32(0.1)
    for k in range(4):
        flat[cells + k] = k == direction


@njit(cache=True)
def _flatten_all(images: Codes, directions: Counts, flat: NDArray[np.float32]) -> None:
    for i in range(len(images)):
        flatten(images[i], directions[i], flat[i])


@njit(cache=True)
def _step_all(
    levels: Any, episodes: Any, slots: Any, actions: Any, max_steps: int, seen: Any, last: Any, outcome: Any
) -> None:
    grids, starts, assigned = levels
    playing, states = episodes
    images, directions = seen
    last_images, last_directions, last_states = last
    rewards, terminated, truncated = outcome
    for k in range(len(slots)):
        i, action = slots[k], actions[k]
        state = states[i]
        reward, done, cut = advance(grids[playing[i]], state, action, max_steps)
        rewards[i], terminated[i], truncated[i] = reward, done, cut
        if done or cut:
            observe(grids[playing[i]], state, last_images[i])
            last_directions[i] = state[DIRECTION]
            last_states[i] = state
            playing[i] = assigned[i]
            state[:] = starts[assigned[i]]
        observe(grids[playing[i]], state, images[i])
        directions[i] = state[DIRECTION]
