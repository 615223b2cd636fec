"""Oracle: a window over the tasks that an expert made, which slides from the easy to the hard end.

Source: Portelas, Colas, Hofmann, Oudeyer, "Teacher algorithms for curriculum learning of Deep RL in continuously
parameterized environments", CoRL 2019 (arXiv 1910.07224), where it is the hand-made baseline.

Tasks are uniform in a box whose sides are a share ``window`` of each range. It starts where every parameter is easiest.
After every ``review_episodes`` episodes the window moves one step in all parameters at once if the student masters it,
until it stands at the hard end; it never moves back.

Which end of a parameter is easy is said by ``easy_ends``; where that says nothing, it is the end nearer to the mean of
the distribution of easy tasks, if that is known; otherwise the low one.

Presets and deviations:

* ``default`` moves by 1/30 of each range when half of the episodes succeed.
* ``corl2019`` moves when the mean return is above the return that counts as mastery. Stump height starts low and moves
  by 0.1, obstacle spacing starts high and moves by 0.2, in the units of the tasks: the published settings for Stump
  Tracks. Parameters of other environments are treated as in ``default``.
* Only episodes whose task came from the window as it stands are counted. With a single environment, as in the original,
  these are all episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from teachrl.errors import UsageError, unknown_name
from teachrl.records.curriculum import Curriculum, Region
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Piece
from teachrl.tasks.spaces import Vector
from teachrl.teachers.base import Plan, Signal, Teacher, TeacherConfig, TeacherContext

End = Literal["low", "high"]
PUBLISHED_ENDS: dict[str, End] = {"stump_height": "low", "obstacle_spacing": "high"}
PUBLISHED_STEPS = {"stump_height": 0.1, "obstacle_spacing": 0.2}


class OracleConfig(TeacherConfig):
    """Settings of the Oracle."""

    window: float = Field(1 / 6, gt=0, le=1, description="side of the window, as a share of each range")
    step: float = Field(1 / 30, gt=0, le=1, description="how far the window moves, as a share of each range")
    task_unit_steps: dict[str, float] = Field(
        {}, description="how far the window moves in the task's own units, by parameter, in place of `step`"
    )
    easy_ends: dict[str, End] = Field({}, description="which end is easy, low or high, by parameter")
    review_episodes: int = Field(50, ge=1, description="episodes after which the window moves or stays")
    criterion: Literal["success_rate", "mean_return"] = Field(
        "success_rate",
        description="what moves the window: success_rate episodes succeed, or the mean return is above mastery_return",
    )
    success_rate: float = Field(0.5, gt=0, le=1, description="share of successes that moves the window")


class OracleTeacher(Teacher):
    """See the module's text. Raises `UsageError` for settings that name parameters which the task space lacks."""

    Config = OracleConfig
    presets = {
        "default": {},
        "corl2019": {"criterion": "mean_return", "easy_ends": PUBLISHED_ENDS, "task_unit_steps": PUBLISHED_STEPS},
    }
    rules = {
        "window": "Drawn uniformly from the window, which has moved {moves:.0f} times, each time after "
        "{review_episodes:.0f} episodes that it was mastered in."
    }
    config: OracleConfig
    saved = ("_moves", "_results")

    def __init__(self, context: TeacherContext, config: OracleConfig) -> None:
        super().__init__(context, config)
        for name in (*config.easy_ends, *config.task_unit_steps):
            if name not in (*self.space.names, *PUBLISHED_ENDS):
                raise unknown_name("task parameter in the Oracle's settings", name, self.space.names)
        if config.criterion == "mean_return" and context.knowledge.mastery_return is None:
            raise UsageError(
                "the Oracle compares mean returns with the return that counts as mastery, and there is none: set "
                "env.mastery_return in the experiment, or the Oracle's criterion to success_rate"
            )
        starts_high = self._easy_ends() == "high"
        self._start = np.where(starts_high, 1 - config.window, 0.0)
        unit = self.space.to_unit(self.space.low + 1) - self.space.to_unit(self.space.low)
        steps = [
            config.task_unit_steps[name] * unit[i] if name in config.task_unit_steps else config.step
            for i, name in enumerate(self.space.names)
        ]
        self._step = np.where(starts_high, -1.0, 1.0) * steps
        self._moves = 0
        self._results: list[float] = []

    @classmethod
    def required_knowledge(cls, config: Any) -> tuple[Piece, ...]:
        return ("mastery_range",)

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"} if self.config.criterion == "success_rate" else ())

    def _easy_ends(self) -> np.ndarray[Any, Any]:
        initial = self.context.knowledge.initial
        known = np.zeros(self.space.size) if initial is None else self.space.to_unit(initial.mean)
        ends = [
            self.config.easy_ends.get(name, "high" if unit > 0.5 else "low")
            for name, unit in zip(self.space.names, known, strict=True)
        ]
        return np.array(ends)

    def _low(self) -> Vector:
        """The low corner of the window, in the unit cube."""
        corner: Vector = np.clip(self._start + self._moves * self._step, 0.0, 1.0 - self.config.window)
        return corner

    def plan(self, n: int) -> Plan:
        points = self._low() + self.config.window * self.rng.random((n, self.space.size))
        reason = {"moves": float(self._moves), "review_episodes": float(self.config.review_episodes)}
        return Plan(self.space.from_unit(points), ("window",) * n, self._moves, (reason,) * n)

    def update(self, episodes: Sequence[Episode]) -> None:
        for episode in episodes:
            if episode.teacher_version != self._moves:
                continue
            by_success = self.config.criterion == "success_rate"
            self._results.append(float(bool(episode.success)) if by_success else episode.episode_return)
            if len(self._results) == self.config.review_episodes:
                self._moves += self._is_mastered()
                self._results = []

    def _is_mastered(self) -> bool:
        mean, mastery = float(np.mean(self._results)), self.context.knowledge.mastery_return
        if self.config.criterion == "success_rate" or mastery is None:
            return mean >= self.config.success_rate
        return mean > mastery

    def curriculum(self) -> Curriculum:
        low = self._low()
        low, high = self.space.from_unit(low), self.space.from_unit(low + self.config.window)
        return Curriculum(regions=(Region(low.tolist(), high.tolist(), 1.0, 0.0),), random_ratio=0.0)
