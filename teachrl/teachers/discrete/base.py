"""A finite set of tasks made from any task space, and what all teachers that choose from such a set share."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from teachrl.errors import UsageError
from teachrl.records.curriculum import Curriculum, Region
from teachrl.records.state import Saved
from teachrl.tasks.spaces import TaskSpace, Vector
from teachrl.teachers.base import Plan, Teacher, TeacherConfig, TeacherContext

MAXIMUM_CELLS = 10_000
PICTURED_CELLS = 400
RANDOM_RULE = "Drawn uniformly from the whole task space, as a share {probability:.0%} of all tasks is."

Cells = NDArray[np.int64]
CellNumbers = NDArray[np.float64]


class TaskSet:
    """A task space cut into a finite, ordered list of cells; the last dimension runs fastest.

    Every choice is a cell of its own, and so is every whole number of a dimension with at most ``cells_per_dimension``
    of them; with more, neighbours are grouped into ``cells_per_dimension`` groups whose sizes differ by one at most. A
    continuous dimension is cut into ``cells_per_dimension`` cells of equal length, a fixed one is a single cell. Raises
    `UsageError` when that makes more than `MAXIMUM_CELLS`.
    """

    def __init__(self, space: TaskSpace, cells_per_dimension: int) -> None:
        self.space = space
        self.shape = cell_counts(space, cells_per_dimension)
        if math.prod(self.shape) > MAXIMUM_CELLS:
            raise UsageError(_too_many(space, cells_per_dimension))
        bounds = [_cell_bounds(space, i, count) for i, count in enumerate(self.shape)]
        self._starts = [low for low, _ in bounds]
        self._whole = np.array([d.kind != "continuous" for d in space.dimensions])
        places = np.unravel_index(np.arange(self.size), self.shape)
        self._low: Vector = np.stack([low[p] for (low, _), p in zip(bounds, places, strict=True)], axis=1)
        self._high: Vector = np.stack([high[p] for (_, high), p in zip(bounds, places, strict=True)], axis=1)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def unit_centers(self) -> Vector:
        """The middle of every cell in the unit cube, shape ``(cells, size)``."""
        centers: Vector = self.space.to_unit((self._low + self._high) / 2)
        return centers

    @property
    def centers(self) -> Vector:
        """The task in the middle of every cell, shape ``(cells, size)``; of two middle whole numbers, the lower one."""
        middle = (self._low + self._high) / 2
        centers: Vector = np.where(self._whole, np.floor(middle), middle)
        return centers

    def index_of(self, tasks: Vector) -> Cells:
        """The cells of tasks ``(..., size)``, shape ``(...)``. A task on the border of two is in the upper one."""
        places = [
            np.clip(np.searchsorted(starts, tasks[..., i], side="right") - 1, 0, None)
            for i, starts in enumerate(self._starts)
        ]
        return np.ravel_multi_index(tuple(places), self.shape).astype(np.int64)

    def sample(self, rng: np.random.Generator, indices: Cells) -> Vector:
        """A task drawn uniformly inside each of the cells ``indices (n,)``, shape ``(n, size)``."""
        low, high = self._low[indices], self._high[indices]
        tasks = low + rng.random(low.shape) * (high - low + self._whole)
        inside: Vector = np.minimum(np.where(self._whole, np.floor(tasks), tasks), high)
        return inside

    def regions(self, weights: CellNumbers, learning_progress: CellNumbers) -> tuple[Region, ...]:
        """What to draw: the `PICTURED_CELLS` cells of the highest weights above 0, in the order of the set."""
        heaviest = np.sort(np.argsort(-weights, kind="stable")[:PICTURED_CELLS])
        return tuple(
            Region(self._low[i].tolist(), self._high[i].tolist(), float(weights[i]), float(learning_progress[i]))
            for i in heaviest
            if weights[i] > 0
        )


def cell_counts(space: TaskSpace, cells_per_dimension: int) -> tuple[int, ...]:
    """How many cells each dimension is cut into."""
    counts = []
    for dimension in space.dimensions:
        values = int(dimension.high - dimension.low) + 1
        if dimension.kind == "choice":
            counts.append(values)
        elif dimension.kind == "integer":
            counts.append(min(values, cells_per_dimension))
        else:
            counts.append(cells_per_dimension if dimension.high > dimension.low else 1)
    return tuple(counts)


def _cell_bounds(space: TaskSpace, index: int, count: int) -> tuple[Vector, Vector]:
    """Lowest and highest value of each of ``count`` cells of a dimension, both included."""
    dimension = space.dimensions[index]
    if dimension.kind == "continuous":
        edges = np.linspace(dimension.low, dimension.high, count + 1)
        return edges[:-1], edges[1:]
    edges = dimension.low + np.rint(np.linspace(0, dimension.high - dimension.low + 1, count + 1))
    return edges[:-1], edges[1:] - 1


def _too_many(space: TaskSpace, cells_per_dimension: int) -> str:
    """The error for a set that is too large, with the largest setting that works, if there is one."""
    smaller = range(min(cells_per_dimension - 1, MAXIMUM_CELLS), 1, -1)
    best = next((n for n in smaller if math.prod(cell_counts(space, n)) <= MAXIMUM_CELLS), None)
    counts = " x ".join(map(str, cell_counts(space, cells_per_dimension)))
    todo = f"set teacher.options.cells_per_dimension to {best} or less"
    if best is None:
        todo = "choose a teacher for large spaces, such as alp-gmm"
    return (
        f"this teacher chooses from a finite set of at most {MAXIMUM_CELLS:,} tasks, and the task space makes {counts} "
        f"with cells_per_dimension = {cells_per_dimension}: {todo}, or fix some dimensions (low == high)"
    )


class TaskSetConfig(TeacherConfig):
    """Settings of every teacher over a finite set of tasks."""

    cells_per_dimension: int = Field(
        10, ge=1, description="cells that a continuous dimension is cut into, and the most that a whole number gets"
    )
    random_task_ratio: float = Field(0.1, ge=0, le=1, description="share of tasks drawn uniformly from the whole space")


class TaskSetTeacher(Teacher):
    """Draws a cell by its probability and a task uniformly inside it; a share ``random_task_ratio`` anywhere.

    Subclasses say what the probabilities are in `weigh`. ``origin`` names their rule, ``promise`` the number of `weigh`
    that pictures show as learning progress. The version of a plan counts the episodes learnt from.
    """

    Config: ClassVar[type[TeacherConfig]] = TaskSetConfig
    origin: ClassVar[str]
    promise: ClassVar[str] = ""
    config: TaskSetConfig

    saved: ClassVar[Saved] = ("_episodes",)

    def __init__(self, context: TeacherContext, config: TaskSetConfig) -> None:
        super().__init__(context, config)
        self.task_set = TaskSet(self.space, config.cells_per_dimension)
        self._episodes = 0

    @abstractmethod
    def weigh(self) -> tuple[CellNumbers, dict[str, CellNumbers]]:
        """The probabilities of the cells, shape ``(cells,)``, and the numbers that decided, each ``(cells,)``."""

    def plan(self, n: int) -> Plan:
        ratio = self.config.random_task_ratio
        probabilities, numbers = self.weigh()
        at_random = self.rng.random(n) < ratio
        below = np.cumsum(probabilities)  # the draw of `Generator.choice`, whose checks cost more than the draw itself
        cells = np.searchsorted(below[:-1], self.rng.random(n) * below[-1], side="right")
        drawn, anywhere = self.task_set.sample(self.rng, cells), self.space.sample(self.rng, n)
        reasons = [
            {"probability": ratio}
            if random
            else {"cell": int(cell), "probability": float(probabilities[cell])}
            | {name: float(values[cell]) for name, values in numbers.items()}
            for random, cell in zip(at_random, cells, strict=True)
        ]
        origins = tuple("random" if random else self.origin for random in at_random)
        return Plan(np.where(at_random[:, None], anywhere, drawn), origins, self._episodes, tuple(reasons))

    def curriculum(self) -> Curriculum:
        ratio = self.config.random_task_ratio
        probabilities, numbers = self.weigh()
        promise = numbers.get(self.promise, np.zeros(len(probabilities)))
        return Curriculum(regions=self.task_set.regions(probabilities * (1 - ratio), promise), random_ratio=ratio)
