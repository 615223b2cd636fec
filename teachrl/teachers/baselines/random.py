"""Random tasks: domain randomisation, the baseline of every comparison."""

from __future__ import annotations

from collections.abc import Sequence

from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, Teacher


class RandomTeacher(Teacher):
    """Draws every task as the task space samples it and learns nothing: uniformly, levels from their generator."""

    takes_levels = True
    rules = {"random": "Drawn at random from the whole task space, as always."}
    presets = {"default": {}, "corl2019": {}, "tma2021": {}, "spdl2021": {}}

    def plan(self, n: int) -> Plan:
        return Plan(self.space.sample(self.rng, n), ("random",) * n, version=0)

    def update(self, episodes: Sequence[Episode]) -> None:
        del episodes
