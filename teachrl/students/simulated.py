"""A student without a network: the rules of the 2019 paper's hypercube toy.

Source: Portelas et al. 2019 (arXiv 1910.07224), toy space of the supplementary material. Competence belongs to the
learner, so it lives here and not in the environment.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.episodes import Array, Fragment
from teachrl.students.base import Decision, Student, StudentContext


class SimulatedStudent(Student):
    """Knows one number per cell, from 0 to 100, and acts with ``competence / 100``.

    A visit adds 1 when the cell is the origin, or when a previous neighbour (one index lower in any non-empty subset of
    the dimensions) has at least ``unlock`` competence. Deviation: the reward of a visit is the competence before it, in
    the original the one after it.
    """

    fragment_steps = 1
    discount = 1.0
    MAXIMUM = 100

    def __init__(self, context: StudentContext, unlock: int = 75) -> None:
        space = context.observation_space
        if not isinstance(space, spaces.MultiDiscrete) or not isinstance(context.action_space, spaces.Box):
            raise UsageError(
                "the simulated student plays environments that show the index of a cell and take a competence, such as "
                f"teachrl/Hypercubes-v0; this one has {space} and {context.action_space}"
            )
        if isinstance(unlock, bool) or not isinstance(unlock, int) or not 0 <= unlock <= self.MAXIMUM:
            raise UsageError(f"student option 'unlock' is a whole number in [0, {self.MAXIMUM}]; got {unlock!r}")
        self._unlock = unlock
        self._competence = np.zeros(tuple(space.nvec), dtype=np.int64)
        self._steps_back = [np.array(s) for s in itertools.product((0, 1), repeat=len(space.nvec)) if any(s)]

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        del memory, deterministic
        competence = self._competence[tuple(observations.T)]
        return Decision(competence[:, None] / self.MAXIMUM)

    def values(self, observations: Array) -> NDArray[np.float64]:
        competence: NDArray[np.float64] = self._competence[tuple(observations.T)] / self.MAXIMUM
        return competence

    def learn(self, fragment: Fragment) -> dict[str, float]:
        for cell in fragment.observations.reshape(-1, self._competence.ndim):
            if self._competence[tuple(cell)] < self.MAXIMUM and self._unlocked(cell):
                self._competence[tuple(cell)] += 1
        return {}

    def _unlocked(self, cell: Array) -> bool:
        if not cell.any():
            return True
        previous = (cell - step for step in self._steps_back)
        return any((p >= 0).all() and self._competence[tuple(p)] >= self._unlock for p in previous)

    def weights(self) -> StateTree:
        return {"competence": self._competence.copy()}

    def load_weights(self, weights: StateTree) -> None:
        self._competence = np.array(weights["competence"])

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights()}

    def restore(self, state: StateTree) -> None:
        self.load_weights(state["weights"])
