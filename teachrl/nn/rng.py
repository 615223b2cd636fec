"""Generators of an agent's own, though its library draws from the global ones that the students draw from as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class IsolatedGlobalRNG:
    """numpy's and torch's global generators, on the CPU, as one agent left them.

    What happens inside `in_use` neither depends on what others drew before nor changes what they will draw. An agent's
    own `state` and `restore`, called inside, take care of the generators too.
    """

    def __init__(self, seed: int) -> None:
        self._own: tuple[Any, torch.Tensor]
        numpy_state: Any = np.random.RandomState(seed).get_state(legacy=False)
        self._own = numpy_state, torch.Generator().manual_seed(seed).get_state()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Put the agent's generators in the place of the global ones, and those back afterwards."""
        others = _global_states()
        _set_global_states(*self._own)
        try:
            yield
        finally:
            self._own = _global_states()
            _set_global_states(*others)

    def state(self) -> dict[str, Any]:
        """Where the two generators stand."""
        return {"numpy": self._own[0], "torch": self._own[1].numpy().copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self._own = state["numpy"], torch.from_numpy(np.array(state["torch"]))


def _global_states() -> tuple[Any, torch.Tensor]:
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    return numpy_state, torch.get_rng_state()


def _set_global_states(numpy_state: Any, torch_state: torch.Tensor) -> None:
    np.random.set_state(numpy_state)  # noqa: NPY002
    torch.set_rng_state(torch_state)
