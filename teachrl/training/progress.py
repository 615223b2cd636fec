"""What the training loop reports to its callbacks and to its caller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from teachrl.config.experiment import Experiment

Status = Literal["finished", "interrupted", "stopped", "failed"]
"""How a run ended. ``interrupted``: by a signal; ``stopped``: a callback asked for it; both can be resumed."""


@dataclass(frozen=True)
class RunInfo:
    """A run that begins or goes on: its experiment, its directory, and the environment steps already made."""

    experiment: Experiment
    path: Path
    step: int


@dataclass(frozen=True)
class Progress:
    """How a run stands.

    ``mean_return`` is over the last 100 episodes, ``mastered_percent`` of the last evaluation. ``teacher_share`` is the
    teacher's share of the wall time.
    """

    step: int
    total_steps: int
    steps_per_second: float
    mean_return: float | None
    mastered_percent: float | None
    episodes: int
    teacher_share: float = 0.0


@dataclass(frozen=True)
class RunResult:
    """How a run ended, and where it is."""

    path: Path
    status: Status
    step: int


def passed(every: int, before: int, now: int) -> bool:
    """Whether a multiple of ``every`` lies in ``(before, now]``; never when ``every`` is 0."""
    return every > 0 and before // every != now // every
