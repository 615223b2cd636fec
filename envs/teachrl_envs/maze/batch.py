"""Many mazes stepped together, each episode on the level that it is given: what `Maze.vectorized` makes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.maze.engine import MazeEngine, flatten
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.maze.whole_view import whole_views
from teachrl_envs.tasks import Vector

Flags = NDArray[np.bool_]


class MazeBatch:
    """``n`` rows, of which each plays what a `Maze` of its own would play, observation for observation."""

    def __init__(self, space: LevelTaskSpace, n: int, view: int, whole: bool = False) -> None:
        self._space, self._view, self._whole = space, view, whole
        self._goes_on = np.zeros(n, dtype=np.bool_)
        levels = np.repeat(space.sample_easy(np.random.default_rng(0), 1), n, axis=0)  # until the first `reset`
        self._engine = MazeEngine(levels, space.height, space.width, np.arange(n), view=view, max_steps=space.max_steps)

    def reset(self, row: int, task: Vector, seed: int) -> NDArray[np.float32]:
        """Begin an episode in one row; its first observation. Raises `TaskError` for a vector that is no level."""
        self._space.level(task)
        self._engine.restart(row, task)
        rows = np.array([row])
        observations = self.privileged(rows) if self._whole else self._engine.observations(rows)
        observation: NDArray[np.float32] = observations[0]
        return observation

    def privileged(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The whole view of some rows whose episodes go on, a new array."""
        return whole_views(*self._engine.situations(rows, self._goes_on[rows]), self._view)

    def step(
        self, rows: NDArray[np.int64], actions: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], Flags, Flags, Flags]:
        """Step some rows; the others stay as they are.

        Observations, rewards, terminated, truncated and successes, a row each, in new arrays. A row that ended shows
        the last observation of its episode; `reset` it before the next step. Raises `ValueError` for wrong actions.
        """
        engine = self._engine
        engine.step(actions, rows)
        rewards, terminated, truncated = engine.rewards[rows], engine.terminated[rows], engine.truncated[rows]
        return self._seen(rows, terminated | truncated), rewards, terminated, truncated, terminated

    def _seen(self, rows: NDArray[np.int64], ended: Flags) -> NDArray[np.float32]:
        """Observations after a step; the last ones of those episodes that ended with it."""
        engine = self._engine
        if self._whole:
            return whole_views(*engine.situations(rows, ended), self._view)
        observations = engine.observations(rows)
        for k in np.flatnonzero(ended):
            flatten(engine.last_images[rows[k]], engine.last_directions[rows[k]], observations[k])
        return observations
