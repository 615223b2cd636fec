"""The networks of teachers and guides that use torch: drawn from their own generator, saved as arrays.

Nothing here touches torch's global random generator or its number of threads: their numpy generator is the only
source of randomness, and networks compute with the threads of the run (`Experiment.threads`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from teachrl.nn.tensors import to_arrays, to_tensors


def tensor(values: NDArray[Any]) -> Tensor:
    """An array as single-precision numbers on the CPU, where all of these small networks live."""
    return torch.from_numpy(np.array(values, dtype=np.float32))


def xavier(rng: np.random.Generator, *shape: int) -> Tensor:
    """Weights of shape ``(..., inputs, outputs)``, uniform as Glorot and Bengio (2010) have it."""
    bound = math.sqrt(6 / (shape[-2] + shape[-1]))
    return tensor(rng.uniform(-bound, bound, shape))


def perceptron(rng: np.random.Generator, sizes: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Linear layers between consecutive ``sizes``, with ``activation`` after each but the last; biases start at 0."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        # Built without memory, a layer does not draw its weights from torch's global generator.
        layer = nn.Linear(inputs, outputs, dtype=torch.float32, device="meta").to_empty(device="cpu")
        with torch.no_grad():
            layer.weight.copy_(xavier(rng, inputs, outputs).T)
            layer.bias.zero_()
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])


Network = TypeVar("Network", bound=nn.Module)


class Learner(Generic[Network]):
    """A network and the optimiser of its weights."""

    def __init__(self, network: Network, optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]) -> None:
        self.network = network
        self._weights = list(network.parameters())
        self._optimizer = optimizer(self._weights)

    def descend(self, loss: Tensor, gradient_norm: float | None = None) -> None:
        """One step against the gradient of ``loss`` in this network's weights, and in no other's.

        A gradient longer than ``gradient_norm`` is shortened to it.
        """
        self._optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=self._weights)
        if gradient_norm is not None:
            nn.utils.clip_grad_norm_(self._weights, gradient_norm)
        self._optimizer.step()

    def state(self) -> dict[str, Any]:
        """Weights and optimiser as a tree of arrays."""
        return {
            "network": to_arrays(self.network.state_dict()),
            "optimizer": to_arrays(self._optimizer.state_dict()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.network.load_state_dict(to_tensors(state["network"], "cpu"))
        self._optimizer.load_state_dict(to_tensors(state["optimizer"], "cpu"))
