"""Only the tasks that are wanted in the end: no curriculum, the baseline of teachers that work towards a target.

Source: called "default" in Klink et al. 2020, "Self-Paced Deep Reinforcement Learning" (arXiv 2004.11812).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teachrl.records.curriculum import Curriculum, Gaussian
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Piece
from teachrl.teachers.base import Plan, Teacher


class TargetTeacher(Teacher):
    """Draws every task from the environment's target distribution, clipped to the space, and learns nothing."""

    rules = {"target": "Drawn from the target distribution, as always."}
    presets = {"default": {}, "spdl2021": {}}

    @classmethod
    def required_knowledge(cls, config: Any) -> tuple[Piece, ...]:
        return ("target",)

    def plan(self, n: int) -> Plan:
        assert self.context.knowledge.target is not None
        return Plan(self.context.knowledge.target.sample(self.space, self.rng, n), ("target",) * n, version=0)

    def update(self, episodes: Sequence[Episode]) -> None:
        del episodes

    def curriculum(self) -> Curriculum:
        target = self.context.knowledge.target
        assert target is not None
        gaussian = Gaussian(target.mean.tolist(), np.diag(target.std**2).tolist(), weight=1.0, learning_progress=0.0)
        return Curriculum((gaussian,), random_ratio=0.0)
