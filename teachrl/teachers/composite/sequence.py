"""Sequence: one teacher after another, each in its range of tasks, until the student is good enough or time is up.

Our own composition; with ``random`` in growing ranges it is the hand-made curriculum. Every stage names its teacher,
the ``bounds`` of the tasks that it may choose, and ``until`` when it lasts. The last stage has no end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from teachrl.errors import UsageError
from teachrl.files import StateTree
from teachrl.records.curriculum import Curriculum, Numbers, Region
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Plan, Signal, TeacherConfig, TeacherContext
from teachrl.teachers.composite.base import CompositeTeacher, Part, TeacherChoice, narrowed


class Until(TeacherConfig):
    """When a stage ends: as soon as one condition holds. Means are over the stage's last ``window`` episodes."""

    steps: int | None = Field(None, ge=1, description="environment steps of the run since the stage began")
    episodes: int | None = Field(None, ge=1, description="episodes that ended on tasks of the stage")
    mean_return: float | None = Field(None, allow_inf_nan=False, description="mean return that ends the stage")
    success_rate: float | None = Field(None, gt=0, le=1, description="share of successes that ends the stage")
    window: int = Field(
        100,
        ge=1,
        le=10_000,
        description="how many of the stage's latest episodes mean_return and success_rate are over",
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        means = (self.mean_return, self.success_rate)
        if all(condition is None for condition in (self.steps, self.episodes, *means)):
            raise ValueError("needs one of steps, episodes, mean_return, success_rate")
        if "window" in self.model_fields_set and all(mean is None for mean in means):
            raise ValueError("window goes with mean_return or success_rate")
        return self


class Stage(TeacherConfig):
    """One stage of a sequence."""

    teacher: TeacherChoice = Field(description="the teacher: its name, or a mapping with name, preset, options")
    bounds: dict[str, Any] = Field(
        default={},
        description="for each parameter that is not free in its whole range: [low, high], both included, or one value",
    )
    until: Until | None = Field(None, description="when the next stage begins; the last stage has none")


class SequenceConfig(TeacherConfig):
    """Settings of a sequence."""

    stages: tuple[Stage, ...] = Field(description="the stages, in order")

    @model_validator(mode="after")
    def _only_the_last_goes_on(self) -> Self:
        if not self.stages:
            raise ValueError("a sequence needs at least one stage")
        for i, stage in enumerate(self.stages):
            if (stage.until is None) != (i == len(self.stages) - 1):
                problem = "needs `until`" if stage.until is None else "must not have `until`"
                raise ValueError(f"stages.{i} {problem}: every stage but the last says when it ends")
        return self


class SequenceTeacher(CompositeTeacher):
    """See the module's text. ``reason`` holds ``stage``, from 0; ``teacher_version`` grows with each stage as well.

    An episode that ends after its stage did still goes to its own teacher, and does not count for the new stage.
    """

    Config = SequenceConfig
    config: SequenceConfig
    members = "stages"
    mark = "stage"
    saved = ("_stage", "_first_step", "_episodes", "_returns", "_successes")

    def __init__(self, context: TeacherContext, config: SequenceConfig) -> None:
        parts = [_part(context, i, stage.bounds) for i, stage in enumerate(config.stages)]
        super().__init__(context, config, [stage.teacher for stage in config.stages], parts)
        self._begin(0, 0)

    def _begin(self, stage: int, step: int) -> None:
        self._stage, self._first_step, self._episodes = stage, step, 0
        until = self.config.stages[stage].until
        window = until.window if until is not None else 0
        self._returns: deque[float] = deque(maxlen=window)
        self._successes: deque[bool] = deque(maxlen=window)

    @property
    def signals(self) -> frozenset[Signal]:
        asks = any(stage.until is not None and stage.until.success_rate is not None for stage in self.config.stages)
        return super().signals | (frozenset[Signal]({"success"}) if asks else frozenset())

    def plan(self, n: int) -> Plan:
        plan = self._chosen(self._stage, n, {})
        return replace(plan, version=plan.version + self._stage)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            owner = self._owner(episode.reason)
            if owner is None:
                continue
            self._teachers[owner].update([self._returned(owner, episode, self._own_origin(owner, episode.origin))])
            if owner == self._stage:
                self._episodes += 1
                self._returns.append(episode.episode_return)
                self._successes.append(bool(episode.success))
                if self._over(episode.step):
                    self._begin(self._stage + 1, episode.step)

    def _over(self, step: int) -> bool:
        until = self.config.stages[self._stage].until
        if until is None:
            return False
        if until.steps is not None and step - self._first_step >= until.steps:
            return True
        if until.episodes is not None and self._episodes >= until.episodes:
            return True
        if self._episodes < until.window:
            return False
        if until.mean_return is not None and sum(self._returns) / until.window >= until.mean_return:
            return True
        return until.success_rate is not None and sum(self._successes) / until.window >= until.success_rate

    def explain(self, origin: str, reason: Mapping[str, float]) -> str:
        owner = self._owner(reason)
        if owner is None:
            return super().explain(origin, reason)
        why = self._explained(owner, self._own_origin(owner, origin), reason)
        bounds = [f", {name} in {value}" for name, value in self.config.stages[owner].bounds.items()]
        return f"Stage {owner} ({self._names[owner]}{''.join(bounds)}): {why}"

    def curriculum(self) -> Curriculum:
        """What the teacher of the present stage draws; its uniform share as a region when the stage has bounds."""
        curriculum, part = self._teachers[self._stage].curriculum(), self._parts[self._stage]
        if part.space == self.space:
            return curriculum

        def moved(point: Numbers) -> list[float]:
            return [float(x) for x in np.array(point) + part.offset]

        low, high = moved(part.space.low.tolist()), moved(part.space.high.tolist())
        uniform = [Region(low, high, curriculum.random_ratio, 0.0)] if curriculum.random_ratio > 0 else []
        return Curriculum(
            gaussians=tuple(replace(g, mean=moved(g.mean)) for g in curriculum.gaussians),
            regions=(*(replace(r, low=moved(r.low), high=moved(r.high)) for r in curriculum.regions), *uniform),
            samples=tuple(moved(sample) for sample in curriculum.samples),
            random_ratio=0.0,
        )

    def restore(self, state: StateTree) -> None:
        self._begin(state["stage"], state["first_step"])  # windows of returns have the length that the stage asks for
        super().restore(state)


def _part(context: TeacherContext, i: int, bounds: Mapping[str, Any]) -> Part:
    try:
        return narrowed(context.space, bounds)
    except UsageError as error:
        raise UsageError(f"stages.{i}.bounds: {error}") from None
