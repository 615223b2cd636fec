"""A student on top of a frozen mentor: what it does is added to what the mentor would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from torch import nn

from teachrl.errors import TeachrlError, UsageError
from teachrl.files import StateTree
from teachrl.records.episodes import Array, Decision, Fragment
from teachrl.records.level_scores import FragmentValues
from teachrl.students.base import StudentContext
from teachrl.students.distillation.distillable import DistillableStudent
from teachrl.students.distillation.mentor import Mentor
from teachrl.students.distillation.wrapper import StudentWrapper


def residual_context(context: StudentContext) -> StudentContext:
    """What the student inside is told: observations with the mentor's action behind them, and actions in [-1, 1].

    Raises `UsageError` for observations that are no `Box`, and for actions without bounds.
    """
    seen, actions = context.observation_space, context.action_space
    if not (isinstance(seen, spaces.Box) and isinstance(actions, spaces.Box) and actions.is_bounded()):
        raise UsageError(
            f"student.distill.residual needs observations in a Box and actions in a bounded Box; here are {seen} and "
            f"{actions}"
        )
    low, high = (
        np.concatenate([bound.flatten(), np.full(int(np.prod(actions.shape)), end)]).astype(np.float32)
        for bound, end in ((seen.low, -1.0), (seen.high, 1.0))
    )
    units = spaces.Box(-1.0, 1.0, actions.shape, np.float32)
    return replace(context, observation_space=spaces.Box(low, high), action_space=units)


class ResidualStudent(StudentWrapper):
    """Acts with ``clip(mentor + scale * half range * student)``, the student's own actions in [-1, 1].

    ``student`` was made for a `residual_context`. Its last layer begins at zero: so the first deterministic actions
    are the mentor's. Sources: Silver et al. 2018, "Residual Policy Learning" (arXiv 1812.06298); Ankile et al. 2024
    (ResiP, arXiv 2407.16677) for the mentor's action in the observation. Deviation: exploring is the student's own, so
    its first explored actions differ from the mentor's by up to ``scale``.
    """

    def __init__(self, student: DistillableStudent, mentor: Mentor, action_space: spaces.Box, scale: float) -> None:
        super().__init__(student)
        self._mentor, self._scale = mentor, scale
        self._low, self._high, self._dtype = action_space.low, action_space.high, action_space.dtype
        last = student.last_layer()
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        student.cloned()

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        base = self._mentor.act(observations)
        decision = self._student.act(self._beside(observations, base), memory, deterministic)
        reach = self._scale * (self._high - self._low) / 2
        actions = np.clip(base + reach * decision.actions, self._low, self._high).astype(self._dtype)
        return replace(decision, actions=actions, extras={**decision.extras, "mentor_actions": base})

    def _beside(self, observations: Array, base: Array) -> Array:
        """Observations ``(N, ...)`` flat, with the mentor's actions in [-1, 1] behind them."""
        n = len(observations)
        scaled = 2 * (base - self._low) / (self._high - self._low) - 1
        return np.concatenate([observations.reshape(n, -1), scaled.reshape(n, -1)], axis=1).astype(np.float32)

    def _seen(self, observations: Array) -> Array:
        return self._beside(observations, self._mentor.act(observations))

    def _inside(self, fragment: Fragment) -> Fragment:
        """The fragment as the student inside has seen it."""
        flat = fragment.observations.reshape(-1, *fragment.observations.shape[2:])
        base = fragment.extras["mentor_actions"]
        seen = self._beside(flat, base.reshape(-1, *base.shape[2:]))
        finals = fragment.final_observations
        return replace(
            fragment,
            observations=seen.reshape(*fragment.rewards.shape, -1),
            last_observations=self._seen(fragment.last_observations),
            final_observations={key: self._seen(observation[None])[0] for key, observation in finals.items()},
        )

    def learn(self, fragment: Fragment) -> dict[str, float]:
        return self._student.learn(self._inside(fragment))

    def values(self, observations: Array) -> NDArray[np.float64]:
        return self._student.values(self._seen(observations))

    def fragment_values(self, fragment: Fragment) -> FragmentValues:
        return self._student.fragment_values(self._inside(fragment))

    def weights(self) -> StateTree:
        return {**super().weights(), "mentor": self._mentor.identity}

    def load_weights(self, weights: StateTree) -> None:
        self._check(weights)
        super().load_weights(weights)

    def state(self) -> StateTree:
        return {**super().state(), "weights": self.weights()}

    def restore(self, state: StateTree) -> None:
        self._check(state["weights"])
        super().restore(state)

    def _check(self, weights: dict[str, Any]) -> None:
        """Raise `TeachrlError` for a mentor that is not the one on which the weights were learnt."""
        if weights["mentor"] != self._mentor.identity:
            raise TeachrlError(
                f"this student acts on top of the mentor {weights['mentor']}, and there is now "
                f"{self._mentor.identity}; put the former one back"
            )
