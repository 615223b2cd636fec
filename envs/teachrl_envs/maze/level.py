"""One maze: its walls, where the agent starts and looks, and where the goal is.

A level has four forms: a `Level`; rows of characters, for people and files; tokens, for sequence models; and a vector,
one row of the arrays that generators, edits and the solver work on (`join` and `parts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.dimensions import TaskError

Walls = NDArray[np.bool_]
Whole = NDArray[np.int64]
Levels = NDArray[np.float64]

ARROWS = ">v<^"  # the agent looking right, down, left, up: directions 0 to 3
WALL, FREE, GOAL = "#", ".", "G"
LEGEND = f"{WALL!r} wall, {FREE!r} free, {GOAL!r} goal, and the agent as one of {', '.join(map(repr, ARROWS))}"


@dataclass(frozen=True, eq=False)
class Level:
    """A maze inside a border of walls that is not part of it.

    ``walls`` is a bool array of shape ``(height, width)``. Cells are row-major indices, ``row * width + column``.
    ``agent`` is the cell where the agent starts, ``direction`` where it looks: 0 right, 1 down, 2 left, 3 up. ``goal``
    is another cell, and neither has a wall; whether there is a way is another question (`solving`).

    Raises `TaskError` naming what is wrong.
    """

    walls: Walls
    agent: int
    direction: int
    goal: int

    def __post_init__(self) -> None:
        walls = np.array(self.walls, dtype=np.bool_)
        if walls.ndim != 2 or walls.size < 2:
            raise TaskError(f"walls have shape (height, width), with at least two cells; got shape {walls.shape}")
        walls.flags.writeable = False
        object.__setattr__(self, "walls", walls)
        for name in ("agent", "goal"):
            cell = getattr(self, name)
            if not 0 <= cell < walls.size:
                raise TaskError(f"the {name}'s cell must be in [0, {walls.size - 1}]; got {cell}")
            if walls.flat[cell]:
                raise TaskError(f"the {name} is on a wall: cell {cell}, row {cell // self.width}")
        if self.agent == self.goal:
            raise TaskError(f"agent and goal are in the same cell, {self.agent}; they must be apart")
        if self.direction not in range(4):
            raise TaskError(f"direction is 0 (right), 1 (down), 2 (left) or 3 (up); got {self.direction}")

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.walls.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.walls.shape[1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Level) and self.rows() == other.rows()

    def __hash__(self) -> int:
        return hash(tuple(self.rows()))

    def rows(self) -> list[str]:
        """The maze as a picture: one string a row, with ``#``, ``.``, ``G`` and the agent as ``>v<^``."""
        cells = np.where(self.walls, ord(WALL), ord(FREE)).astype(np.uint8)
        cells.flat[self.goal] = ord(GOAL)
        cells.flat[self.agent] = ord(ARROWS[self.direction])
        text = cells.tobytes().decode()
        return [text[start : start + self.width] for start in range(0, len(text), self.width)]

    @classmethod
    def from_rows(cls, rows: Sequence[str]) -> Level:
        """The inverse of `rows`. Raises `TaskError` naming what is wrong with the picture."""
        if isinstance(rows, str) or not isinstance(rows, Sequence) or not all(isinstance(row, str) for row in rows):
            raise TaskError(f"rows of a maze are a list of strings, one a row; got {rows!r}")
        if not rows or len({len(row) for row in rows}) != 1:
            raise TaskError(f"rows of a maze all have the same length; got lengths {[len(row) for row in rows]}")
        text = "".join(rows)
        unknown = set(text) - {WALL, FREE, GOAL, *ARROWS}
        if unknown:
            raise TaskError(f"unknown character {min(unknown)!r} in a maze: {LEGEND}")
        agent, direction = _only(text, ARROWS, "agent")
        goal, _ = _only(text, GOAL, "goal")
        walls = np.frombuffer(text.encode(), dtype=np.uint8) == ord(WALL)
        return cls(walls.reshape(len(rows), -1), agent, direction, goal)

    def tokens(self) -> Whole:
        """Cells of the walls in ascending order, then the goal's, then the agent's, each plus 1; 0 is left for padding.

        The encoding of CLUTR (Azad et al. 2023, arXiv 2210.10243). It leaves the direction out.
        """
        return np.append(np.flatnonzero(self.walls), [self.goal, self.agent]).astype(np.int64) + 1

    @classmethod
    def from_tokens(cls, tokens: Sequence[int] | Whole, height: int, width: int, direction: int = 0) -> Level:
        """The inverse of `tokens`; the walls may come in any order. Raises `TaskError`."""
        cells = np.asarray(tokens)
        if cells.ndim != 1 or len(cells) < 2 or not np.issubdtype(cells.dtype, np.integer):
            raise TaskError(f"tokens are whole numbers: walls, goal, agent; got {tokens!r}")
        if cells.min() < 1 or cells.max() > height * width:
            raise TaskError(f"tokens are in [1, {height * width}]; got {cells.tolist()}")
        walls = np.zeros(height * width, dtype=np.bool_)
        walls[cells[:-2] - 1] = True
        return cls(walls.reshape(height, width), int(cells[-1]) - 1, direction, int(cells[-2]) - 1)

    def vector(self) -> Levels:
        """The level as a row of `join`, shape ``(height * width + 3,)``."""
        cells = [np.array([x]) for x in (self.agent, self.direction, self.goal)]
        vector: Levels = join(self.walls.reshape(1, -1), *cells)[0]
        return vector

    @classmethod
    def from_vector(cls, vector: NDArray[np.floating[Any]], height: int, width: int) -> Level:
        """The inverse of `vector`. Raises `TaskError`."""
        numbers = np.asarray(vector)
        if numbers.shape != (height * width + 3,):
            raise TaskError(f"a maze of {height} x {width} cells has {height * width + 3} numbers; got {numbers.shape}")
        walls, rest = numbers[:-3], numbers[-3:]
        if not np.isin(walls, (0, 1)).all() or not np.isfinite(rest).all() or (rest != np.floor(rest)).any():
            raise TaskError("a maze's numbers are whole, and 0 or 1 for each cell's wall")
        agent, direction, goal = (int(x) for x in rest)
        return cls(walls.reshape(height, width) == 1, agent, direction, goal)


def _only(text: str, characters: str, name: str) -> tuple[int, int]:
    """The one place in ``text`` with one of ``characters``, and which of them it is."""
    found = [(text.index(c), which) for which, c in enumerate(characters) if c in text]
    count = sum(text.count(c) for c in characters)
    if count == 0:
        raise TaskError(f"the maze has no {name}: {LEGEND}")
    if count > 1:
        raise TaskError(f"the maze has {count} {name}s; it needs exactly one")
    return found[0]


def join(walls: Walls, agents: Whole, directions: Whole, goals: Whole) -> Levels:
    """Levels as vectors, shape ``(n, cells + 3)``: 0 or 1 for each cell's wall, agent, direction, goal.

    ``walls`` has shape ``(n, cells)``, the others ``(n,)``.
    """
    return np.column_stack([walls, agents, directions, goals]).astype(np.float64)


def parts(levels: NDArray[np.floating[Any]]) -> tuple[Walls, Whole, Whole, Whole]:
    """The inverse of `join`: copies of walls, agents, directions and goals."""
    whole = levels[:, -3:].astype(np.int64)
    return levels[:, :-3] > 0.5, whole[:, 0].copy(), whole[:, 1].copy(), whole[:, 2].copy()
