"""ACCEL: robust PLR that grows levels by editing those that were worth replaying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from teachrl.errors import UsageError
from teachrl.records.episodes import Array
from teachrl.records.level_scores import RoundResult, same_levels
from teachrl.tasks.spaces import TaskError, Vector
from teachrl.teachers.base import Plan, TeacherContext
from teachrl.teachers.level_replay.plr import DCD, PlrTeacher, RobustPlrConfig

EASIEST = 4


class AccelConfig(RobustPlrConfig):
    """Settings of `AccelTeacher`."""

    replay_probability: float = Field(0.8, ge=0, le=1, description="how often a round replays, once the buffer may")
    edit_probability: float = Field(1.0, ge=0, le=1, description="how often a replayed round is followed by its edits")
    edits: int = Field(5, ge=1, description="edits that separate a child from its parent")
    edit_kind: str | None = Field(None, description="which sort of edits, where the task space has several")
    edit_from: Literal["batch", "easy"] = Field(
        "batch", description="batch: a child of each replayed level; easy: children of the four that are easiest"
    )
    start_from: Literal["random", "easy"] = Field("random", description="whether new levels are the easiest ones")


class AccelTeacher(PlrTeacher):
    """Regret-based evolution of levels.

    As robust PLR; after a replayed round, the levels just replayed are edited, the student plays the children without
    learning, and those with a high score enter the buffer. With ``start_from: easy`` every new level is of the easiest
    kind (an empty maze, or a task of the environment's easy start), and all difficulty comes from edits.

    Source: Parker-Holder et al. 2022, "Evolving Curricula with Regret-Based Environment Design" (arXiv 2203.01302).

    Presets: ``default``; ``dcd60``, the authors' settings for mazes (start from empty ones, edits of the easiest four).

    Deviations: as in `PlrTeacher`; ``easy`` means the four replayed levels with the highest mean return less score, as
    the paper has it (the authors' code sorts the other way round), and a level on which no episode ended is not among
    them; a child is as far from its parent as ``edits`` lead, the authors redraw terrain as well.
    """

    Config = AccelConfig
    presets = {
        "default": {},
        "dcd60": {
            **DCD,
            "replay_probability": 0.8,
            "score": "positive_value_loss",
            "edit_kind": "dcd",
            "edit_from": "easy",
            "start_from": "easy",
        },
    }
    rules = {
        **PlrTeacher.rules,
        "edit": "Level {level:.0f} is level {parent:.0f} with {edits:.0f} edits, {generation:.0f} generations from a "
        "generated one, played to be judged.",
    }
    settings: AccelConfig
    saved = ("_replayed", "_parents")

    def __init__(self, context: TeacherContext, config: AccelConfig) -> None:
        super().__init__(context, config)
        self._replayed = False
        self._parents: list[int] = []  # environments of the last round whose levels are to be edited
        self._check()

    def _check(self) -> None:
        """Complain now about what the task space cannot do."""
        rng, space = np.random.default_rng(0), self.space
        try:
            space.mutate(rng, space.sample(rng, 1), 1, self.settings.edit_kind)
            if self.settings.start_from == "easy" and not self.context.knowledge.has("easy_start"):
                space.sample_easy(rng, 1)
        except TaskError as error:
            raise UsageError(f"teacher 'accel': {error}") from None

    def plan(self, n: int) -> Plan:
        if self._parents:
            return self._edit(n)
        self._replayed = False
        return super().plan(n)

    def _replay(self, n: int) -> Plan:
        self._replayed = True
        return super()._replay(n)

    def _new_levels(self, n: int) -> Vector:
        if self.settings.start_from == "random":
            return super()._new_levels(n)
        easy = self.context.knowledge.initial
        return self.space.sample_easy(self.rng, n) if easy is None else easy.sample(self.space, self.rng, n)

    def _edit(self, n: int) -> Plan:
        parents = np.resize(self._parents, n)
        origins = self._number([self._origins[i] for i in parents])
        children = self._solvable(parents, self._edited)
        self._parents, self._replayed = [], False
        return self._round(children, ("edit",) * n, origins, [{"edits": self.settings.edits}] * n, learn=False)

    def _edited(self, environments: Array) -> Vector:
        """A child of the level of each of these environments, shape ``(n, size)``."""
        return self.space.mutate(self.rng, self._tasks[environments], self.settings.edits, self.settings.edit_kind)

    def update_round(self, results: Sequence[RoundResult]) -> None:
        super().update_round(results)
        if self._replayed and self.rng.random() < self.settings.edit_probability:
            environments = list(range(len(self._tasks)))
            self._parents = environments if self.settings.edit_from == "batch" else self._easiest(results[0])

    def _easiest(self, played: RoundResult) -> list[int]:
        """One environment for each of the levels with the highest mean return less score."""
        ease: dict[int, float] = {}
        for environments in same_levels(self._tasks):
            row, returns = self.buffer.row_of(self._tasks[environments[0]]), played.returns(environments)
            if row is not None and returns:
                ease[int(environments[0])] = float(np.mean(returns)) - float(self.buffer.scores[row])
        return sorted(ease, key=lambda i: -ease[i])[:EASIEST]
