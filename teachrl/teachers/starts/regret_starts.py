"""Regret over starts: prioritised replay of snapshots instead of levels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import TeacherConfig, TeacherContext
from teachrl.teachers.level_replay.plr import PlrConfig, PlrTeacher
from teachrl.teachers.starts.base import TRUE_START, snapshots_of


class RegretStartsConfig(PlrConfig):
    """Settings of `RegretStartsTeacher`."""

    capacity: int = Field(256, ge=1, description="how many starts the buffer holds")
    true_start: float = Field(
        0.1, ge=0, le=1, description="how likely a start that is not replayed is the true one, and not a snapshot"
    )


class RegretStartsTeacher(PlrTeacher):
    """`PlrTeacher` over the starts of a bank: those where the student's estimates are furthest off are played again.

    Our own application of Jiang et al. 2021, "Prioritized Level Replay" (arXiv 2010.03934); a start that was not judged
    yet is the true one with probability ``true_start``, and otherwise a snapshot, all alike. A round plans one start
    for each environment and keeps it to the end of the fragment.

    Raises `UsageError` when there is no bank of snapshots.
    """

    Config: ClassVar[type[TeacherConfig]] = RegretStartsConfig
    presets = {"default": {}}
    settings: RegretStartsConfig

    def __init__(self, context: TeacherContext, config: RegretStartsConfig) -> None:
        super().__init__(context, config)
        self._snapshots = len(snapshots_of(context, "regret-starts"))

    def _new_levels(self, n: int) -> Vector:
        starts = self.rng.integers(1, self._snapshots + 1, size=n)
        true = self.rng.random(n) < self.settings.true_start
        return np.where(true, TRUE_START, starts)[:, None].astype(np.float64)
