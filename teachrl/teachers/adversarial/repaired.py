"""REPAIRED: robust PLR whose new levels are built by the agent of PAIRED."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, model_validator

from teachrl.records.level_scores import RoundResult
from teachrl.teachers.adversarial.level_designer import BUILT, DCD, LevelDesigner, LevelDesignerConfig
from teachrl.teachers.adversarial.regret import Kind, regrets
from teachrl.teachers.base import Plan, TeacherContext
from teachrl.teachers.level_replay.plr import PlrTeacher, RobustPlrConfig


class RepairedConfig(RobustPlrConfig, LevelDesignerConfig):
    """Settings of `RepairedTeacher`."""

    replay_probability: float = Field(0.95, ge=0, le=1, description="how often a round replays, once the buffer may")
    regret: Kind = Field("standard", description="standard: antagonist over protagonist; flexible: best over other")

    @model_validator(mode="after")
    def _keeps_what_is_built(self) -> RepairedConfig:
        if self.only_solvable:
            raise ValueError("only_solvable draws new levels again, and here they are built: leave it false")
        return self


class RepairedTeacher(PlrTeacher):
    """Robust PLR of two students, whose new levels come from a builder that is paid the students' regret.

    A round replays with probability ``replay_probability``, and both students learn from it. Otherwise the builder
    makes one level an environment, the students play them and do not learn, and the builder does. Replayed levels teach
    the builder nothing.

    Source: Jiang et al. 2021, "Replay-Guided Adversarial Environment Design" (arXiv 2110.02439).

    Presets: ``default``; ``dcd``, the authors' settings in mazes.

    Deviations: there is one buffer, scored by the protagonist alone (theirs has one of each student, over common
    levels); and those of `PlrTeacher` and `PairedTeacher`.
    """

    Config = RepairedConfig
    students = ("protagonist", "antagonist")
    presets = {
        "default": {},
        "dcd": {"capacity": 4000, "score": "max_monte_carlo", "temperature": 0.1, "builder_options": DCD},
    }
    rules = {"builder": BUILT, "replay": PlrTeacher.rules["replay"]}
    settings: RepairedConfig
    saved = ("builder",)

    def __init__(self, context: TeacherContext, config: RepairedConfig) -> None:
        super().__init__(context, config)
        self.builder = LevelDesigner(context, config)

    def _explore(self, n: int) -> Plan:
        """A round on levels that the builder makes."""
        levels, origins = self.builder.build(self.rng, n), self._number([None] * n)
        return self._round(levels, ("builder",) * n, origins, self.builder.reasons(), self.settings.learn_from_new)

    def update_round(self, results: Sequence[RoundResult]) -> None:
        super().update_round(results)
        if self.builder.is_waiting:
            protagonist, antagonist = results
            self.builder.learn(regrets(protagonist, antagonist, self.context.n_envs, self.settings.regret))
