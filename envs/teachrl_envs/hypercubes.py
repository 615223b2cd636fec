"""The toy of the learning-progress papers, cells that unlock each other, as a one-step environment.

Source: Portelas, Colas, Hofmann and Oudeyer, "Teacher algorithms for curriculum learning of Deep RL in continuously
parameterized environments", CoRL 2019, arXiv 1910.07224, and the toy environment in the authors' code.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from teachrl_envs.tasks import BoxTaskSpace, Task, TaskSpace, task_from_options


class Hypercubes(gymnasium.Env[NDArray[np.int64], NDArray[np.floating[Any]]]):
    """A unit cube of tasks cut into ``cells ** dimensions`` cells, for studying teachers: ``teachrl/Hypercubes-v0``.

    The paper's toy has no learner, only rules for how its competence grows. Competence belongs to the learner, so
    the rules live in teachrl's simulated student, and this environment only says in which cell a task lies and pays
    what the student can do there. The rules: a cell's competence starts at 0; a visit adds 1, up to 100, if the
    cell is the one at the origin or if one of its previous neighbours (the cells one lower in some of the
    dimensions and equal in the others) has competence >= 75, and otherwise changes nothing; the reward is the
    cell's competence after the visit / 100. A cell is mastered when its competence is above 75, and a teacher's
    score is the share of cells mastered.

    **Task.** ``x0 ... x{dimensions - 1}``, each in [0, 1]. Without a task, `reset` plays the origin, the one cell
    that can be learned from the start. ``initial_mean`` and ``initial_std``, of shape ``(dimensions,)``, are a Gaussian
    of easy tasks: it lies mostly in that cell.

    **Observation.** ``int64`` of shape ``(dimensions,)``: the index of the task's cell in each dimension, from 0
    to ``cells - 1``. The value 1 belongs to the last cell. It is there as ``cell``, too.

    **Action.** Shape ``(1,)``, the student's competence in this cell, in [0, 1]; ``float64``, so that the reward is
    exactly the competence. **Reward.** The action, clipped to [0, 1]. The episode terminates after this one step.
    ``mastery_return`` is 0.75: a cell is mastered when the return is strictly greater.

    Deviation from the authors' code: it finds the cell by accumulated bin edges, which give one cell too many for
    some numbers of cells; here it is ``floor(x * cells)``.

    Raises `TaskError` (at `reset`) for a task outside the space, `ValueError` for numbers of dimensions or cells
    below 1 and for an action of another shape or NaN, and `gymnasium.error.ResetNeeded` for a second step.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    return_range: tuple[float, float] = (0.0, 1.0)
    mastery_return: float | None = 0.75

    def __init__(self, dimensions: int = 2, cells: int = 10, *, render_mode: str | None = None) -> None:
        for name, number in (("dimensions", dimensions), ("cells", cells)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more; got {number!r}")
        if render_mode is not None:
            raise ValueError(f"Hypercubes draws nothing: render_mode must be None; got {render_mode!r}")
        self.cells = cells
        self.task_space: TaskSpace = BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(dimensions)})
        self.default_task: Task = self.task_space.task(np.zeros(dimensions))
        self.initial_mean = np.zeros(dimensions)
        self.initial_std = np.full(dimensions, 0.5 / cells)
        self.observation_space = spaces.MultiDiscrete([cells] * dimensions)
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float64)
        self.cell = np.zeros(dimensions, dtype=np.int64)
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """Start an episode on ``options["task"]``, or at the origin. ``info["task"]`` is the task in use."""
        super().reset(seed=seed)
        point = task_from_options(self.task_space, options)
        if point is None:
            point = self.task_space.vector(self.default_task)
        self.cell = np.minimum((point * self.cells).astype(np.int64), self.cells - 1)
        self._playing = True
        return self.cell.copy(), {"task": self.task_space.task(point)}

    def step(self, action: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], float, bool, bool, dict[str, Any]]:
        """End the episode with the competence ``action``, shape ``(1,)``, as its reward."""
        if not self._playing:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        competence = np.asarray(action, dtype=np.float64)
        if competence.shape != (1,) or math.isnan(competence[0]):
            raise ValueError(f"an action is one number in [0, 1], of shape (1,); got {action!r}")
        self._playing = False
        return self.cell.copy(), min(max(float(competence[0]), 0.0), 1.0), True, False, {}
