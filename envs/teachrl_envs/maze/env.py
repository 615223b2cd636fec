"""A maze as a gymnasium environment whose task is the whole level."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.maze.batch import MazeBatch
from teachrl_envs.maze.engine import (
    COLUMN,
    DIRECTION,
    ROW,
    Codes,
    Counts,
    advance,
    compiled,
    flat_size,
    flatten,
    observe,
)
from teachrl_envs.maze.level import Level
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.maze.picture import draw
from teachrl_envs.maze.whole_view import whole_size, whole_views
from teachrl_envs.tasks import Task, task_from_options

Observation = NDArray[np.float32]


class Maze(gymnasium.Env[NDArray[Any], np.int64]):
    """Find the goal in a maze of which only the cells ahead are seen: ``teachrl/Maze-v0``.

    **Task.** A whole level: ``reset(options={"task": {"rows": [...]}})``, strings of ``#`` (wall), ``.`` (free), ``G``
    (goal) and the agent as ``>``, ``v``, ``<`` or ``^``, without the border. See `LevelTaskSpace`. Without a task,
    `default_task` is played: no walls, from the first cell to the last.

    **Action.** ``Discrete(3)``: 0 turn left, 1 turn right, 2 go forward; into a wall, that does nothing.

    **Observation.** ``float32`` in [0, 1] of shape ``(view * view * 3 + 4,)``. First the ``view x view`` cells ahead of
    the agent, through walls, row by row from the farthest, the agent in the middle of the last row: for each MiniGrid's
    kind (1 empty, 2 wall, 8 goal), colour (0, 5, 1) and state (0), divided by 10. Then 1 at the direction in which it
    looks (right, down, left, up) and 0 at the other three.

    With ``observe="full"`` it is the whole maze instead, zeros and ones of shape ``(2 * side ** 2 + 4,)``, where
    ``side = 2 * max(height, width) - 1``: squares with the agent in their middle, looking up, row by row; first where
    walls and borders are, then where the goal is; and the direction as above. With ``privileged=True`` this is in
    ``info["privileged"]``, at `reset` and at every step, beside the other observation.

    **Reward.** ``1 - 0.9 t / max_steps`` at step ``t`` when the agent goes into the goal, which terminates the episode,
    else 0. After ``max_steps`` it is truncated. ``info["success"]`` says at each step whether the goal was reached.

    ``state``, ``int32`` of shape ``(4,)``, is all that changes in an episode: row and column (with a margin of ``view``
    cells), direction, and steps played.

    Nothing is random but the levels that ``task_space.sample`` draws. The same functions play many mazes at once:
    `vectorized`, `engine.MazeEngine`.

    Source: the maze of Dennis et al. 2020 (PAIRED, arXiv 2012.02096) with the three actions that matter, as in Jiang et
    al. 2021 (arXiv 2110.02439). Deviations: the direction is part of the one observation; MiniGrid's other four actions
    are left out; rows and columns of the view are in the order of a picture.

    Args:
        height, width: cells inside the border.
        view: how many cells the agent sees ahead, its own among them, and across; odd.
        max_steps: length of an episode; the test suites of the field use 250 or ``2 * size ** 2`` (border counted).
        observe: "view", the cells ahead, or "full", the whole maze.
        privileged: whether ``info`` tells the whole maze.
        generator, walls: where ``task_space.sample`` draws from, see `generators`.
        render_mode: None or "rgb_array".

    Raises `TaskError` (at `reset`) for a task that is no such level, `ValueError` for wrong arguments and actions, and
    `gymnasium.error.ResetNeeded` for a step after the end.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    return_range: tuple[float, float] = (0.0, 1.0)
    mastery_return: float | None = None
    reports_success = True

    def __init__(
        self,
        height: int = 13,
        width: int = 13,
        *,
        view: int = 5,
        max_steps: int = 250,
        observe: Literal["view", "full"] = "view",
        privileged: bool = False,
        generator: str = "uniform_count",
        walls: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        if isinstance(view, bool) or not isinstance(view, int) or view < 1 or view % 2 == 0:
            raise ValueError(f"view must be an odd whole number, 1 or more; got {view!r}")
        if observe not in ("view", "full"):
            raise ValueError(f"observe is 'view' (the cells ahead) or 'full' (the whole maze); got {observe!r}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode must be None or 'rgb_array'; got {render_mode!r}")
        self.render_mode = render_mode
        self.task_space = LevelTaskSpace(height, width, generator=generator, walls=walls, max_steps=max_steps)
        empty = Level(np.zeros((height, width), dtype=np.bool_), 0, 0, height * width - 1)
        self.default_task: Task = {"rows": empty.rows()}
        self.action_space = spaces.Discrete(3)
        self._size = flat_size(view)
        whole = spaces.Box(0.0, 1.0, (whole_size(height, width),), np.float32)
        self._whole = observe == "full"
        self.observation_space = whole if self._whole else spaces.Box(0.0, 1.0, (self._size,), np.float32)
        self.privileged_space = whole if privileged else None
        self._view, self.max_steps = view, max_steps
        self._image = np.zeros((view, view, 3), dtype=np.uint8)
        self._playing = False

    def vectorized(self, n: int) -> MazeBatch:
        """``n`` copies of this environment that are stepped together (docs/adding_an_environment.md)."""
        return MazeBatch(self.task_space, n, self._view, self._whole)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode on ``options["task"]``, or on ``default_task``. ``info["task"]`` is the task in use."""
        super().reset(seed=seed)
        space = self.task_space
        vector = task_from_options(space, options)
        if vector is None:
            vector = space.vector(self.default_task)
        grids, states = compiled(vector[None], space.height, space.width, self._view)
        self._grid, self.state, self.level = grids[0], states[0], space.level(vector)
        self._playing = True
        flat = np.empty(self._size, dtype=np.float32)
        observe(self._grid, self.state, self._image)
        flatten(self._image, self.state[DIRECTION], flat)
        return self._shown(flat, {"task": {"rows": self.level.rows()}})

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Turn left (0), turn right (1) or go forward (2)."""
        if not self._playing:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        if not self.action_space.contains(action):
            raise ValueError(f"an action is 0 (left), 1 (right) or 2 (forward); got {action!r}")
        flat = np.empty(self._size, dtype=np.float32)
        reward, terminated, truncated = _play(self._grid, self.state, int(action), self.max_steps, self._image, flat)
        self._playing = not (terminated or truncated)
        observation, info = self._shown(flat, {"success": terminated})
        return observation, reward, terminated, truncated, info

    def _shown(self, flat: Observation, info: dict[str, Any]) -> tuple[Observation, dict[str, Any]]:
        """The observation and ``info``, with the whole maze in the place where it is asked for."""
        if not self._whole and self.privileged_space is None:
            return flat, info
        whole = whole_views(self._grid[None], self.state[None], self._view)[0]
        if self.privileged_space is not None:
            info["privileged"] = whole
        return whole if self._whole else flat, info

    @property
    def agent_cell(self) -> tuple[int, int]:
        """Row and column of the agent, from 0, without the border."""
        return int(self.state[ROW]) - self._view, int(self.state[COLUMN]) - self._view

    def render(self) -> NDArray[np.uint8] | None:
        """The maze from above, with its border, as an image of 32 pixels a cell. ``None`` without a render mode."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() draws nothing: make the environment with render_mode='rgb_array'")
            return None
        row, column = self.agent_cell
        agent = row * self.level.width + column
        return draw(self.level.walls, agent, int(self.state[DIRECTION]), self.level.goal, cell_pixels=32)


@njit(cache=True)
def _play(
    grid: Codes, state: Counts, action: int, max_steps: int, image: Codes, flat: Observation
) -> tuple[float, bool, bool]:
    reward, terminated, truncated = advance(grid, state, action, max_steps)
    observe(grid, state, image)
    flatten(image, state[DIRECTION], flat)
    return reward, terminated, truncated
