"""The task space of mazes: sampling, editing, comparing and solving whole levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.dimensions import Dimension, TaskError, checked_keys
from teachrl_envs.maze import solving
from teachrl_envs.maze.generators import GENERATORS, wall_budget
from teachrl_envs.maze.level import Level, Whole
from teachrl_envs.maze.mutation import MUTATIONS
from teachrl_envs.maze.picture import draw
from teachrl_envs.tasks import Task, TaskSpace, Vector


class LevelTaskSpace(TaskSpace):
    """All mazes of one size. A task is a whole level, ``{"rows": ["..#", ">#.", "..G"]}`` (`Level.rows`).

    Vectors have ``height * width + 3`` whole numbers: 1 or 0 for each cell's wall, row by row, then the agent's cell,
    its direction (0 right, 1 down, 2 left, 3 up) and the goal's cell. Not every vector between ``low`` and ``high`` is
    a level, so there is no unit cube here: `to_unit` and `from_unit` raise `TaskError`.

    Two spaces are equal when they hold the same levels; where new ones are drawn from does not matter.

    Args:
        height, width: cells inside the border.
        generator: where `sample` draws from, a name in `generators.GENERATORS`.
        walls: the generator's budget of walls; None for its own.
        max_steps: the length of an episode, from which optimal returns follow.
    """

    has_unit_cube = False

    def __init__(
        self,
        height: int = 13,
        width: int = 13,
        *,
        generator: str = "uniform_count",
        walls: int | None = None,
        max_steps: int = 250,
    ) -> None:
        for name, value, least in (("height", height, 2), ("width", width, 2), ("max_steps", max_steps, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise TaskError(f"{name} must be a whole number, {least} or more; got {value!r}")
        self.height, self.width, self.max_steps = height, width, max_steps
        self.budget = wall_budget(generator, height, width, walls)
        self.generator, self.walls = generator, walls
        cells = height * width
        places = [(f"wall_{row}_{column}", 1) for row in range(height) for column in range(width)]
        places += [("agent", cells - 1), ("direction", 3), ("goal", cells - 1)]
        self._set_dimensions(Dimension(name, 0, high, "integer") for name, high in places)
        if generator == "perfect":
            self.sample(np.random.default_rng(0), 0)  # complains about a size that it cannot fill

    def sample(self, rng: np.random.Generator, n: int) -> Vector:
        """Draw ``n`` levels from the space's generator. Returns vectors of shape ``(n, size)``."""
        return GENERATORS[self.generator](rng, n, self.height, self.width, self.budget)

    def sample_easy(self, rng: np.random.Generator, n: int) -> Vector:
        """Draw ``n`` mazes without walls, shape ``(n, size)``."""
        return GENERATORS["uniform_count"](rng, n, self.height, self.width, 0)

    def mutate(
        self, rng: np.random.Generator, vectors: NDArray[np.floating[Any]], edits: int, kind: str | None = None
    ) -> Vector:
        """Children of levels, shape ``(n, size)``, ``edits`` random edits away; valid, perhaps not solvable.

        ``kind`` is a name in `mutation.MUTATIONS`, None the first. Raises `TaskError` for another one.
        """
        kind = kind or next(iter(MUTATIONS))
        if kind not in MUTATIONS:
            raise TaskError(f"the kind of mutation must be one of {', '.join(MUTATIONS)}; got {kind!r}")
        return MUTATIONS[kind](rng, vectors, edits)

    def distance(self, one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> Whole:
        """How many entries differ: cells' walls, agent, direction, goal. Shapes ``(..., size)`` are broadcast."""
        differ: Whole = (one != other).sum(axis=-1)
        return differ

    def is_solvable(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Whether the goal can be reached at all, for vectors of shape ``(n, size)``."""
        return solving.shortest_path(vectors, self.height, self.width) >= 0

    def complexity(self, vectors: NDArray[np.floating[Any]]) -> dict[str, Whole]:
        """Measures of difficulty, each of shape ``(n,)``.

        ``walls``: their number. ``shortest_path``: in cells; ``shortest_actions``: with turns; both -1 without a way.
        """
        return {
            "walls": vectors[:, :-3].sum(axis=1).astype(np.int64),
            "shortest_path": solving.shortest_path(vectors, self.height, self.width),
            "shortest_actions": solving.shortest_actions(vectors, self.height, self.width),
        }

    def optimal_return(self, vectors: NDArray[np.floating[Any]]) -> Vector:
        """The highest return that a level pays, shape ``(n,)``; 0 where the goal cannot be reached in time."""
        return solving.optimal_return(vectors, self.height, self.width, self.max_steps)

    def picture(self, vector: NDArray[np.floating[Any]], cell_pixels: int = 16) -> NDArray[np.uint8]:
        """The level with its border as an RGB image."""
        level = self.level(vector)
        return draw(level.walls, level.agent, level.direction, level.goal, cell_pixels)

    def level(self, vector: NDArray[np.floating[Any]]) -> Level:
        """The `Level` of a vector of shape ``(size,)``. Raises `TaskError` when it is none."""
        return Level.from_vector(vector, self.height, self.width)

    def vector(self, task: object) -> Vector:
        rows = checked_keys(task, ("rows",))["rows"]
        shape = [len(row) for row in rows] if isinstance(rows, Sequence) and not isinstance(rows, str) else None
        level = Level.from_rows(rows)
        if (level.height, level.width) != (self.height, self.width):
            raise TaskError(f"mazes here have {self.height} rows of {self.width} cells; got rows of lengths {shape}")
        return level.vector()

    def task(self, vector: NDArray[np.floating[Any]]) -> Task:
        return {"rows": self.level(vector).rows()}

    def to_unit(self, vectors: NDArray[np.floating[Any]]) -> NoReturn:
        """Raises `TaskError`."""
        raise self._no_cube()

    def from_unit(self, unit: NDArray[np.floating[Any]]) -> NoReturn:
        """Raises `TaskError`."""
        raise self._no_cube()

    def _no_cube(self) -> TaskError:
        return TaskError(
            f"tasks here are whole mazes of {self.height} x {self.width} cells, which have no unit cube; only teachers "
            "for levels, such as 'random', can choose among them"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "level",
            "height": self.height,
            "width": self.width,
            "generator": self.generator,
            "walls": self.walls,
            "max_steps": self.max_steps,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> LevelTaskSpace:
        """Rebuild a space from `to_json`."""
        names = ("height", "width", "generator", "walls", "max_steps")
        height, width, generator, walls, max_steps = (description[name] for name in names)
        return cls(height, width, generator=generator, walls=walls, max_steps=max_steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LevelTaskSpace) and (self.height, self.width) == (other.height, other.width)

    def __hash__(self) -> int:
        return hash((self.height, self.width))

    def __repr__(self) -> str:
        return f"LevelTaskSpace({self.height}, {self.width}, generator={self.generator!r}, walls={self.walls})"
