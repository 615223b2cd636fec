"""The record of a curriculum: where a teacher draws its next tasks from at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from teachrl.tasks.spaces import Vector

Numbers: TypeAlias = Sequence[float] | Vector
"""A vector: a list as teachers give it, an array as it is read from a file."""
Matrix: TypeAlias = Sequence[Numbers] | Vector


@dataclass(frozen=True)
class Gaussian:
    """One Gaussian of a teacher's proposal, in task units: mean ``(size,)``, covariance ``(size, size)``.

    ``weight`` is the probability that the teacher draws from it, ``learning_progress`` what it believes is to be had.
    """

    mean: Numbers
    covariance: Matrix
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class Region:
    """One axis-aligned part of the task space, in task units: ``low`` and ``high`` of ``(size,)``, ends included.

    ``weight`` and ``learning_progress`` as in `Gaussian`.
    """

    low: Numbers
    high: Numbers
    weight: float
    learning_progress: float


@dataclass(frozen=True)
class BufferedLevel:
    """A level that a teacher keeps: its task vector, score, draws since it was last played, and where it comes from.

    ``number`` is its own, ``parent`` that of the level it is an edit of (-1: of none), ``generation`` after how many.
    """

    task: Numbers
    score: float
    staleness: float
    number: int
    parent: int
    generation: int


@dataclass(frozen=True)
class Curriculum:
    """What to draw of a teacher at one moment: where its next tasks come from, and what share is drawn uniformly.

    ``samples`` are tasks in task units, each of shape ``(size,)``, for teachers that are neither Gaussians nor regions.
    ``levels`` are some of a level buffer, with their ancestors, and ``buffer`` is score and staleness of all in it.
    ``step`` is when it was saved, in environment steps; teachers leave it out.
    """

    gaussians: tuple[Gaussian, ...] = ()
    regions: tuple[Region, ...] = ()
    samples: Matrix = ()
    levels: tuple[BufferedLevel, ...] = ()
    buffer: Matrix = ()
    random_ratio: float = 1.0
    step: int = 0

    @property
    def parts(self) -> tuple[Gaussian | Region, ...]:
        """The Gaussians and the regions."""
        return (*self.gaussians, *self.regions)

    def to_json(self) -> dict[str, Any]:
        """Return the fields under their names, as ``docs/metrics.md`` lists them."""
        fields: dict[str, Any] = asdict(self, dict_factory=_plain)
        return {"step": fields.pop("step"), **fields}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Curriculum:
        """Return the inverse of `to_json`, with arrays for lists and NaN for null.

        Raises `KeyError`, `TypeError`, `AttributeError` or `ValueError`.
        """
        return Curriculum(
            gaussians=tuple(
                Gaussian(_array(part["mean"]), _array(part["covariance"]), *_weight_and_progress(part))
                for part in data.get("gaussians") or ()
            ),
            regions=tuple(
                Region(_array(part["low"]), _array(part["high"]), *_weight_and_progress(part))
                for part in data.get("regions") or ()
            ),
            samples=_array(data.get("samples") or ()),
            levels=tuple(_level(entry) for entry in data.get("levels") or ()),
            buffer=_array(data.get("buffer") or ()),
            random_ratio=_number(data.get("random_ratio", 1.0)),
            step=int(data["step"]),
        )


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields}


def _level(entry: Mapping[str, Any]) -> BufferedLevel:
    origin = (int(entry[name]) for name in ("number", "parent", "generation"))
    return BufferedLevel(_array(entry["task"]), _number(entry["score"]), _number(entry["staleness"]), *origin)


def _weight_and_progress(part: Mapping[str, Any]) -> tuple[float, float]:
    return _number(part.get("weight")), _number(part.get("learning_progress"))


def _array(value: Any) -> Vector:
    return np.asarray(value, dtype=np.float64)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
