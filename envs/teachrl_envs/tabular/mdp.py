"""A finite Markov decision process as arrays, what is best in it, and an environment that plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
TOLERANCE = 1e-9
"""By how much less an action may be worth and still count as optimal."""


@dataclass(frozen=True, eq=False)
class TabularMDP:
    """``S`` states and ``A`` actions.

    ``transitions (S, A, S)`` are probabilities, ``rewards (S, A)`` what an action pays in a state, ``start (S,)`` the
    probabilities of the first state, ``terminal (S,)`` where the episode is over: such a state leads to itself and pays
    nothing. Raises `ValueError` where the arrays do not fit together.
    """

    transitions: Numbers
    rewards: Numbers
    discount: float
    start: Numbers
    terminal: NDArray[np.bool_]

    def __post_init__(self) -> None:
        states, actions = self.rewards.shape
        if self.transitions.shape != (states, actions, states):
            raise ValueError(f"transitions must have shape {(states, actions, states)}; got {self.transitions.shape}")
        if not np.allclose(self.transitions.sum(axis=-1), 1) or not np.isclose(self.start.sum(), 1):
            raise ValueError("probabilities of what follows, and of the first state, must add up to 1")
        if not 0 <= self.discount < 1:
            raise ValueError(f"discount must be in [0, 1); got {self.discount}")
        if self.rewards[self.terminal].any():
            raise ValueError("nothing is paid in a terminal state")

    def with_rewards(self, rewards: Numbers) -> TabularMDP:
        """The same with other rewards ``(S, A)``."""
        return TabularMDP(self.transitions, rewards, self.discount, self.start, self.terminal)

    def action_values(self, values: Numbers) -> Numbers:
        """Q ``(S, A)`` of acting once and then being worth ``values (S,)``."""
        following: Numbers = self.rewards + self.discount * self.transitions @ values
        return following

    def optimal_values(self) -> Numbers:
        """V* ``(S,)``, by value iteration to 1e-13."""
        values = np.zeros(len(self.rewards))
        while True:
            better = self.action_values(values).max(axis=1)
            if np.abs(better - values).max() < 1e-13:
                return np.asarray(better)
            values = better

    def policy_values(self, policy: Numbers) -> Numbers:
        """V ``(S,)`` of a policy, probabilities ``(S, A)``, by solving the Bellman equation."""
        paid = (policy * self.rewards).sum(axis=1)
        moves = np.einsum("sa,sat->st", policy, self.transitions)
        values: Numbers = np.linalg.solve(np.eye(len(paid)) - self.discount * moves, paid)
        return values

    def optimal_actions(self) -> NDArray[np.bool_]:
        """Which actions are optimal in which states, ``(S, A)``."""
        values = self.optimal_values()
        optimal: NDArray[np.bool_] = self.action_values(values) >= values[:, None] - TOLERANCE
        return optimal


def checked_max_steps(max_steps: int) -> int:
    """The limit of an episode's steps, if it is one. Raises `ValueError`."""
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(f"max_steps must be a whole number, 1 or more; got {max_steps!r}")
    return max_steps


class TabularEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Plays a `TabularMDP`. The observation is 1 at the state and 0 elsewhere, ``float32`` of shape ``(S,)``.

    ``state`` is the state's number, ``mdp`` the whole model. ``info["success"]`` at the end says whether the episode's
    return passed ``success_above``. Subclasses give the model; episodes are cut off after ``max_steps``.
    """

    metadata = {"render_modes": []}  # noqa: RUF012
    reports_success = True
    success_above = 0.0

    def __init__(self, mdp: TabularMDP, max_steps: int, render_mode: str | None = None) -> None:
        if render_mode is not None:
            raise ValueError(f"{type(self).__name__} draws nothing: render_mode must be None; got {render_mode!r}")
        self.mdp, self.max_steps = mdp, checked_max_steps(max_steps)
        states, actions = mdp.rewards.shape
        self.observation_space = spaces.Box(0.0, 1.0, (states,), np.float32)
        self.action_space = spaces.Discrete(actions)
        self._cumulative = mdp.transitions.cumsum(axis=-1)
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin in a state of the start distribution. There are no options."""
        super().reset(seed=seed)
        self.state = int(self.np_random.choice(len(self.mdp.start), p=self.mdp.start))
        self._steps, self._total, self._playing = 0, 0.0, True
        return self._observation(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Act. Raises `ValueError` for an action that there is not, `ResetNeeded` after the end."""
        if not self._playing:
            raise ResetNeeded("the episode is over or has not begun; call reset() before step()")
        if not self.action_space.contains(action):
            raise ValueError(f"an action is a whole number from 0 to {self.mdp.rewards.shape[1] - 1}; got {action!r}")
        reward = float(self.mdp.rewards[self.state, int(action)])
        place = np.searchsorted(self._cumulative[self.state, int(action)], self.np_random.random(), side="right")
        self.state = min(int(place), len(self.mdp.start) - 1)
        self._steps += 1
        self._total += reward
        terminated = bool(self.mdp.terminal[self.state])
        truncated = self._steps >= self.max_steps and not terminated
        self._playing = not (terminated or truncated)
        return self._observation(), reward, terminated, truncated, {"success": self._total > self.success_above}

    def _observation(self) -> NDArray[np.float32]:
        seen = np.zeros(len(self.mdp.start), dtype=np.float32)
        seen[self.state] = 1
        return seen
