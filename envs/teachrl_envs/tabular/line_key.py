"""A line on which a key has to be fetched before the goal pays: away from the goal first, and then back."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from teachrl_envs.tabular.mdp import Numbers, TabularMDP, checked_max_steps

LEFT, RIGHT, PICK = range(3)
START, STRIDE, UNEVENNESS = 0.5, 0.075, 0.001
KEY_ZONE, GOAL_ZONE = (0.1, 0.2), (0.9, 1.0)
GOAL_REWARD = 10.0
BINS = 20
POINTS = 100
"""In how many places of a bin, and with how many lengths of a stride, the model is computed."""


def _within(position: NDArray[np.float64] | float, zone: tuple[float, float]) -> Any:
    return (zone[0] <= position) & (position <= zone[1])


def line_key(bins: int = BINS, slip: float = 0.1, discount: float = 0.95) -> TabularMDP:
    """The model of the line cut into ``bins`` of one length, within each of which the agent is anywhere, all alike.

    State ``k`` is bin ``k`` without the key, ``bins + k`` with it; the last one is the end.
    """
    end = 2 * bins
    certain = np.zeros((end + 1, 3, end + 1))
    certain[end, :, end] = 1
    rewards = np.zeros((end + 1, 3))
    for own in range(bins):
        places = (own + _midpoints(0, 1)) / bins
        picked, at_goal = _within(places, KEY_ZONE).mean(), _within(places, GOAL_ZONE).mean()
        for key in (0, bins):
            certain[key + own, LEFT, key : key + bins] = _reached(places, -1, bins)
            certain[key + own, RIGHT, key : key + bins] = _reached(places, 1, bins)
            certain[key + own, PICK, key + own] = 1
        certain[own, PICK, own], certain[own, PICK, bins + own] = 1 - picked, picked
        rewards[bins + own, RIGHT] = GOAL_REWARD * at_goal
    transitions = (1 - slip) * certain + slip * certain.mean(axis=1, keepdims=True)
    ends = rewards[:, RIGHT] / GOAL_REWARD
    transitions[:, RIGHT] *= 1 - ends[:, None]
    transitions[:, RIGHT, end] += ends
    start = np.zeros(end + 1)
    start[int(START * bins)] = 1
    return TabularMDP(transitions, rewards, discount, start, np.arange(end + 1) == end)


def _midpoints(low: float, high: float) -> Numbers:
    return low + (high - low) * (np.arange(POINTS) + 0.5) / POINTS


def _reached(places: Numbers, direction: int, bins: int) -> Numbers:
    """How likely each bin is after a stride from one of the places."""
    strides = _midpoints(STRIDE - UNEVENNESS, STRIDE + UNEVENNESS)
    there = places[:, None] + direction * strides
    there = np.where(_within(there, (0.0, 1.0)), there, places[:, None])
    counts = np.bincount(np.minimum((there * bins).astype(np.int64), bins - 1).ravel(), minlength=bins)
    return counts / there.size


class LineKey(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Fetch the key on the left, then go out on the right: ``teachrl/LineKey-v0``.

    **Action.** ``Discrete(3)``: 0 left and 1 right, by 0.074 to 0.076; 2 pick, which takes the key between 0.1 and 0.2.
    With probability ``slip`` a random one is taken instead; a stride over an end of the line is not made.
    **Observation.** The position in [0, 1], and 1 with the key, 0 without; episodes begin at 0.5 without.
    **Reward.** 10 for choosing right between 0.9 and 1 with the key, which ends the episode. After ``max_steps`` it is
    truncated.

    ``mdp`` is the model of the line in 20 bins, and ``state`` the present one of its states; the line itself has no
    bins.

    Source: LineKeyNav of Devidze et al. 2021 (EXPRD, NeurIPS), with the strides of the authors' code (the paper's are
    0.065 to 0.085). Deviations: a right that pays never slips. What an end of the line does, and which action pays, are
    taken from the rooms of the same paper.
    """

    metadata = {"render_modes": []}  # noqa: RUF012
    reports_success = True
    return_range = (0.0, GOAL_REWARD)

    def __init__(self, slip: float = 0.1, max_steps: int = 50, render_mode: str | None = None) -> None:
        if render_mode is not None:
            raise ValueError(f"LineKey draws nothing: render_mode must be None; got {render_mode!r}")
        if not 0 <= slip <= 1:
            raise ValueError(f"slip must be in [0, 1]; got {slip}")
        self.mdp, self.slip, self.max_steps = line_key(BINS, slip), slip, checked_max_steps(max_steps)
        self.observation_space = spaces.Box(0.0, 1.0, (2,), np.float32)
        self.action_space = spaces.Discrete(3)
        self._playing = False

    @property
    def state(self) -> int:
        """The state of `mdp` that the agent is in."""
        if self._won:
            return 2 * BINS
        return BINS * self.has_key + min(int(self.position * BINS), BINS - 1)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin in the middle, without the key. There are no options."""
        super().reset(seed=seed)
        self.position, self.has_key, self._won, self._steps, self._playing = START, False, False, 0, True
        return self._observation(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Act. Raises `ValueError` for an action that there is not, `ResetNeeded` after the end."""
        if not self._playing:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        if not self.action_space.contains(action):
            raise ValueError(f"an action is a whole number from 0 to 2; got {action!r}")
        slips, other, stride = self.np_random.random(3)
        self._won = bool(self.has_key and action == RIGHT and _within(self.position, GOAL_ZONE))
        if not self._won:
            done = int(3 * other) if slips < self.slip else int(action)
            self._act(done, STRIDE + UNEVENNESS * (2 * stride - 1))
        self._steps += 1
        truncated = self._steps >= self.max_steps and not self._won
        self._playing = not (self._won or truncated)
        return self._observation(), GOAL_REWARD * self._won, self._won, truncated, {"success": self._won}

    def _act(self, action: int, stride: float) -> None:
        if action == PICK:
            self.has_key = self.has_key or bool(_within(self.position, KEY_ZONE))
            return
        there = self.position + (stride if action == RIGHT else -stride)
        if _within(there, (0.0, 1.0)):
            self.position = there

    def _observation(self) -> NDArray[np.float32]:
        return np.array([self.position, self.has_key], dtype=np.float32)
