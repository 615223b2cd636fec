"""Minimax: an agent builds the tasks on which the student fares worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teachrl.records.level_scores import RoundResult
from teachrl.teachers.adversarial.level_designer import DCD, BuildingTeacher


class MinimaxTeacher(BuildingTeacher):
    """The builder of `PairedTeacher`, paid the student's best return with the sign turned. There is one student.

    It tends to tasks that cannot be solved, which is why regret was invented; it is here to compare with. A task on
    which no episode ended is paid 0 and counted.

    Source: the minimax adversary of Dennis et al. 2020 (arXiv 2012.02096), as in the code of Jiang et al. 2021 (arXiv
    2110.02439). Presets: ``default``; ``dcd``, the latter's settings in mazes. Deviations: those of `PairedTeacher`.
    """

    presets = {"default": {}, "dcd": {"builder_options": DCD}}

    def worth(self, results: Sequence[RoundResult]) -> NDArray[np.float64]:
        (played,) = results
        returns = [played.returns(np.array([i])) for i in range(self.context.n_envs)]
        return np.array([-max(own) if own else np.nan for own in returns])
