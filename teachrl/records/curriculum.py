"""The record of a curriculum: where a teacher draws its next tasks from at one moment."""

from __future__ import annotations

from dataclasses import dataclass


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
class Region:
    """One axis-aligned part of the task space, in task units: ``low`` and ``high`` of ``(size,)``, ends included.

    ``weight`` and ``learning_progress`` as in `Gaussian`.
    """

    low: list[float]
    high: list[float]
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class BufferedLevel:
    """A level that a teacher keeps: its task vector, score, draws since it was last played, and where it comes from.

    ``number`` is its own, ``parent`` that of the level it is an edit of (-1: of none), ``generation`` after how many.
    """

    task: list[float]
    score: float
    staleness: int
    number: int
    parent: int
    generation: int


@dataclass(frozen=True)
class Curriculum:
    """What to draw of a teacher at one moment: where its next tasks come from, and what share is drawn uniformly.

    ``samples`` are tasks in task units, each of shape ``(size,)``, for teachers that are neither Gaussians nor regions.
    ``levels`` are some of a level buffer, with their ancestors, and ``buffer`` is score and staleness of all in it.
    """

    gaussians: tuple[Gaussian, ...] = ()
    regions: tuple[Region, ...] = ()
    samples: tuple[list[float], ...] = ()
    levels: tuple[BufferedLevel, ...] = ()
    buffer: tuple[tuple[float, int], ...] = ()
    random_ratio: float = 1.0
