"""What a report knows of a run: plain records, as `reading` fills them from a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.records.curriculum import Curriculum
from teachrl_envs.tasks import TaskSpace

Vector = NDArray[np.float64]
Words = NDArray[np.str_]


@dataclass(frozen=True)
class Episodes:
    """The training episodes of one student, in order; every array has one entry an episode.

    ``tasks`` has shape ``(n, space.size)``, and ``(n, 0)`` where tasks are levels: a level is long, so only some are
    read (`PlayedLevels`). ``version`` is the teacher's when it chose the task, ``env_index`` where it was played.
    """

    step: Vector
    returns: Vector
    tasks: Vector
    version: Vector
    env_index: Vector

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class PlayedLevels:
    """Episodes of the protagonist, spread evenly over the log, with their levels ``(m, space.size)``.

    Empty where tasks are no levels.
    """

    step: Vector
    length: Vector
    returns: Vector
    origin: Words
    levels: Vector

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation as arrays over the test set. ``mastered`` is 1, 0, or NaN where mastery is not defined.

    ``solve_rates`` are NaN where they are not recorded or not defined.
    ``costs`` is what the run had cost by then: steps by kind, updates and seconds. Those not recorded are missing.
    """

    step: int
    mastered_percent: float
    mean_return: float
    mean_discounted_return: float
    tasks: Vector
    returns: Vector
    mastered: Vector
    solve_rates: Vector
    costs: Mapping[str, float]


@dataclass(frozen=True)
class RunData:
    """All that a report needs from one run directory. ``notes`` say which files could not be read.

    ``episodes`` are those of the student that is trained for, ``antagonist`` those of the second one, if there is one.
    ``space`` is what the teacher chooses from, ``judged_space`` that of the evaluations; they differ when the teacher
    also chooses where episodes start. Vectors of the ``curricula`` are finite arrays of that space.
    """

    path: Path
    experiment: Mapping[str, Any]
    experiment_text: str
    status: Mapping[str, Any]
    space: TaskSpace
    judged_space: TaskSpace
    episodes: Episodes
    antagonist: Episodes
    played: PlayedLevels
    evaluations: tuple[Evaluation, ...]
    curricula: tuple[Curriculum, ...]
    notes: tuple[str, ...]
