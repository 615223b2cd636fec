"""The adversarial networks of GoalGAN: one proposes goals, the other rates them.

Source: Florensa et al. 2018 (arXiv 1705.06366), section 4.2: the least-squares GAN with labels. Points are in the unit
cube, shape ``(n, d)``.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from teachrl.nn.networks import Learner, perceptron, tensor
from teachrl.records.state import Stateful
from teachrl.tasks.spaces import Vector

BATCH_SIZE = 64


class GoalGenerator(Stateful):
    """Generator and discriminator, and their training.

    The generator reaches twice the width of the cube, so that the cube's faces are not out of reach of its tanh.
    """

    saved = ("_generator", "_discriminator")

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self._size = size
        optimizer = partial(torch.optim.RMSprop, lr=1e-3)
        generator = nn.Sequential(*perceptron(rng, (size, 256, 256, size), nn.ReLU), nn.Tanh())
        self._generator = Learner(generator, optimizer)
        leaky = partial(nn.LeakyReLU, negative_slope=0.1)
        self._discriminator = Learner(perceptron(rng, (size, 128, 128, 1), leaky), optimizer)

    def propose(self, rng: np.random.Generator, n: int) -> Vector:
        """``n`` goals from noise. Some lie outside the cube."""
        with torch.no_grad():
            points: Vector = 0.5 + self._generator.network(tensor(rng.normal(size=(n, self._size)))).double().numpy()
        return points

    def rate(self, points: Vector) -> NDArray[np.float64]:
        """What the discriminator thinks of ``points``, shape ``(n,)``: 1 for wanted goals, -1 for others."""
        with torch.no_grad():
            ratings: NDArray[np.float64] = self._discriminator.network(_centred(points)).double().numpy()[:, 0]
        return ratings

    def train(self, rng: np.random.Generator, points: Vector, wanted: NDArray[np.bool_], iterations: int) -> None:
        """``iterations`` steps of the discriminator on ``points`` and proposals, and as many of the generator."""
        played, labels = _centred(points), tensor(np.where(wanted, 1.0, -1.0))[:, None]
        chosen = torch.from_numpy(rng.integers(len(points), size=(iterations, BATCH_SIZE)))
        noise = tensor(rng.normal(size=(iterations, BATCH_SIZE, self._size)))
        proposed_labels = -torch.ones(BATCH_SIZE, 1)
        for i in range(iterations):
            proposed: Tensor = self._generator.network(noise[i])
            batch = torch.cat([played[chosen[i]], proposed.detach()])
            target = torch.cat([labels[chosen[i]], proposed_labels])
            # The mean over both halves, times two: the sum of the two means.
            self._discriminator.descend(2 * (self._discriminator.network(batch) - target).square().mean())
            self._generator.descend((self._discriminator.network(proposed) - 1).square().mean())


def _centred(points: Vector) -> Tensor:
    return tensor(points - 0.5)
