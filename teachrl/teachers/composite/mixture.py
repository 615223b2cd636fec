"""Mixture: each task is chosen by one of several teachers, drawn with fixed probabilities.

Our own composition. A share of uniform tasks beside any teacher, which many published teachers have built in, is its
simplest use: ``teachers: [{teacher: random, weight: 0.2}, {teacher: alp-gmm, weight: 0.8}]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from teachrl.records.curriculum import Curriculum
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, TeacherConfig, TeacherContext
from teachrl.teachers.composite.base import CompositeTeacher, TeacherChoice, whole_space


class Member(TeacherConfig):
    """One of the teachers of a mixture."""

    teacher: TeacherChoice = Field(description="the teacher: its name, or a mapping with name, preset, options")
    weight: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="how often it chooses, relative to the others' weights"
    )


class MixtureConfig(TeacherConfig):
    """Settings of a mixture."""

    teachers: tuple[Member, ...] = Field(description="the teachers, each with its weight")
    share: bool = Field(
        False, description="whether each teacher also learns from the episodes that the others chose; "
        "otherwise only from its own"
    )  # fmt: skip

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.teachers:
            raise ValueError("a mixture needs at least one teacher")
        return self


class MixtureTeacher(CompositeTeacher):
    """See the module's text. ``reason`` holds ``teacher``, who chose, and its ``probability``.

    A shared episode reaches the others without its origin and reason, as one that they did not plan.
    """

    Config = MixtureConfig
    config: MixtureConfig
    members = "teachers"
    mark = "teacher"

    def __init__(self, context: TeacherContext, config: MixtureConfig) -> None:
        choices = [member.teacher for member in config.teachers]
        super().__init__(context, config, choices, [whole_space(context.space)] * len(choices))
        weights = np.array([member.weight for member in config.teachers])
        weights /= weights.max()  # the sum of huge weights must not overflow
        self._probabilities = weights / weights.sum()

    def plan(self, n: int) -> Plan:
        plans = [self._choose() for _ in range(n)]
        return Plan(
            np.concatenate([plan.tasks for plan in plans]),
            tuple(origin for plan in plans for origin in plan.origins),
            sum(self._versions),
            tuple(reason for plan in plans for reason in plan.reasons),
        )

    def _choose(self) -> Plan:
        i = int(self.rng.choice(len(self._probabilities), p=self._probabilities))
        return self._chosen(i, 1, {"probability": float(self._probabilities[i])})

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            owner = self._owner(episode.reason)
            for i, teacher in enumerate(self._teachers):
                if i == owner:
                    teacher.update([self._returned(i, episode, self._own_origin(i, episode.origin))])
                elif self.config.share:
                    teacher.update([replace(episode, origin="", reason={}, teacher_version=0)])

    def explain(self, origin: str, reason: Mapping[str, float]) -> str:
        owner = self._owner(reason)
        if owner is None:
            return super().explain(origin, reason)
        why = self._explained(owner, self._own_origin(owner, origin), reason)
        return f"Teacher {owner} ({self._names[owner]}) chose, as it does with {reason['probability']:.0%}: {why}"

    def curriculum(self) -> Curriculum:
        """All that the teachers draw, their weights times their probabilities."""
        pictures = [
            (teacher.curriculum(), float(p)) for teacher, p in zip(self._teachers, self._probabilities, strict=True)
        ]
        return Curriculum(
            gaussians=tuple(replace(g, weight=g.weight * p) for c, p in pictures for g in c.gaussians),
            regions=tuple(replace(r, weight=r.weight * p) for c, p in pictures for r in c.regions),
            samples=tuple(sample for c, _ in pictures for sample in c.samples),
            random_ratio=sum(c.random_ratio * p for c, p in pictures),
        )
