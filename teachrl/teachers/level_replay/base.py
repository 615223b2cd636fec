"""What all teachers with a level buffer share: the round that is being played, its judgement, and the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from teachrl.errors import UsageError, unknown_name
from teachrl.files import StateTree
from teachrl.records.curriculum import BufferedLevel, Curriculum
from teachrl.records.episodes import Array
from teachrl.records.level_scores import SCORES, RoundResult, same_levels
from teachrl.records.state import Saved
from teachrl.tasks.spaces import TaskError, Vector
from teachrl.teachers.base import Plan, Signal, TeacherConfig, TeacherContext
from teachrl.teachers.level_replay.level_buffer import LevelBuffer, Origin, ReplayRule, offer
from teachrl.teachers.rounds import RoundTeacher

# Enough for a gallery; the whole buffer would make every picture as large as a checkpoint.
PICTURED = 16
DRAWS = 1000
IDLE_LIMIT = 100


def _known_score(name: str) -> str:
    if name not in SCORES:
        raise ValueError(str(unknown_name("level score", name, SCORES)))
    return name


ScoreName = Annotated[str, AfterValidator(_known_score)]


class JudgedLevelsConfig(TeacherConfig):
    """Settings of every teacher with a level buffer."""

    capacity: int = Field(4000, ge=1, description="how many levels the buffer holds")
    score: ScoreName = Field("max_monte_carlo", description="what makes a level worth replaying")
    only_solvable: bool = Field(False, description="whether new levels that cannot be solved are made again")


class LevelReplayTeacher(RoundTeacher):
    """Keeps levels with scores. A subclass plans; here is what follows from a plan.

    All environments and all ended episodes of a level in a round make one score; the best return of a level outlives
    the round as long as the level is in the buffer. A level about which a round tells nothing keeps its score, and one
    that is new is not taken in.
    """

    Config: ClassVar[type[TeacherConfig]] = JudgedLevelsConfig
    takes_levels = True
    rule: ReplayRule = ReplayRule()
    saved: ClassVar[Saved] = ("version", "_tasks", "_next_number", "_idle")

    def __init__(self, context: TeacherContext, config: JudgedLevelsConfig) -> None:
        super().__init__(context, config)
        self.settings = config
        self._judge = SCORES[config.score]
        self.buffer = LevelBuffer.empty(config.capacity, context.space.size)
        self.version = 0
        self._tasks: Vector = np.zeros((0, context.space.size))
        self._origins: list[Origin] = []
        self._next_number = 0
        self._idle = 0  # rounds in a row that gave no level a score
        if self._judge.needs == "optimal_return":
            self._must_know(context.space.optimal_return)
        if config.only_solvable:
            self._must_know(context.space.is_solvable)

    def _must_know(self, ask: Callable[[Vector], object]) -> None:
        try:
            ask(np.zeros((0, self.space.size)))
        except TaskError as error:
            raise UsageError(f"{type(self).__name__}: {error}") from None

    @property
    def signals(self) -> frozenset[Signal]:
        return frozenset({"success"} if self._judge.needs == "success" else ())

    def _new_levels(self, n: int) -> Vector:
        """Fresh levels of the space's own generator, shape ``(n, size)``."""
        return self._solvable(np.arange(n), lambda which: self.space.sample(self.rng, len(which)))

    def _solvable(self, which: Array, make: Callable[[Array], Vector]) -> Vector:
        """``make(which)``, and with ``only_solvable`` those levels made again that cannot be solved."""
        levels = make(which)
        if not self.settings.only_solvable:
            return levels
        for _ in range(DRAWS):
            bad = np.flatnonzero(~self.space.is_solvable(levels))
            if not len(bad):
                return levels
            levels[bad] = make(which[bad])
        raise UsageError(
            f"{DRAWS} draws from {self.space!r} gave no level that can be solved: give its generator fewer "
            "walls, or set only_solvable to false"
        )

    def _number(self, parents: Sequence[Origin | None]) -> list[Origin]:
        """Numbers for levels that have none yet, given what each is an edit of."""
        first, self._next_number = self._next_number, self._next_number + len(parents)
        return [
            Origin(first + i) if p is None else Origin(first + i, p.number, p.generation + 1)
            for i, p in enumerate(parents)
        ]

    def _round(
        self,
        tasks: Vector,
        rules: Sequence[str],
        origins: list[Origin],
        numbers: Sequence[Mapping[str, float]],
        learn: bool,
    ) -> Plan:
        """Remember what is played, and the plan of it; ``numbers`` are what decided, beside a level's origin."""
        self._tasks, self._origins = np.array(tasks), origins
        self.version += 1
        reasons = tuple(
            {"level": o.number, "parent": o.parent, "generation": o.generation, **more}
            for o, more in zip(origins, numbers, strict=True)
        )
        return Plan(self._tasks.copy(), tuple(rules), self.version, reasons, learn)

    def update_round(self, results: Sequence[RoundResult]) -> None:
        """Score every level of the round, and offer those that are new to the buffer.

        Raises `UsageError` when round after round gives no level a score, so that a run cannot go on for nothing.
        """
        scored = False
        for environments in same_levels(self._tasks):
            scored |= self._update_level(environments, results[0])
        self._idle = 0 if scored else self._idle + 1
        if self._idle == IDLE_LIMIT:
            raise UsageError(
                f"{type(self).__name__}: in {IDLE_LIMIT} rounds no level got a score; {self.settings.score} needs "
                "episodes that end within a round. Let the student collect fragments that are longer than episodes "
                "(`n_steps`, `train_freq`), or choose the score positive_value_loss or value_l1"
            )

    def _update_level(self, environments: Array, played: RoundResult) -> bool:
        """Score one level by all environments that played it; whether the round told anything about it."""
        level, origin = self._tasks[environments[0]], self._origins[environments[0]]
        row = self.buffer.row_of(level)
        known = np.nan if row is None else self.buffer.best_returns[row]
        best = float(np.fmax.reduce(played.returns(environments), initial=known))
        score = self._score(level, played, environments, None if np.isnan(best) else best)
        if row is not None:
            self.buffer.best_returns[row] = best
            self.buffer.scores[row] = self.buffer.scores[row] if score is None else score
        elif score is not None:
            offer(self.buffer, self.rule, level, score, best, origin)
        return score is not None

    def _score(self, level: Vector, played: RoundResult, environments: Array, best: float | None) -> float | None:
        """The level's score; ``None`` where the round tells nothing about it."""
        if self._judge.needs == "optimal_return":
            best = float(self.space.optimal_return(level[None])[0])
        return self._judge.compute(played, environments, best)

    def curriculum(self) -> Curriculum:
        """The highest-scored and the newest levels with their ancestors, and score and staleness of all."""
        buffer, filled = self.buffer, self.buffer.filled
        by_score = np.argsort(-buffer.scores[:filled], kind="stable")[:PICTURED]
        newest = np.argsort(-buffer.numbers[:filled], kind="stable")[:PICTURED]
        shown = {int(row) for row in (*by_score, *newest)}
        where = {int(number): row for row, number in enumerate(buffer.numbers[:filled])}
        for row in list(shown):
            ancestor: int | None = row
            while (ancestor := where.get(int(buffer.parents[ancestor]))) is not None:
                shown.add(ancestor)
        staleness = buffer.staleness()
        levels = tuple(
            BufferedLevel(
                buffer.levels[row].tolist(),
                float(buffer.scores[row]),
                int(staleness[row]),
                *astuple(buffer.origin(row)),
            )
            for row in sorted(shown, key=lambda row: -buffer.scores[row])
        )
        pairs = tuple((float(s), int(age)) for s, age in zip(buffer.scores[:filled], staleness, strict=True))
        return Curriculum(levels=levels, buffer=pairs)

    def state(self) -> StateTree:
        origins = [list(astuple(origin)) for origin in self._origins]
        return {**super().state(), "buffer": self.buffer.state(), "origins": origins}

    def restore(self, state: StateTree) -> None:
        super().restore(state)
        self.buffer = LevelBuffer.from_state(state["buffer"])
        self._origins = [Origin(*numbers) for numbers in state["origins"]]
