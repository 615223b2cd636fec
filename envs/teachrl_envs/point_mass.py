"""The gate task of self-paced reinforcement learning: steer a point through a gap in a wall.

Source: Klink, D'Eramo, Peters and Pajarinen, "Self-Paced Deep Reinforcement Learning", NeurIPS 2020, arXiv 2004.11812,
and the authors' published environment, whose behaviour the constants below restate.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.tasks import BoxTaskSpace, Task, TaskSpace, Vector, task_from_options

SUB_STEPS = 10
SUB_STEP_TIME = 0.01
ACCELERATION_PER_ACTION = 1.5
ACCELERATION_NOISE = 0.05
ACTION_LIMIT = 10.0
POSITION_LIMIT = 4.0
START = (0.0, 0.0, 3.0, 0.0)
GOAL = (0.0, -3.0)
GOAL_RADIUS = 0.25
REWARD_DECAY = 0.6

PARAMETERS = {"gate_position": (-4.0, 4.0), "gate_width": (0.5, 8.0), "friction": (0.0, 4.0)}


class PointMass(gymnasium.Env[NDArray[Any], NDArray[Any]]):
    """A point starts above a wall at ``y = 0`` and has to pass its gate to reach the goal: ``teachrl/PointMass-v0``.

    **Task.** ``gate_position`` in [-4, 4] and ``gate_width`` in [0.5, 8] (length units) and, with
    ``context_dimensions=3``, ``friction`` in [0, 4] (1/s); in two dimensions friction is 0. Without a task, `reset`
    plays ``default_task``, the mean of the paper's target distribution.

    **Observation.** ``float32`` of shape ``(4 + context_dimensions,)``: ``x, vx, y, vy``, then the task in the order
    above; shape ``(4,)`` when ``observe_task`` is false. Positions lie in [-4, 4], velocities are not bounded.

    **Action.** ``float32`` of shape ``(2,)`` in [-10, 10], clipped: the acceleration is 1.5 times the action, minus
    ``friction`` times the velocity, plus noise of standard deviation 0.05 drawn for each axis and sub-step. A step is
    10 Euler sub-steps of 0.01 s. Episodes start at ``(0, 0, 3, 0)``.

    **Reward.** ``exp(-0.6 d)`` after each step, ``d`` the distance to the goal ``(0, -3)``; so the return of the
    registered 100 steps lies in (0, 100]. ``info["success"]`` says at each step whether ``d < 0.25``.

    **End.** Crossing ``y = 0``, from either side, further than half the gate's width from its middle leaves the point
    stuck at the crossing with no velocity and terminates the episode. Reaching the goal does not end it.

    ``target_mean``, ``target_std``, ``initial_mean`` and ``initial_std`` are the paper's diagonal Gaussians over tasks,
    each of shape ``(context_dimensions,)``: the tasks to be mastered, and where the self-paced teacher begins. Draws
    have to be clipped to the bounds.

    Deviations from the authors' code: the state is kept in ``float64`` but observed in ``float32``; the noise of all
    sub-steps is drawn at once from the environment's own generator, also when the point gets stuck before the last one;
    a NaN in an action is an error.

    Raises `TaskError` (at `reset`) for a task outside the space, `ValueError` for another number of dimensions, an
    unknown render mode, and an action of another shape or with NaN, and `gymnasium.error.ResetNeeded` for a step after
    the end.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": round(1 / (SUB_STEPS * SUB_STEP_TIME))}  # noqa: RUF012

    target_mean: Vector = np.array([2.5, 0.5, 0.0])
    target_std: Vector = np.array([4e-3, 3.75e-3, 2e-3])
    initial_mean: Vector = np.array([0.0, 4.25, 2.0])
    initial_std: Vector = np.array([2.0, 1.875, 1.0])

    return_range: tuple[float, float] = (0.0, 100.0)
    mastery_return: float | None = None
    reports_success = True

    def __init__(
        self, context_dimensions: int = 2, observe_task: bool = True, *, render_mode: str | None = None
    ) -> None:
        if context_dimensions not in (2, 3):
            raise ValueError(f"context_dimensions must be 2 or 3 (3 adds friction); got {context_dimensions!r}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode must be None or 'rgb_array'; got {render_mode!r}")
        self.render_mode = render_mode
        self.task_space: TaskSpace = BoxTaskSpace(dict(list(PARAMETERS.items())[:context_dimensions]))
        self.target_mean = self.target_mean[:context_dimensions].copy()
        self.target_std = self.target_std[:context_dimensions].copy()
        self.initial_mean = self.initial_mean[:context_dimensions].copy()
        self.initial_std = self.initial_std[:context_dimensions].copy()
        self.default_task: Task = self.task_space.task(self.target_mean)

        self.action_space = spaces.Box(-ACTION_LIMIT, ACTION_LIMIT, (2,), np.float32)
        self._observed_task_size = context_dimensions if observe_task else 0
        self.observation_space = self._make_observation_space()

        self.state: Vector = np.array(START)
        self._context: Vector = np.zeros(len(PARAMETERS))
        self._template = np.zeros(4 + self._observed_task_size, dtype=np.float32)
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode on ``options["task"]``, or on ``default_task``. ``info["task"]`` is the task in use."""
        super().reset(seed=seed)
        context = task_from_options(self.task_space, options)
        if context is None:
            context = self.task_space.vector(self.default_task)
        self._context[: context.size] = context
        self.state[:] = START
        self._template[:4] = START
        self._template[4:] = context[: self._observed_task_size]
        self._playing = True
        return self._template.copy(), {"task": self.task_space.task(context)}

    def observation(self) -> NDArray[np.float32]:
        """What is observed now."""
        observation = self._template.copy()
        observation[:4] = self.state
        return observation

    def step(self, action: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Apply one action for 0.1 s. See the class for its shape and for what comes back."""
        if not self._playing:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        force = np.asarray(action, dtype=np.float64)
        if force.shape != (2,):
            raise ValueError(f"an action has shape (2,); got shape {force.shape}: {action!r}")
        observation = self._template.copy()
        noise = self.np_random.standard_normal((SUB_STEPS, 2))
        distance, stuck = _advance(self.state, force, self._context, noise, observation)
        if math.isnan(distance):
            raise ValueError(f"an action must not contain NaN; got {action!r}")
        self._playing = not stuck
        return observation, math.exp(-REWARD_DECAY * distance), stuck, False, {"success": distance < GOAL_RADIUS}

    def render(self) -> NDArray[np.uint8] | None:
        """The world as an image of shape ``(400, 400, 3)``: wall, gate, goal, ball. ``None`` without a render mode."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() draws nothing: make the environment with render_mode='rgb_array'")
            return None
        return _draw(self.state, self._context)

    def _make_observation_space(self) -> spaces.Box:
        extent = np.array([POSITION_LIMIT, np.inf, POSITION_LIMIT, np.inf])
        low = np.concatenate([-extent, self.task_space.low[: self._observed_task_size]])
        high = np.concatenate([extent, self.task_space.high[: self._observed_task_size]])
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


@njit(cache=True)
def _advance(state: Vector, action: Vector, context: Vector, noise: Vector, observation: Any) -> tuple[float, bool]:
    """Move ``state`` on by one step, in place, and copy it into ``observation[:4]``.

    ``noise`` holds standard normal draws, shape ``(sub-steps, 2)``. Returns the distance to the goal and whether the
    point got stuck in the wall. With NaN in the action, ``state`` stays as it is and the distance is NaN.
    """
    ax, ay = action
    if math.isnan(ax) or math.isnan(ay):  # min and max would quietly turn NaN into a bound
        return math.nan, False
    ax = ACCELERATION_PER_ACTION * min(max(ax, -ACTION_LIMIT), ACTION_LIMIT)
    ay = ACCELERATION_PER_ACTION * min(max(ay, -ACTION_LIMIT), ACTION_LIMIT)
    x, vx, y, vy = state
    gate, width, friction = context
    stuck = False
    for i in range(noise.shape[0]):
        next_x = min(max(x + SUB_STEP_TIME * vx, -POSITION_LIMIT), POSITION_LIMIT)
        next_y = min(max(y + SUB_STEP_TIME * vy, -POSITION_LIMIT), POSITION_LIMIT)
        vx += SUB_STEP_TIME * (ax - friction * vx + ACCELERATION_NOISE * noise[i, 0])
        vy += SUB_STEP_TIME * (ay - friction * vy + ACCELERATION_NOISE * noise[i, 1])
        if y >= 0.0 > next_y or y <= 0.0 < next_y:
            crossing = x + (next_x - x) * y / (y - next_y)
            stuck = abs(crossing - gate) > 0.5 * width
        if stuck:
            x, vx, y, vy = crossing, 0.0, 0.0, 0.0
            break
        x, y = next_x, next_y
    state[0], state[1], state[2], state[3] = x, vx, y, vy
    observation[0], observation[1], observation[2], observation[3] = x, vx, y, vy
    return math.hypot(x - GOAL[0], y - GOAL[1]), stuck


def _draw(state: Vector, context: Vector, pixels_per_unit: int = 50) -> NDArray[np.uint8]:
    """The world as an RGB image, ``y`` upwards."""
    import pygame  # only those who draw pay for loading it

    size = round(2 * POSITION_LIMIT * pixels_per_unit)

    def pixel(x: float, y: float) -> tuple[int, int]:
        return round((x + POSITION_LIMIT) * pixels_per_unit), round((POSITION_LIMIT - y) * pixels_per_unit)

    surface = pygame.Surface((size, size))
    surface.fill((255, 255, 255))
    gate, width = context[0], context[1]
    for start, end in ((-POSITION_LIMIT, gate - width / 2), (gate + width / 2, POSITION_LIMIT)):
        if start < end:
            pygame.draw.line(surface, (40, 40, 40), pixel(start, 0), pixel(end, 0), width=6)
    pygame.draw.circle(surface, (60, 160, 60), pixel(*GOAL), round(GOAL_RADIUS * pixels_per_unit))
    pygame.draw.circle(surface, (200, 40, 40), pixel(state[0], state[2]), pixels_per_unit // 6)
    image: NDArray[np.uint8] = np.ascontiguousarray(pygame.surfarray.array3d(surface).transpose(1, 0, 2))
    return image
