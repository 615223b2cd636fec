"""Sampling for learnability: train on the levels that the present student solves about half the time."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from teachrl.tasks import Vector
from teachrl.teachers.base import Lesson, Plan, State
from teachrl.teachers.judged_levels import JudgedLevelsConfig, JudgedLevelsTeacher, ScoreName
from teachrl.teachers.level_buffer import LevelBuffer, Origin, ReplayRule, draw


class SflConfig(JudgedLevelsConfig):
    """Settings of `SflTeacher`."""

    capacity: int = Field(256, ge=1, description="how many of the judged levels are kept to train on")
    score: ScoreName = Field("learnability", description="what makes a level worth training on")
    candidates: int = Field(1024, ge=1, description="how many new levels are judged before the buffer is made anew")
    refresh_every: int = Field(50, ge=1, description="rounds of training between two judgements")
    buffer_share: float = Field(0.5, ge=0, le=1, description="share of the environments that play levels of the buffer")


class SflTeacher(JudgedLevelsTeacher):
    """SFL: every ``refresh_every`` rounds, judge ``candidates`` random levels and keep the most learnable ones.

    While it judges, the student plays and does not learn; each environment plays one candidate a round, so judging
    takes ``candidates / n_envs`` rounds, and these steps count as scoring steps. In training, ``buffer_share`` of the
    environments get uniform draws from the buffer, the others new random levels.

    Source: Rutherford et al. 2024, "No Regrets: Investigating and Improving Regret Approximations for Curriculum
    Discovery" (arXiv 2408.15099).

    Presets: ``default``; ``paper``, 5,000 candidates, 1,000 kept.

    Deviations: the original judges each candidate for a fixed number of steps on hundreds of environments and does not
    count them as environment steps; here a candidate is judged for one fragment, by all the episodes that ended in it.
    A level is held for a round.
    """

    Config = SflConfig
    presets = {"default": {}, "paper": {"candidates": 5000, "capacity": 1000}}  # noqa: RUF012
    rule = ReplayRule("uniform", staleness_coefficient=0.0)
    rules = {  # noqa: RUF012
        "candidate": "Level {level:.0f} is new, drawn at random to be judged, after {judged:.0f} others.",
        "learnable": "Level {level:.0f} is one of the {filled:.0f} most learnable of the last judgement, with "
        "score {score:.3g}.",
        "random": "Level {level:.0f} is new, drawn at random to train on beside the learnable ones.",
    }
    settings: SflConfig

    def __init__(self, lesson: Lesson, config: SflConfig) -> None:
        super().__init__(lesson, config)
        self._judged = 0  # candidates so far, of the judgement that is going on
        self._rounds_left = 0  # of training, before the next one
        self._found = LevelBuffer.empty(config.capacity, lesson.space.size)
        self._judging = False

    def plan(self, n: int) -> Plan:
        if self._rounds_left == 0 and self._judged >= self.settings.candidates:
            self.buffer, self._found = self._found, LevelBuffer.empty(self.settings.capacity, self.space.size)
            self._judged, self._rounds_left = 0, self.settings.refresh_every
        self._judging = self._rounds_left == 0
        return self._judge_more(n) if self._judging else self._train(n)

    def _judge_more(self, n: int) -> Plan:
        numbers = [{"judged": self._judged}] * n
        self._judged += n
        return self._round(self._new_levels(n), ("candidate",) * n, self._number([None] * n), numbers, learn=False)

    def _train(self, n: int) -> Plan:
        self._rounds_left -= 1
        kept = min(round(self.settings.buffer_share * n), n) if self.buffer.filled else 0
        rows = [draw(self.buffer, self.rule, self.rng)[0] for _ in range(kept)]
        tasks = np.concatenate([self.buffer.levels[rows], self._new_levels(n - kept)])
        origins = [self.buffer.origin(row) for row in rows] + self._number([None] * (n - kept))
        numbers: list[dict[str, float]] = [
            {"score": float(self.buffer.scores[row]), "filled": self.buffer.filled} for row in rows
        ]
        names = ("learnable",) * kept + ("random",) * (n - kept)
        return self._round(tasks, names, origins, [*numbers, *[{} for _ in range(n - kept)]], learn=True)

    def _take(self, level: Vector, score: float, best_return: float, origin: Origin) -> None:
        """Keep a candidate if it is among the best so far; what is played in training is no candidate."""
        if not self._judging or self._found.row_of(level) is not None:
            return
        row = self._found.filled
        if row == self._found.capacity:
            row = int(self._found.scores.argmin())
            if self._found.scores[row] >= score:
                return
        self._found.put(row, level, score, best_return, origin)

    def state(self) -> State:
        own = {"judged": self._judged, "rounds_left": self._rounds_left, "judging": self._judging}
        return {**super().state(), **own, "found": self._found.state()}

    def restore(self, state: State) -> None:
        super().restore(state)
        self._judged, self._rounds_left = state["judged"], state["rounds_left"]
        self._judging, self._found = state["judging"], LevelBuffer.from_state(state["found"])
