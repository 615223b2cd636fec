"""Prioritised level replay: play again where there is most to learn, and judge new levels in between."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from teachrl.teachers.base import Plan, TeacherConfig, TeacherContext
from teachrl.teachers.level_replay.base import JudgedLevelsConfig, LevelReplayTeacher
from teachrl.teachers.level_replay.level_buffer import Prioritization, ReplayRule, draw

DCD = {"capacity": 4000, "minimum_fill": 0.5, "replay_probability": 0.5, "staleness_coefficient": 0.3}


class PlrConfig(JudgedLevelsConfig):
    """Settings of `PlrTeacher`."""

    replay_probability: float = Field(0.5, ge=0, le=1, description="how often a round replays, once the buffer may")
    minimum_fill: float = Field(0.5, gt=0, le=1, description="share of the buffer that must be filled before replay")
    prioritization: Prioritization = Field("rank", description="how the score decides: rank, power, top_k or uniform")
    temperature: float = Field(0.3, gt=0, description="the lower, the more the highest scores are preferred")
    staleness_coefficient: float = Field(0.3, ge=0, le=1, description="share of replay that goes by age alone")
    top_k: int = Field(1, ge=1, description="for top_k: how many levels share the probability")
    learn_from_new: bool = Field(True, description="whether the student learns from new levels or only plays them")


class PlrTeacher(LevelReplayTeacher):
    """PLR and robust PLR.

    A round replays with probability ``replay_probability``: each environment gets a level of the buffer, drawn by score
    and staleness. Otherwise each gets a new level, which is scored and offered to the buffer. In ``robust-plr`` the
    student does not learn from new levels (``learn_from_new: false``), so that it only trains where regret is high.

    Sources: Jiang et al. 2021, "Prioritized Level Replay" (arXiv 2010.03934); robust PLR: Jiang et al. 2021,
    "Replay-Guided Adversarial Environment Design" (arXiv 2110.02439).

    Presets: ``default``; ``dcd25`` and ``dcd60``, the authors' settings for mazes of 25 and of 60 walls.

    Deviations: in a replay round the authors draw a new level at each episode's end, here it is held to the end of the
    round (as in JaxUED); a level in several environments has one score over all of them (theirs: the last one's); a
    round's open episodes count for the value losses and end without a return.
    """

    Config: ClassVar[type[TeacherConfig]] = PlrConfig
    presets = {
        "default": {},
        "dcd25": {**DCD, "score": "max_monte_carlo", "temperature": 0.1},
        "dcd60": {**DCD, "score": "positive_value_loss", "temperature": 0.3},
    }
    rules = {
        "random": "Level {level:.0f} is newly drawn, to be judged; the buffer holds {filled:.0f} levels.",
        "replay": "Level {level:.0f} was played again: its score was {score:.3g}, it had not been played for "
        "{staleness:.0f} draws, and so it was drawn with probability {probability:.3g}.",
    }
    settings: PlrConfig

    def __init__(self, context: TeacherContext, config: PlrConfig) -> None:
        super().__init__(context, config)
        choice = config.prioritization, config.temperature, config.staleness_coefficient, config.top_k
        self.rule = ReplayRule(*choice)

    def plan(self, n: int) -> Plan:
        may_replay = self.buffer.filled >= self.settings.minimum_fill * self.settings.capacity
        replay = may_replay and self.rng.random() < self.settings.replay_probability
        return self._replay(n) if replay else self._explore(n)

    def _explore(self, n: int) -> Plan:
        """A round on levels that nobody has judged yet."""
        numbers = [{"filled": self.buffer.filled}] * n
        origins = self._number([None] * n)
        return self._round(self._new_levels(n), ("random",) * n, origins, numbers, self.settings.learn_from_new)

    def _replay(self, n: int) -> Plan:
        draws = draw(self.buffer, self.rule, self.rng, n)
        scores = self.buffer.scores[draws.rows]
        numbers = [
            {"score": float(score), "staleness": int(age), "probability": float(p)}
            for score, age, p in zip(scores, draws.staleness, draws.probabilities, strict=True)
        ]
        origins = [self.buffer.origin(row) for row in draws.rows]
        return self._round(self.buffer.levels[draws.rows], ("replay",) * n, origins, numbers, learn=True)


class RobustPlrConfig(PlrConfig):
    """Settings of `RobustPlrTeacher`."""

    learn_from_new: bool = Field(False, description="whether the student learns from new levels or only plays them")


class RobustPlrTeacher(PlrTeacher):
    """PLR that withholds the gradients of new levels: see `PlrTeacher`."""

    Config = RobustPlrConfig
