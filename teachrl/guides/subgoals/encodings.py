"""How a sub-goal is told to a student: a few numbers at the end of its observation.

Source: Words as Beacons 2024 (arXiv 2410.08632). Deviations: positions are divided by the level's longer side and codes
by 10, so that all numbers are of the size of the observation's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from teachrl.guides.subgoals.level import Cell, Codes

Numbers = NDArray[np.float32]
LARGEST_CODE = 10


class Encoding(ABC):
    """Turns a sub-goal into ``size`` numbers in ``[low, high]``; ``nothing`` stands for none."""

    size: int
    low: float = -1.0
    high: float = 1.0
    nothing: Numbers

    @abstractmethod
    def encode(self, name: str, cell: Cell, codes: Codes, agent: Cell, side: int) -> Numbers:
        """``name`` and ``cell`` of the sub-goal, what lies there now, where the agent is, the level's longer side."""


class Position(Encoding):
    """Columns and rows from the agent to the sub-goal, divided by the level's longer side; none: 0, 0."""

    size = 2

    def __init__(self) -> None:
        self.nothing = np.zeros(2, dtype=np.float32)

    def encode(self, name: str, cell: Cell, codes: Codes, agent: Cell, side: int) -> Numbers:
        return np.array(((cell[0] - agent[0]) / side, (cell[1] - agent[1]) / side), dtype=np.float32)


class Representation(Encoding):
    """MiniGrid's kind, colour and state of what now lies in the sub-goal's cell, divided by 10; none: -1, -1, -1."""

    size = 3

    def __init__(self) -> None:
        self.nothing = np.full(3, -1, dtype=np.float32)
        self._known: dict[Codes, Numbers] = {}

    def encode(self, name: str, cell: Cell, codes: Codes, agent: Cell, side: int) -> Numbers:
        if codes not in self._known:
            self._known[codes] = np.array(codes, dtype=np.float32) / np.float32(LARGEST_CODE)
        return self._known[codes]


class Language(Encoding):
    """A sentence embedding of what the sub-goal is called, of length 1; none: zeros."""

    def __init__(self, embed: Callable[[Sequence[str]], dict[str, Numbers]], size: int) -> None:
        self.size = size
        self.nothing = np.zeros(size, dtype=np.float32)
        self._embed = embed
        self._known: dict[str, Numbers] = {}

    def encode(self, name: str, cell: Cell, codes: Codes, agent: Cell, side: int) -> Numbers:
        if name not in self._known:
            self._known |= self._embed([name])
        return self._known[name]
