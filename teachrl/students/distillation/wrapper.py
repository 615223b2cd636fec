"""A student around another one: everything is passed on, until a subclass changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.files import StateTree
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.records.level_scores import FragmentValues
from teachrl.students.base import Student
from teachrl.students.distillation.distillable import DistillableStudent


class StudentWrapper(Student):
    """Does what ``student`` does."""

    def __init__(self, student: DistillableStudent) -> None:
        self._student = student
        self.fragment_steps, self.discount = student.fragment_steps, student.discount
        self.gae_lambda, self.memory_size = student.gae_lambda, student.memory_size
        self.acting_generators = student.acting_generators

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        return self._student.act(observations, memory, deterministic)

    def learn(self, fragment: Fragment) -> dict[str, float]:
        return self._student.learn(fragment)

    def values(self, observations: Array) -> NDArray[np.float64]:
        return self._student.values(observations)

    def fragment_values(self, fragment: Fragment) -> FragmentValues:
        return self._student.fragment_values(fragment)

    def weights(self) -> StateTree:
        return self._student.weights()

    def load_weights(self, weights: StateTree) -> None:
        self._student.load_weights(weights)

    def exploration(self) -> StateTree:
        return self._student.exploration()

    def load_exploration(self, exploration: StateTree) -> None:
        self._student.load_exploration(exploration)

    def state(self) -> StateTree:
        return self._student.state()

    def restore(self, state: StateTree) -> None:
        self._student.restore(state)

    def experience_count(self) -> int:
        return self._student.experience_count()

    def experience_kept(self) -> int:
        return self._student.experience_kept()

    def experience(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        return self._student.experience(start, stop)

    def load_experience(self, start: int, rows: Mapping[str, NDArray[np.generic]]) -> None:
        self._student.load_experience(start, rows)
