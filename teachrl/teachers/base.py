"""What every teacher is: it chooses tasks (`plan`) and learns from the episodes played on them (`update`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from teachrl.episodes import Episode
from teachrl.errors import UsageError
from teachrl.tasks import TaskSpace, Vector

State = dict[str, Any]


class TeacherConfig(BaseModel):
    """Base of the teachers' settings: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Plan:
    """Tasks to play, vectors of shape ``(n, size)``, with the reason for each and the teacher's version."""

    tasks: Vector
    origins: tuple[str, ...]
    version: int


@dataclass(frozen=True)
class Gaussian:
    """One Gaussian of a teacher's proposal, in task units: mean ``(size,)``, covariance ``(size, size)``.

    ``weight`` is the probability that the teacher draws from it, ``learning_progress`` what it believes is to be had.
    """

    mean: list[float]
    covariance: list[list[float]]
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class Curriculum:
    """What to draw of a teacher at one moment."""

    gaussians: tuple[Gaussian, ...] = ()
    random_ratio: float = 1.0


@dataclass(frozen=True)
class Lesson:
    """What a teacher is told before it starts: the task space, its own random stream, the range of returns if known."""

    space: TaskSpace
    rng: np.random.Generator
    return_range: tuple[float, float] | None = None


class Teacher(ABC):
    """Chooses tasks and learns from episodes.

    Same seed and same episodes give the same tasks; everything that affects the next task is in `state`, a tree of
    dicts, JSON values and arrays.
    """

    Config: ClassVar[type[TeacherConfig]] = TeacherConfig
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"default": {}}

    def __init__(self, lesson: Lesson, config: TeacherConfig) -> None:
        self.space = lesson.space
        self.rng = lesson.rng
        self.lesson = lesson
        self.config = config

    @abstractmethod
    def plan(self, n: int) -> Plan:
        """Choose the next ``n`` tasks."""

    @abstractmethod
    def update(self, episodes: Sequence[Episode]) -> None:
        """Learn from finished episodes, in the order in which they ended."""

    @abstractmethod
    def state(self) -> State:
        """Everything that affects the next tasks."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Go on exactly where `state` was taken."""

    def picture(self) -> Curriculum:
        """What to draw of the teacher now; by default, a uniform choice."""
        return Curriculum()

    def unit_return(self, value: float, clip: bool) -> float:
        """Scale a return by the environment's declared range, so that the range becomes ``[0, 1]``."""
        if self.lesson.return_range is None:
            raise UsageError(
                "this teacher scales returns by the environment's range, and the environment declares none. Give it a "
                "`return_range`, set env.return_range in the experiment, or choose a preset that does not scale."
            )
        low, high = self.lesson.return_range
        scaled = (value - low) / (high - low)
        return min(max(scaled, 0.0), 1.0) if clip else scaled
