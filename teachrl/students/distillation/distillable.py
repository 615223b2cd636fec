"""What a student offers so that it can learn from a mentor, or be one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from torch import nn

from teachrl.records.episodes import Array, Fragment
from teachrl.students.base import Student
from teachrl.students.distillation.policy_heads import Head, Kind

Examples = Mapping[str, Array]
"""Arrays with one entry an example: a step, or for a student with memory all steps of an environment in a fragment."""


class DistillableStudent(Student, ABC):
    """A student whose policy can be compared with another one, and moved towards it by gradients.

    Arrays of a fragment are ``(T, N, ...)``: ``T`` steps in ``N`` environments. ``head_kind`` is the kind of its heads.
    """

    head_kind: Kind

    @abstractmethod
    def store(self, fragment: Fragment) -> None:
        """What `learn` does with a fragment besides learning: count its steps, keep it, take it into statistics."""

    def arrange(self, array: Array) -> Array:
        """An array of a fragment as one of examples: ``(T * N, ...)``, or ``(N, T, ...)`` with a memory."""
        return array.reshape(-1, *array.shape[2:])

    def examples(self, fragment: Fragment) -> Examples:
        """All that `head` needs of a fragment; observations under the name ``observations``."""
        return {"observations": self.arrange(fragment.observations)}

    @abstractmethod
    def head(self, examples: Examples) -> Head:
        """What the policy says of some examples."""

    @abstractmethod
    def imitating_parameters(self) -> list[nn.Parameter]:
        """The parameters that `head` depends on; others among them get no gradient."""

    @abstractmethod
    def last_layer(self) -> nn.Linear:
        """The layer whose output decides the deterministic action: zero there, zero action."""

    def stored_actions(self, actions: Array) -> Array:
        """Actions of the environment as the student's own `Decision.extras` hold them for a replay buffer."""
        return actions

    def cloned(self) -> None:
        """Told once the student has learnt its beginning from a mentor."""


def kind_of_draws(action_space: spaces.Space[Any]) -> Kind:
    """The kind of a policy from which actions are drawn as they are."""
    return "categorical" if isinstance(action_space, spaces.Discrete) else "gaussian"
