"""Sampling for learnability: train on the levels that the present student solves about half the time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from teachrl.records.level_scores import RoundResult
from teachrl.teachers.base import Plan, TeacherContext
from teachrl.teachers.level_replay.base import JudgedLevelsConfig, LevelReplayTeacher, ScoreName
from teachrl.teachers.level_replay.level_buffer import LevelBuffer, ReplayRule, draw

BEST = ReplayRule("rank", temperature=1.0, staleness_coefficient=0.0)
UNIFORM = ReplayRule("uniform", staleness_coefficient=0.0)


class SflConfig(JudgedLevelsConfig):
    """Settings of `SflTeacher`."""

    capacity: int = Field(256, ge=1, description="how many of the judged levels are kept to train on")
    score: ScoreName = Field("learnability", description="what makes a level worth training on")
    candidates: int = Field(1024, ge=1, description="how many new levels are judged before the buffer is made anew")
    refresh_every: int = Field(50, ge=1, description="rounds of training between two judgements")
    buffer_share: float = Field(0.5, ge=0, le=1, description="share of the environments that play levels of the buffer")


class SflTeacher(LevelReplayTeacher):
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
    presets = {"default": {}, "paper": {"candidates": 5000, "capacity": 1000}}
    rule = BEST  # by which a full buffer takes in a candidate; training draws are uniform
    rules = {
        "candidate": "Level {level:.0f} is new, drawn at random to be judged; {judged:.0f} others were before it.",
        "learnable": "Level {level:.0f} is one of the {filled:.0f} most learnable of the last judgement, with "
        "score {score:.3g}.",
        "random": "Level {level:.0f} is new, drawn at random to train on beside the learnable ones.",
    }
    settings: SflConfig
    saved = ("_rounds", "_judging")

    def __init__(self, context: TeacherContext, config: SflConfig) -> None:
        super().__init__(context, config)
        self._rounds = 0
        self._judging = True

    def plan(self, n: int) -> Plan:
        judging_rounds = math.ceil(self.settings.candidates / n)
        position = self._rounds % (judging_rounds + self.settings.refresh_every)
        self._rounds += 1
        self._judging = position < judging_rounds
        if position == 0:
            self.buffer = LevelBuffer.empty(self.settings.capacity, self.space.size)
        return self._judge_more(n, position * n) if self._judging else self._train(n)

    def _judge_more(self, n: int, judged: int) -> Plan:
        origins, numbers = self._number([None] * n), [{"judged": judged}] * n
        return self._round(self._new_levels(n), ("candidate",) * n, origins, numbers, learn=False)

    def _train(self, n: int) -> Plan:
        kept = round(self.settings.buffer_share * n) if self.buffer.filled else 0
        rows = draw(self.buffer, UNIFORM, self.rng, kept).rows
        tasks = np.concatenate([self.buffer.levels[rows], self._new_levels(n - kept)])
        origins = [self.buffer.origin(row) for row in rows] + self._number([None] * (n - kept))
        numbers: list[Mapping[str, float]] = [
            *({"score": float(score), "filled": self.buffer.filled} for score in self.buffer.scores[rows]),
            *([{}] * (n - kept)),
        ]
        names = ("learnable",) * kept + ("random",) * (n - kept)
        return self._round(tasks, names, origins, numbers, learn=True)

    def update_round(self, results: Sequence[RoundResult]) -> None:
        """Score the candidates of the round. Levels in training keep the score that they were chosen by."""
        if self._judging:
            super().update_round(results)
