"""A mentor: a policy that is frozen and that a student imitates, or on top of which it acts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from teachrl.errors import TeachrlError
from teachrl.records.episodes import Array
from teachrl.students.distillation.distillable import DistillableStudent
from teachrl.students.distillation.policy_heads import Kind


class Mentor(ABC):
    """Acts without exploring. ``identity`` is what makes it this one, as JSON: a resumed run must find the same."""

    def __init__(self, identity: dict[str, Any]) -> None:
        self.identity = identity

    @abstractmethod
    def act(self, observations: Array) -> Array:
        """Actions ``(N, *action)`` in the environment's units for ``observations (N, ...)`` as the mentor sees them."""

    def targets(self, observations: Array, kind: Kind) -> dict[str, Array]:
        """What a student whose heads are of ``kind`` learns from: see `policy_heads.divergence`."""
        return {"actions": self.act(observations)}


class TrainedMentor(Mentor):
    """The student of an earlier run, with its own statistics of observations."""

    def __init__(self, student: DistillableStudent, identity: dict[str, Any]) -> None:
        super().__init__(identity)
        self._student = student

    def act(self, observations: Array) -> Array:
        memory = np.zeros((len(observations), 0), dtype=np.float32)
        return self._student.act(observations, memory, deterministic=True).actions

    def targets(self, observations: Array, kind: Kind) -> dict[str, Array]:
        if kind != self._student.head_kind:
            return super().targets(observations, kind)
        with torch.no_grad():
            targets = self._student.head({"observations": observations}).targets()
        return {name: target.cpu().numpy() for name, target in targets.items()}


class FunctionMentor(Mentor):
    """A function of the user's. Raises `TeachrlError` when it gives anything but actions."""

    def __init__(self, name: str, function: Callable[[Array], Any], action_space: spaces.Space[Any]) -> None:
        super().__init__({"function": name})
        self._name, self._function, self._space = name, function, action_space

    def act(self, observations: Array) -> Array:
        given = self._function(observations)
        actions = np.asarray(given)
        shape = (len(observations), *(self._space.shape or ()))
        if actions.shape != shape or not all(map(self._space.contains, actions.astype(self._space.dtype))):
            raise TeachrlError(
                f"mentor {self._name!r} must map observations (N, ...) to actions of {self._space}, here an array of "
                f"shape {shape}; it gave {given!r}"
            )
        return actions.astype(self._space.dtype)
