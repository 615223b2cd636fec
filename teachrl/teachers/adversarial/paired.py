"""PAIRED: an agent builds tasks on which one student does better than the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachrl.records.level_scores import RoundResult
from teachrl.teachers.adversarial.level_designer import DCD, BuildingTeacher, LevelDesignerConfig
from teachrl.teachers.adversarial.regret import Kind, regrets


class PairedConfig(LevelDesignerConfig):
    """Settings of `PairedTeacher`."""

    regret: Kind = Field("standard", description="standard: antagonist over protagonist; flexible: best over other")


class PairedTeacher(BuildingTeacher):
    """Each round, the builder makes one task an environment, both students play it, and the builder is paid the regret.

    Regret is the antagonist's best return less the protagonist's mean return, and not below 0
    (`teachrl.teachers.adversarial.regret`): it is high where a task can be solved and the protagonist does not solve
    it. Nothing that the builder makes is left out, tasks that cannot be solved included. A task on which a student
    ended no episode is paid 0 and counted (`unjudged` in the log).

    Source: Dennis et al. 2020, "Emergent Complexity and Zero-shot Transfer via Unsupervised Environment Design" (arXiv
    2012.02096); the order of building: Jiang et al. 2021, "Replay-Guided Adversarial Environment Design" (arXiv
    2110.02439).

    Presets: ``default``; ``dcd``, the settings of Jiang et al. in mazes.

    Deviations: the builder's reward is not discounted in ``default`` (γ = 1), so that the first of many moves gets as
    much of it as the last; its network is that of the student of the same name, without a convolution. In ``dcd`` it
    learns in minibatches of 256 moves and has no memory, as it sees all that it built; theirs is an LSTM and learns in
    one minibatch: ``builder: ppo-lstm``. See also `MazeBuilder` and `CubeBuilder`.
    """

    Config = PairedConfig
    students = ("protagonist", "antagonist")
    presets = {"default": {}, "dcd": {"builder_options": DCD}}
    config: PairedConfig

    def worth(self, results: Sequence[RoundResult]) -> NDArray[np.float64]:
        protagonist, antagonist = results
        return regrets(protagonist, antagonist, self.context.n_envs, self.config.regret)
