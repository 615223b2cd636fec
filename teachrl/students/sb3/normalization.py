"""Running normalisation of observations and rewards, owned by the student so that whoever plays it normalises alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.running_mean_std import RunningMeanStd

from teachrl.records.episodes import Array, Fragment

CLIP = 10.0
EPSILON = 1e-8


class Normalization:
    """Like SB3's VecNormalize, with one difference: observation statistics change between fragments, not within one.

    All steps of a fragment are therefore normalised as they were when the student acted on them, also when workers far
    away collected them. Rewards are divided by the standard deviation of their running discounted sum.
    """

    def __init__(self, shape: tuple[int, ...], n_envs: int, discount: float, observations: bool, rewards: bool) -> None:
        self.observation_statistics = RunningMeanStd(shape=shape) if observations else None
        self.return_statistics = RunningMeanStd(shape=()) if rewards else None
        self._discount = discount
        self._running_returns = np.zeros(n_envs)

    def observations(self, observations: Array) -> Array:
        """Observations as the network sees them, same shape."""
        statistics = self.observation_statistics
        if statistics is None:
            return observations
        scaled = (observations - statistics.mean) / np.sqrt(statistics.var + EPSILON)
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)

    def rewards(self, fragment: Fragment) -> NDArray[np.float64]:
        """The fragment's rewards as the student learns from them, after taking them into the statistics."""
        statistics = self.return_statistics
        if statistics is None:
            return fragment.rewards.copy()
        scaled = np.empty_like(fragment.rewards)
        ended = fragment.terminated | fragment.truncated
        for t, rewards in enumerate(fragment.rewards):
            self._running_returns = self._running_returns * self._discount + rewards
            statistics.update(self._running_returns)
            scaled[t] = np.clip(rewards / np.sqrt(statistics.var + EPSILON), -CLIP, CLIP)
            self._running_returns[ended[t]] = 0.0
        return scaled

    @property
    def reward_scale(self) -> float:
        """What a reward is divided by before the student learns from it."""
        return 1.0 if self.return_statistics is None else float(np.sqrt(self.return_statistics.var + EPSILON))

    def observe(self, fragment: Fragment) -> None:
        """Take the fragment's observations into the statistics, once the student has learnt from it."""
        if self.observation_statistics is not None:
            self.observation_statistics.update(fragment.observations.reshape(-1, *fragment.observations.shape[2:]))

    def weights(self) -> dict[str, Any]:
        """The statistics that acting needs."""
        return {} if self.observation_statistics is None else _numbers(self.observation_statistics)

    def load_weights(self, weights: dict[str, Any]) -> None:
        """The inverse of `weights`."""
        if self.observation_statistics is not None:
            _set(self.observation_statistics, weights)

    def state(self) -> dict[str, Any]:
        """The statistics that only learning needs."""
        returns = {} if self.return_statistics is None else _numbers(self.return_statistics)
        return {"returns": returns, "running_returns": self._running_returns.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        if self.return_statistics is not None:
            _set(self.return_statistics, state["returns"])
        self._running_returns = np.array(state["running_returns"])


def _numbers(statistics: RunningMeanStd) -> dict[str, Any]:
    return {"mean": np.array(statistics.mean), "var": np.array(statistics.var), "count": float(statistics.count)}


def _set(statistics: RunningMeanStd, numbers: dict[str, Any]) -> None:
    statistics.mean, statistics.var = np.array(numbers["mean"]), np.array(numbers["var"])
    statistics.count = numbers["count"]
