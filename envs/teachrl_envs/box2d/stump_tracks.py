"""Stump Tracks: a two-legged walker, and a track whose stumps' height and spacing are the task."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from Box2D import b2World
from gymnasium import spaces
from numpy.typing import NDArray

from teachrl_envs.box2d.lidar import RAYS, cast_rays
from teachrl_envs.box2d.rendering import Renderer
from teachrl_envs.box2d.terrain import FINISH_X, SCALE, TerrainBuilder, Track, generate_track
from teachrl_envs.box2d.walker import FPS, HIP_SPEED, KNEE_SPEED, MOTOR_TORQUE, SPEED_X, SPEED_Y, Walker
from teachrl_envs.tasks import BoxTaskSpace, Task, task_from_options

Observation = NDArray[np.float32]

MAX_PUSH = 5.0
TIME_STEP = 1 / FPS
TORQUE_COST = 0.00035 * MOTOR_TORQUE  # reward lost in a step by one motor at full torque
VELOCITY_ITERATIONS, POSITION_ITERATIONS = 180, 60
FALL_REWARD = -100.0
BODY_SENSES = 14
# Box2D moves nothing by more than 2 units, and turns nothing by more than a quarter turn, in one step.
FASTEST, FASTEST_SPIN = 2.0 * FPS, 0.5 * math.pi * FPS

STANDARD_SPACE = BoxTaskSpace({"stump_height": (0, 3), "obstacle_spacing": (0, 6)})
EASY_TASK: Task = {"stump_height": 0.0, "obstacle_spacing": 6.0}
METADATA: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": FPS}


class StumpTracks(gym.Env[Observation, NDArray[np.float32]]):
    """A two-legged walker has to get over a track of stumps.

    **Task.** ``reset(options={"task": {"stump_height": 1.5, "obstacle_spacing": 3.0}})``. ``stump_height``, in [0, 3]
    terrain steps (of 0.467 world units; a leg is 2.27 units long), is the mean height of the stumps; each has its own,
    with a standard deviation of 0.1 and at least 0.05. ``obstacle_spacing``, in [0, 6] world units, is the gap between
    two stumps; 0 makes a plateau. Without a task an episode has `default_task`, nearly flat ground. `TaskError` says
    which parameter of a task is wrong and what its range is.

    **Action**, shape ``(4,)`` in [-1, 1]: hip, knee, hip, knee; the sign is the motor's direction, the size its share
    of the torque. **Observation**, shape ``(24,)``, float32: hull angle (rad), angular velocity, horizontal and
    vertical velocity (scaled to about 1); for each leg hip angle, hip speed, knee angle + 1, knee speed, ground contact
    (0 or 1); ten lidar distances (fractions of 5.33 units, from straight down to 77 degrees forward).

    **Reward**: 130/30 per world unit of progress, minus 5 per radian that the hull's tilt grows, minus 0.028 per motor
    at full torque and step. When the hull touches anything, or the walker backs off the track (x < 0), the reward of
    that step is -100 instead and the episode terminates. Past the finish (190 of 200 terrain steps) it terminates
    without a bonus. A whole track pays about 364 minus torque.

    **Info**: ``reset`` gives ``{"task": the task in use}``; ``step`` gives ``{"success": bool}``, whether the return so
    far is above `mastery_return` (strictly), which takes 63 % of the track.

    ``initial_mean`` and ``initial_std``, shape ``(2,)``, are the benchmark's Gaussian of easy tasks.

    ``episode_return`` is the return so far, ``shaping`` the potential whose growth is the reward for progress and
    posture.

    An episode depends on seed, task and actions only: each has a Box2D world of its own, so a replay is exact to the
    bit.

    Source: Portelas et al., arXiv 1910.07224 (the environment), Romac et al., arXiv 2103.09815 (``old_classic_bipedal``
    on the stump tracks of the benchmark; with ``max_stump_height=9`` its "mostly unfeasible" task space, with
    ``min_stump_height=-3`` its "mostly trivial" one); body, reward and senses are Gymnasium's BipedalWalker-v3's.
    Deviations: all randomness comes from the environment's seed; the push on the hull is drawn before the stumps, so
    under one seed it is the same on every task; there is no ground underneath stumps; the observation space has the
    bounds that the physics engine keeps; lidar distances can differ from Box2D's in the sixth digit. The time limit of
    2000 steps is part of the registration.

    Args:
        render_mode: None, "rgb_array" or "human".
        min_stump_height, max_stump_height: bounds of ``stump_height`` in terrain steps.
        max_obstacle_spacing: upper bound of ``obstacle_spacing`` in world units.
    """

    metadata = METADATA
    task_space: BoxTaskSpace = STANDARD_SPACE
    default_task: Task = EASY_TASK
    return_range = (-150.0, 350.0)
    mastery_return = 230.0

    def __init__(
        self,
        render_mode: str | None = None,
        *,
        min_stump_height: float = 0.0,
        max_stump_height: float = 3.0,
        max_obstacle_spacing: float = 6.0,
    ) -> None:
        bounds = {"stump_height": (min_stump_height, max_stump_height), "obstacle_spacing": (0.0, max_obstacle_spacing)}
        self.task_space = BoxTaskSpace(bounds)
        easy = [EASY_TASK["stump_height"], max_obstacle_spacing]
        self.default_task = self.task_space.task(np.clip(easy, self.task_space.low, self.task_space.high))
        self.initial_mean = self.task_space.vector(self.default_task)
        self.initial_std = 0.1 * (self.task_space.high - self.task_space.low)
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.observation_space = _observation_space()
        self.render_mode = render_mode
        self._terrain_builder = TerrainBuilder()
        self._renderer = Renderer()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode on ``options["task"]``, or on `default_task`. Raises `TaskError` if that is not valid."""
        vector = task_from_options(self.task_space, options)
        super().reset(seed=seed)
        task = dict(self.default_task) if vector is None else self.task_space.task(vector)
        push = self.np_random.uniform(-MAX_PUSH, MAX_PUSH)
        self.track: Track = generate_track(task["stump_height"], task["obstacle_spacing"], self.np_random)
        self.world = b2World()
        self._terrain_builder.build(self.world, self.track)
        self.walker = Walker(self.world, push)
        self.episode_return = 0.0
        # As in BipedalWalker the first observation comes after a step without torque, in which the push acts.
        observation, _, self.shaping, _ = self._advance([0.0, 0.0, 0.0, 0.0])
        if self.render_mode == "human":
            self.render()
        return observation, {"task": task}

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Play 1/50 s. See the class for action, observation, reward, termination and info; it never truncates."""
        observation, x, shaping, effort = self._advance(action.tolist())
        if self.walker.contacts.fallen or x < 0:
            reward, terminated = FALL_REWARD, True
        else:
            reward = shaping - self.shaping - TORQUE_COST * effort
            terminated = x > FINISH_X
        self.shaping = shaping
        self.episode_return += reward
        if self.render_mode == "human":
            self.render()
        return observation, reward, terminated, False, {"success": self.episode_return > self.mastery_return}

    def _advance(self, commands: list[float]) -> tuple[Observation, float, float, float]:
        """One step of the physics. Returns the observation, the hull's x, the shaping potential, the motors' effort."""
        walker = self.walker
        effort = walker.drive(commands)
        self.world.Step(TIME_STEP, VELOCITY_ITERATIONS, POSITION_ITERATIONS)
        senses, position = walker.sense(), walker.hull.position
        x: float = position.x
        observation = np.empty(BODY_SENSES + RAYS, dtype=np.float32)
        observation[:BODY_SENSES] = senses
        cast_rays(self.track.faces, x, position.y, observation[BODY_SENSES:])
        return observation, x, 130 * x / SCALE - 5.0 * abs(senses[0]), effort

    def render(self) -> NDArray[np.uint8] | None:
        """Draw the walker and the part of the track around it: shape ``(400, 600, 3)`` in mode "rgb_array"."""
        if self.render_mode is None:
            gym.logger.warn('render() draws only when the environment is made with render_mode="rgb_array" or "human"')
            return None
        return self._renderer.draw(self.track, self.walker, show=self.render_mode == "human")

    def close(self) -> None:
        """Close the window, if there is one."""
        self._renderer.close()


def _observation_space() -> spaces.Box[np.float32]:
    """The bounds that the engine's limits on speeds imply. Angles have none, but stay well within these."""
    hull = [2 * math.pi, 2 * FASTEST_SPIN / FPS, SPEED_X * FASTEST, SPEED_Y * FASTEST]
    leg = [math.pi, 2 * FASTEST_SPIN / HIP_SPEED, math.pi, 2 * FASTEST_SPIN / KNEE_SPEED]
    low = [-bound for bound in hull] + 2 * [*(-bound for bound in leg), 0.0] + RAYS * [0.0]
    high = hull + 2 * [*leg, 1.0] + RAYS * [1.0]
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)
