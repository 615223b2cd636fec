"""ADR: widen the range of each parameter while the student masters its ends (automatic domain randomisation).

Source: OpenAI et al., "Solving Rubik's Cube with a robot hand", 2019 (arXiv 1910.07113), section 5 and algorithm 1; as
a teacher in a benchmark: Romac et al., "TeachMyAgent", ICML 2021 (arXiv 2103.09815).

Every parameter has an opened range, a single value at first: the mean of the distribution of easy tasks where that is
known, a random task otherwise. Tasks are uniform in the box of these ranges; with ``boundary_probability``, one bound
is chosen at random and its parameter is set to it. After ``queue_length`` episodes at a bound, it moves outward by one
step if they went well and inward if they went badly. While a range is a single value, every episode is at both bounds.

Presets and deviations:

* ``default`` moves by a share of each range and judges by the share of successes, so that neither the units of a task
  nor those of the reward matter. Bounds that cannot move outward any more are left alone, parameters with one value
  too: in the code of 2021 they go on taking their share of the episodes at bounds.
* ``tma2021``: that share taken, steps of 0.1 in the units of the tasks, mean return at least 180 to widen and at most 0
  to narrow: the settings of the TeachMyAgent benchmark.
* An episode counts for the bound that it was drawn at, as marked in its reason, not for those that its task happens to
  equal; and not when that bound has moved since. With a single environment this makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.records.curriculum import Curriculum, Region
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Piece
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext


class AdrConfig(TeacherConfig):
    """Settings of ADR."""

    boundary_probability: float = Field(0.7, gt=0, le=1, description="share of tasks with a parameter at a bound")
    queue_length: int = Field(10, ge=1, description="episodes at a bound after which it moves or stays")
    step: float = Field(1 / 30, gt=0, description="how far a bound moves, in `units`")
    units: Literal["unit_cube", "native"] = Field(
        "unit_cube", description="what `step` is measured in: shares of each range, or the task's own units"
    )
    measure: Literal["success", "return"] = Field("success", description="what an episode counts with")
    widen_at: float = Field(0.7, description="mean of the measure from which on a bound moves outward")
    narrow_at: float = Field(0.3, description="mean of the measure down from which a bound moves inward")
    sample_saturated: bool = Field(
        False, description="draw also at bounds that cannot move outward any more, and of parameters with one value"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.narrow_at >= self.widen_at:
            raise ValueError(f"narrow_at ({self.narrow_at}) must be below widen_at ({self.widen_at})")
        return self


class AdrTeacher(Teacher):
    """See the module's text."""

    Config = AdrConfig
    presets = {
        "default": {},
        "tma2021": {
            "step": 0.1,
            "units": "native",
            "measure": "return",
            "widen_at": 180.0,
            "narrow_at": 0.0,
            "sample_saturated": True,
        },
    }
    rules = {
        "range": "Drawn uniformly from the ranges opened so far, which hold {volume:.2%} of the task space.",
        "bound": "Drawn with parameter {dimension:.0f} at bound {bound:.0f} (0 the low one, 1 the high one) of its "
        "opened range, as a share {probability:.0%} of all tasks is at some bound, to see whether it can be widened.",
    }
    config: AdrConfig
    saved = ("_bounds", "_sums", "_counts", "_moved", "_version")

    def __init__(self, context: TeacherContext, config: AdrConfig) -> None:
        super().__init__(context, config)
        initial = context.knowledge.initial
        start = self.space.sample(self.rng, 1)[0] if initial is None else initial.mean
        # Row i holds the low and the high bound of parameter i, in the unit cube.
        self._bounds = np.repeat(np.clip(self.space.to_unit(start), 0.0, 1.0)[:, None], 2, axis=1)
        self._varies = self.space.high > self.space.low
        self._step = np.full(self.space.size, config.step)
        if config.units == "native":
            self._step *= self.space.to_unit(self.space.low + 1) - self.space.to_unit(self.space.low)
        self._sums = np.zeros_like(self._bounds)
        self._counts = np.zeros(self._bounds.shape, dtype=np.int64)
        self._moved = np.zeros(self._bounds.shape, dtype=np.int64)  # the version since which each bound is where it is
        self._version = 0

    @classmethod
    def required_knowledge(cls, config: Any) -> tuple[Piece, ...]:
        return ("mastery_range",)

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"} if self.config.measure == "success" else ())

    def _in_play(self) -> NDArray[np.bool_]:
        """The bounds that tasks are drawn at."""
        if self.config.sample_saturated:
            return np.ones(self._bounds.shape, dtype=bool)
        in_play: NDArray[np.bool_] = (self._bounds != [0.0, 1.0]) & self._varies[:, None]
        return in_play

    def plan(self, n: int) -> Plan:
        chosen = [self._choose() for _ in range(n)]
        tasks, origins, reasons = zip(*chosen, strict=True)
        return Plan(np.array(tasks), origins, self._version, reasons)

    def _choose(self) -> tuple[Vector, str, dict[str, float]]:
        low, high = self._bounds.T
        point = self.rng.uniform(low, high)
        in_play = np.argwhere(self._in_play())
        if len(in_play) and self.rng.random() < self.config.boundary_probability:
            dimension, bound = (int(i) for i in self.rng.choice(in_play))
            point[dimension] = self._bounds[dimension, bound]
            reason = {"dimension": dimension, "bound": bound, "probability": self.config.boundary_probability}
            return self.space.from_unit(point), "bound", reason
        return self.space.from_unit(point), "range", {"volume": float((high - low)[self._varies].prod())}

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            by_success = self.config.measure == "success"
            value = float(bool(episode.success)) if by_success else episode.episode_return
            for dimension, bound in np.argwhere(self._reached(episode)):
                self._sums[dimension, bound] += value
                self._counts[dimension, bound] += 1
                if self._counts[dimension, bound] == self.config.queue_length:
                    self._review(dimension, bound)

    def _reached(self, episode: Episode) -> NDArray[np.bool_]:
        """The bounds that an episode counts for."""
        reached = np.repeat((self._bounds[:, 0] == self._bounds[:, 1])[:, None], 2, axis=1)
        if "bound" in episode.reason:
            reached[int(episode.reason["dimension"]), int(episode.reason["bound"])] = True
        reached &= self._in_play() & (self._moved <= episode.teacher_version)
        return reached

    def _review(self, dimension: int, bound: int) -> None:
        mean = self._sums[dimension, bound] / self.config.queue_length
        self._sums[dimension, bound], self._counts[dimension, bound] = 0.0, 0
        outward = self._step[dimension] * (1 if bound else -1)
        low, high = self._bounds[dimension]
        position = self._bounds[dimension, bound]
        if mean >= self.config.widen_at:
            position = np.clip(position + outward, 0.0, 1.0)
        elif mean <= self.config.narrow_at:
            position = max(position - outward, low) if bound else min(position - outward, high)
        if position != self._bounds[dimension, bound]:
            self._version += 1
            self._bounds[dimension, bound], self._moved[dimension, bound] = position, self._version

    def curriculum(self) -> Curriculum:
        low, high = (self.space.from_unit(corner).tolist() for corner in self._bounds.T)
        return Curriculum(regions=(Region(low, high, 1.0, 0.0),), random_ratio=0.0)
