"""The self-supervised reward of ExploRS as a network over observations, learnt from what any student played.

Source: Devidze, Kamalaruban, Singla, NeurIPS 2022, the variant with networks: R(s, a) = 0.1 tanh(perceptron), improved
along ``sum of pi(a | s) (G - V(s)) d/dphi [R(s, a) - sum_b pi(b | s) R(s, b)]`` over the steps of recent episodes, with
a critic V that follows the returns to go G of the environment's own rewards.

Deviations: the student's probabilities pi are those of a third network that imitates its recent actions, as students
need not tell theirs. The gradient is that of the mean over steps; with Adam, its size does not matter. Last layers
begin at zero, so that nothing is designed before something was earned; theirs was kept out of the first 5,000 episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from teachrl.nn.networks import Learner, perceptron, tensor
from teachrl.records.state import Stateful


@dataclass(frozen=True)
class PlayedEpisode:
    """``seen (L, k)``, ``actions (L,)`` from 0, and ``returns (L,)``: discounted returns to go, of own rewards."""

    seen: NDArray[np.float32]
    actions: NDArray[np.int64]
    returns: NDArray[np.float64]


class RewardNetwork(Stateful):
    """``hidden`` units in one layer; ``largest`` bounds a reward's size; three Adams with the given rates."""

    saved = ("_reward", "_value", "_policy")

    def __init__(
        self,
        size: int,
        actions: int,
        rng: np.random.Generator,
        hidden: int,
        largest: float,
        rates: tuple[float, float, float],
    ) -> None:
        self._largest = largest
        self._reward = _learner(rng, (size, hidden, actions), rates[0])
        self._value = _learner(rng, (size, hidden, 1), rates[1])
        self._policy = _learner(rng, (size, hidden, actions), rates[2])

    def reward(self, seen: NDArray[np.float32], action: int) -> float:
        """What an action pays where ``seen (k,)`` is seen."""
        with torch.no_grad():
            return float(self._rewards(torch.from_numpy(seen))[action])

    def _rewards(self, seen: Tensor) -> Tensor:
        designed: Tensor = self._largest * torch.tanh(self._reward.network(seen))
        return designed

    def learn(self, episodes: Sequence[PlayedEpisode]) -> None:
        """One step of each network on the episodes together; the reward's with critic and policy as they were."""
        seen = tensor(np.concatenate([episode.seen for episode in episodes]))
        actions = torch.from_numpy(np.concatenate([episode.actions for episode in episodes]))
        returns = tensor(np.concatenate([episode.returns for episode in episodes]))
        taken = actions[:, None]
        logits, values = self._policy.network(seen), self._value.network(seen)[:, 0]
        with torch.no_grad():
            policy = logits.softmax(-1)
            weights = policy.gather(1, taken)[:, 0] * (returns - values)
        rewards = self._rewards(seen)
        better = rewards.gather(1, taken)[:, 0] - (policy * rewards).sum(-1)
        self._reward.descend(-(weights * better).mean())
        self._value.descend(functional.smooth_l1_loss(values, returns))
        self._policy.descend(functional.cross_entropy(logits, actions))


def _learner(rng: np.random.Generator, sizes: tuple[int, int, int], rate: float) -> Learner[nn.Sequential]:
    """A perceptron that says zero at first, and Adam."""
    network = perceptron(rng, sizes, nn.Tanh)
    nn.init.zeros_(network[-1].weight)  # type: ignore[arg-type]
    return Learner(network, lambda weights: torch.optim.Adam(weights, lr=rate))
