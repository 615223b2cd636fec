"""What a mentor has labelled: the newest examples, from which minibatches are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teachrl.files import StateTree
from teachrl.records.episodes import Array
from teachrl.students.distillation.distillable import Examples


class LabelledDataset:
    """Keeps the last ``capacity`` examples, each an entry in arrays of the same names."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._arrays: dict[str, Array] = {}
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._capacity)

    def add(self, examples: Examples) -> None:
        """Put examples in the place of the oldest."""
        n = len(next(iter(examples.values())))
        numbers = np.arange(self._added, self._added + n)[-self._capacity :]
        for name, array in examples.items():
            if name not in self._arrays:
                self._arrays[name] = np.zeros((self._capacity, *array.shape[1:]), dtype=array.dtype)
            self._arrays[name][numbers % self._capacity] = array[-len(numbers) :]
        self._added += n

    def rows(self, chosen: NDArray[np.int64]) -> dict[str, Array]:
        """The examples at some places below ``len``."""
        return {name: array[chosen] for name, array in self._arrays.items()}

    def state(self) -> StateTree:
        """All examples."""
        return {"added": self._added, "arrays": {name: a[: len(self)].copy() for name, a in self._arrays.items()}}

    def restore(self, state: StateTree) -> None:
        """The inverse of `state`."""
        self._arrays, self._added = {}, state["added"]
        for name, array in state["arrays"].items():
            self._arrays[name] = np.zeros((self._capacity, *array.shape[1:]), dtype=array.dtype)
            self._arrays[name][: len(array)] = array
