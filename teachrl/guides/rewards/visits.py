"""How often each place has been visited, where places are the cells of a grid that observations fall into."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 8
"""Of a cell's hash: of a billion cells, two share one with a probability of 3 %."""


class Visits:
    """Counts by cells of width ``cell`` in every number; a cell is kept as a hash, in 16 bytes with its count."""

    def __init__(self, cell: float) -> None:
        self._cell = cell
        self._counts: dict[bytes, int] = {}

    def __len__(self) -> int:
        """How many different cells have been visited."""
        return len(self._counts)

    def count(self, place: NDArray[Any]) -> int:
        """Visit the cell of numbers ``(k,)``; how often that has been now."""
        corner = np.floor(np.asarray(place, dtype=np.float64) / self._cell) + 0.0  # -0 and 0 are one
        key = hashlib.blake2b(corner.tobytes(), digest_size=KEY_BYTES).digest()
        self._counts[key] = visits = self._counts.get(key, 0) + 1
        return visits

    def state(self) -> dict[str, Any]:
        """The counts, as two arrays."""
        cells = np.frombuffer(b"".join(self._counts), dtype=np.uint64)
        return {"cells": cells, "counts": np.array(list(self._counts.values()), dtype=np.int64)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        keys = [cell.tobytes() for cell in np.asarray(state["cells"])]
        self._counts = dict(zip(keys, np.asarray(state["counts"]).tolist(), strict=True))
