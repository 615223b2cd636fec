"""What people know about the tasks of an environment, and how much of it a teacher is told.

Source of the levels: the expert knowledge of TeachMyAgent (Romac et al. 2021, arXiv 2103.09815, section 4). Comparing
teachers is fair only at the same level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from teachrl.errors import UsageError

if TYPE_CHECKING:  # the experiment imports this module, and stays light
    from teachrl.tasks.spaces import TaskSpace, Vector

KnowledgeLevel = Literal["none", "mastery_range", "easy_start", "target"]
Piece = Literal["mastery_range", "easy_start", "target"]
LEVELS: tuple[KnowledgeLevel, ...] = get_args(KnowledgeLevel)
HOW_TO_DECLARE: Mapping[Piece, str] = {
    "mastery_range": "set env.mastery_return in the experiment, or let the environment declare `mastery_return` (or "
    "`reports_success = True` and info['success'])",
    "easy_start": "let the environment declare `initial_mean` and `initial_std`, one number a task parameter",
    "target": "let the environment declare `target_mean` and `target_std`, one number a task parameter",
}


@dataclass(frozen=True)
class TaskDistribution:
    """A Gaussian over tasks with independent dimensions: ``mean`` and ``std`` of shape ``(size,)``, in task units."""

    mean: Vector
    std: Vector

    def sample(self, space: TaskSpace, rng: np.random.Generator, n: int) -> Vector:
        """Draw ``n`` tasks, clipped to the space, whole numbers made whole. Shape ``(n, size)``."""
        draws = rng.normal(self.mean, self.std, (n, space.size))
        return space.from_unit(space.to_unit(np.clip(draws, space.low, space.high)))


@dataclass(frozen=True)
class Knowledge:
    """Pieces of knowledge, ``None`` where the environment declares none or the ``level`` withholds it.

    Levels add up: ``none``; ``mastery_range`` tells what success is; ``easy_start`` adds a distribution of easy tasks;
    ``target`` adds the distribution of the tasks that are wanted in the end.
    """

    level: KnowledgeLevel = "target"
    mastery_return: float | None = None
    reports_success: bool = False
    initial: TaskDistribution | None = None
    target: TaskDistribution | None = None

    def limited_to(self, level: KnowledgeLevel) -> Knowledge:
        """Only what ``level`` allows."""
        rank = LEVELS.index(level)
        return Knowledge(
            level,
            self.mastery_return if rank >= 1 else None,
            self.reports_success and rank >= 1,
            self.initial if rank >= 2 else None,
            self.target if rank >= 3 else None,
        )

    def has(self, piece: Piece) -> bool:
        """Whether a piece is there."""
        if piece == "mastery_range":
            return self.mastery_return is not None or self.reports_success
        return (self.initial if piece == "easy_start" else self.target) is not None

    def check(self, piece: Piece, who: str) -> None:
        """Raise `UsageError` when ``who`` needs a piece that is not there, saying how to provide it."""
        if self.has(piece):
            return
        if LEVELS.index(piece) > LEVELS.index(self.level):
            raise UsageError(f"{who} needs the knowledge {piece!r}, and teacher.knowledge grants only {self.level!r}")
        raise UsageError(f"{who} needs the knowledge {piece!r}, which is not there: {HOW_TO_DECLARE[piece]}")


def declared_distribution(space: TaskSpace, mean: Any, std: Any, name: str) -> TaskDistribution | None:
    """What an environment declares as ``{name}_mean`` and ``{name}_std``; `UsageError` when it cannot be meant."""
    if mean is None and std is None:
        return None
    try:
        values = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0), np.zeros(0)
    if any(v.shape != (space.size,) or not np.isfinite(v).all() for v in values) or (values[1] < 0).any():
        raise UsageError(
            f"the environment's {name}_mean and {name}_std must be {space.size} finite numbers each, one for each of "
            f"{', '.join(space.names)}, deviations not negative; got {mean!r} and {std!r}"
        )
    return TaskDistribution(*values)
