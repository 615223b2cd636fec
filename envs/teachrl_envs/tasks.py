"""Task spaces: the named, bounded sets of tasks that an environment offers to a teacher.

A *task* is one setting of what a teacher may vary. It has two forms:

* a ``dict`` that people and environments read, ``{"stump_height": 1.2, "obstacle_spacing": 3.0}``; it is what goes into
  ``env.reset(options={"task": ...})``, into files and onto the screen;
* a ``float64`` vector of shape ``(space.size,)`` in the same units, which teachers compute with. ``to_unit`` and
  ``from_unit`` map vectors to and from the unit cube ``[0, 1]^size``, where distances between parameters of different
  units mean something.

Every space is an ordered tuple of `Dimension`; subclasses differ in how they are built and in the dict's shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.dimensions import Choice, Dimension, TaskError, checked_keys

__all__ = [
    "BoxTaskSpace",
    "Choice",
    "Dimension",
    "DiscreteTaskSpace",
    "ProductTaskSpace",
    "Task",
    "TaskError",
    "TaskSpace",
    "Vector",
    "task_from_options",
]

Vector = NDArray[np.float64]
Task = dict[str, Any]
EDIT_STEP = 0.05  # of a parameter's range; ACCEL's edits of Bipedal Walker are 4 to 6 % of it


_KINDS: dict[str, str] = {}


def register_space(kind: str, target: str) -> None:
    """Register a task space for `TaskSpace.from_json`, by the ``kind`` in its description.

    ``target`` is ``module:Class``, imported when such a description is read. The class has a class method
    ``from_description(description)``, the inverse of its `to_json`.
    """
    _KINDS[kind] = target


class TaskSpace(ABC):
    """A named, bounded set of tasks. See the module's text for the two forms of a task."""

    dimensions: tuple[Dimension, ...]
    has_unit_cube: bool = True
    """Whether every point of the unit cube is a task, so that teachers can compute with `to_unit` and `from_unit`."""

    def _set_dimensions(self, dimensions: Iterable[Dimension]) -> None:
        self.dimensions = tuple(dimensions)
        if not self.dimensions:
            raise TaskError("a task space needs at least one parameter")
        self.low: Vector = np.array([d.low for d in self.dimensions], dtype=np.float64)
        self.high: Vector = np.array([d.high for d in self.dimensions], dtype=np.float64)
        self._whole = np.array([d.kind != "continuous" for d in self.dimensions])
        self._width = self.high - self.low + self._whole
        self._divisor = np.where(self._width > 0, self._width, 1.0)

    @property
    def size(self) -> int:
        """Length of the task vectors."""
        return len(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """Flat names of the vector's entries; parts of a product are joined with a dot."""
        return tuple(d.name for d in self.dimensions)

    def sample(self, rng: np.random.Generator, n: int) -> Vector:
        """Draw ``n`` tasks uniformly. Returns vectors of shape ``(n, size)``."""
        return self.from_unit(rng.random((n, self.size)))

    def from_unit(self, unit: NDArray[np.floating[Any]]) -> Vector:
        """Map points of the unit cube, shape ``(..., size)``, to task vectors. Points outside are clipped onto it."""
        vectors = self.low + np.clip(unit, 0.0, 1.0) * self._width
        vectors = np.where(self._whole, np.floor(vectors), vectors)
        inside: Vector = np.clip(vectors, self.low, self.high)  # rounding must not carry a point over a bound
        return inside

    def to_unit(self, vectors: NDArray[np.floating[Any]]) -> Vector:
        """Map task vectors, shape ``(..., size)``, into the unit cube.

        Whole numbers go to the middle of their cell, so ``from_unit(to_unit(v)) == v`` for them; a fixed dimension
        (``low == high``) goes to 0.
        """
        unit: Vector = (vectors - self.low + 0.5 * self._whole) / self._divisor
        return unit

    def mutate(
        self, rng: np.random.Generator, vectors: NDArray[np.floating[Any]], edits: int, kind: str | None = None
    ) -> Vector:
        """Children of tasks, shape ``(n, size)``, each ``edits`` edits away.

        An edit moves one parameter: a continuous one by up to `EDIT_STEP` of its range, a whole number by one, a choice
        to any other choice. ``kind`` names one of several sorts of edits in spaces that have them; here it is None.
        """
        if kind is not None:
            raise TaskError(f"{type(self).__name__} has one kind of mutation, which has no name; got {kind!r}")
        children, row = np.array(vectors, dtype=np.float64), np.arange(len(vectors))
        for _ in range(edits):
            column = rng.integers(self.size, size=len(children))
            moved = np.stack([_edits(d, rng, children[:, i]) for i, d in enumerate(self.dimensions)], axis=1)
            children[row, column] = np.clip(moved, self.low, self.high)[row, column]
        return children

    def is_solvable(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Whether tasks can be solved at all, shape ``(n,)``. Raises `TaskError` where nobody can tell."""
        raise TaskError(f"nobody can tell which tasks of {self!r} can be solved; levels of mazes can be")

    def optimal_return(self, vectors: NDArray[np.floating[Any]]) -> Vector:
        """The highest return that each task pays, shape ``(n,)``. Raises `TaskError` where nobody can tell."""
        raise TaskError(f"nobody can tell the best return of tasks of {self!r}; for mazes it is known")

    def sample_easy(self, rng: np.random.Generator, n: int) -> Vector:
        """Draw ``n`` of the easiest tasks, shape ``(n, size)``. Raises `TaskError` where nobody can tell."""
        raise TaskError(f"nobody can tell which tasks of {self!r} are easy, unless the environment declares it")

    def contains(self, task: object) -> bool:
        """Whether ``task`` is a valid task dict of this space."""
        try:
            self.vector(task)
        except TaskError:
            return False
        return True

    @abstractmethod
    def vector(self, task: object) -> Vector:
        """Validate a task dict and return its vector. Raises `TaskError` naming the parameter and its range."""

    @abstractmethod
    def task(self, vector: NDArray[np.floating[Any]]) -> Task:
        """The task dict of a vector of shape ``(size,)``. The inverse of `vector`."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """A description that `from_json` turns back into an equal space."""

    @staticmethod
    def from_json(description: Mapping[str, Any]) -> TaskSpace:
        """Rebuild a space from `to_json`. Raises `TaskError` on anything else."""
        kind = description.get("kind") if isinstance(description, Mapping) else None
        try:
            if kind == "box":
                bounds = {p["name"]: (p["low"], p["high"]) for p in description["parameters"]}
                return BoxTaskSpace(bounds, integer=[p["name"] for p in description["parameters"] if p["integer"]])
            if kind == "discrete":
                return DiscreteTaskSpace(description["choices"], name=description["name"])
            if kind == "product":
                return ProductTaskSpace({p["name"]: TaskSpace.from_json(p["space"]) for p in description["parts"]})
            if kind in _KINDS:
                module, _, name = _KINDS[kind].partition(":")
                space: TaskSpace = getattr(import_module(module), name).from_description(description)
                return space
        except (KeyError, TypeError, AttributeError) as error:
            raise TaskError(f"malformed description of a {kind} task space: {error!r}") from None
        known = ("box", "discrete", "product", *_KINDS)
        raise TaskError(f"a task space is of kind {', '.join(map(repr, known))}; got {kind!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskSpace) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.dimensions)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{d.name}: {d.range_text}' for d in self.dimensions)})"


def _edits(dimension: Dimension, rng: np.random.Generator, values: Vector) -> Vector:
    """``values`` of one parameter, each after one edit that may lead out of its range."""
    moves: Vector
    if dimension.kind == "continuous":
        moves = EDIT_STEP * (dimension.high - dimension.low) * rng.uniform(-1, 1, len(values))
    elif dimension.kind == "integer":
        moves = rng.choice((-1.0, 1.0), len(values))
    else:
        choices = len(dimension.choices)
        moves = (values + rng.integers(1, max(choices, 2), len(values))) % choices - values
    return values + moves


class BoxTaskSpace(TaskSpace):
    """Named numbers, each in an interval: ``BoxTaskSpace({"length": (0.2, 2), "legs": (2, 6)}, integer=["legs"])``."""

    def __init__(self, bounds: Mapping[str, tuple[float, float]], integer: Sequence[str] = ()) -> None:
        for name in integer:
            if name not in bounds:
                raise TaskError(f"integer parameter {name!r} has no bounds; those with bounds: {', '.join(bounds)}")
        dimensions = []
        for name, interval in bounds.items():
            if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
                raise TaskError(f"{name}: bounds are a pair (low, high); got {interval!r}")
            dimensions.append(Dimension(name, interval[0], interval[1], "integer" if name in integer else "continuous"))
        self._set_dimensions(dimensions)

    def vector(self, task: object) -> Vector:
        values = checked_keys(task, self.names)
        return np.array([d.parse(values[d.name]) for d in self.dimensions], dtype=np.float64)

    def task(self, vector: NDArray[np.floating[Any]]) -> Task:
        return {d.name: d.value(x) for d, x in zip(self.dimensions, vector, strict=True)}

    def to_json(self) -> dict[str, Any]:
        parameters = [
            {"name": d.name, "low": d.low, "high": d.high, "integer": d.kind == "integer"} for d in self.dimensions
        ]
        return {"kind": "box", "parameters": parameters}


class DiscreteTaskSpace(TaskSpace):
    """A finite set: ``DiscreteTaskSpace(10)`` or ``DiscreteTaskSpace(["flat", "stairs"], name="terrain")``.

    The task dict has one entry, ``{name: choice}``. A number of choices ``n`` stands for ``0 ... n - 1``.
    """

    def __init__(self, choices: int | Sequence[Choice], name: str = "task") -> None:
        if isinstance(choices, (str, bool)) or not isinstance(choices, (int, Sequence)):
            raise TaskError(f"{name}: choices are a number or a list of values; got {choices!r}")
        values: tuple[Choice, ...] = tuple(range(choices)) if isinstance(choices, int) else tuple(choices)
        if not values:
            raise TaskError(f"{name}: a discrete task space needs at least one choice")
        if not all(isinstance(v, (str, int, float)) and v == v for v in values):
            raise TaskError(f"{name}: choices are strings, numbers or booleans; got {values}")
        if len({(isinstance(v, bool), v) for v in values}) != len(values):
            raise TaskError(f"{name}: the choices are not all different: {values}")
        self._set_dimensions([Dimension(name, 0, len(values) - 1, "choice", values)])

    def vector(self, task: object) -> Vector:
        (dimension,) = self.dimensions
        return np.array([dimension.parse(checked_keys(task, self.names)[dimension.name])], dtype=np.float64)

    def task(self, vector: NDArray[np.floating[Any]]) -> Task:
        (dimension,) = self.dimensions
        return {dimension.name: dimension.value(vector[0])}

    def to_json(self) -> dict[str, Any]:
        return {"kind": "discrete", "name": self.dimensions[0].name, "choices": list(self.dimensions[0].choices)}


class ProductTaskSpace(TaskSpace):
    """Named parts, each a space of its own: ``ProductTaskSpace({"terrain": box, "start": discrete})``.

    Task dicts are nested the same way; vectors are the parts' vectors side by side, in the order of ``parts``.
    """

    def __init__(self, parts: Mapping[str, TaskSpace]) -> None:
        self.parts = dict(parts)
        dimensions = []
        for part, space in self.parts.items():
            if not isinstance(space, TaskSpace):
                raise TaskError(f"part {part!r} of a product must be a TaskSpace; got {space!r}")
            if not space.has_unit_cube:
                raise TaskError(f"part {part!r} of a product must have a unit cube; levels stand alone, got {space!r}")
            dimensions += [Dimension(f"{part}.{d.name}", d.low, d.high, d.kind, d.choices) for d in space.dimensions]
        self._set_dimensions(dimensions)

    def vector(self, task: object) -> Vector:
        values = checked_keys(task, tuple(self.parts))
        vectors = []
        for name, space in self.parts.items():
            try:
                vectors.append(space.vector(values[name]))
            except TaskError as error:
                raise TaskError(f"{name}: {error}") from None
        return np.concatenate(vectors)

    def task(self, vector: NDArray[np.floating[Any]]) -> Task:
        task, start = {}, 0
        for name, space in self.parts.items():
            task[name] = space.task(vector[start : start + space.size])
            start += space.size
        return task

    def to_json(self) -> dict[str, Any]:
        # A list, because JSON objects have no order and the vectors do.
        parts = [{"name": name, "space": space.to_json()} for name, space in self.parts.items()]
        return {"kind": "product", "parts": parts}


def task_from_options(space: TaskSpace, options: Mapping[str, Any] | None) -> Vector | None:
    """The vector of ``options["task"]`` of a ``reset``, validated; ``None`` when no task is given."""
    if not options or options.get("task") is None:
        return None
    return space.vector(options["task"])
