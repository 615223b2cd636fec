"""Mazes as sequences of tokens for the level VAE, and the random levels that it is trained on.

Source: Azad et al. 2023 (CLUTR, arXiv 2210.10243): walls in ascending order, then the goal, then the agent, each as its
cell plus 1 (`Level.tokens`). The direction is not in the sequence: levels made from sequences look right (0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl_envs.maze.generators import GENERATORS
from teachrl_envs.maze.level import join, parts
from teachrl_envs.maze.level_space import LevelTaskSpace

Tokens = NDArray[np.int64]
Levels = NDArray[np.float64]
PADDING = 0


@dataclass(frozen=True)
class LevelSequences:
    """How the mazes of one size become sequences.

    Tokens: 0 padding, ``1 .. cells`` a cell plus 1, then ``go`` and ``end``.

    Args:
        height, width: cells inside the border.
        walls: the most walls in a level; CLUTR's data have up to 50 in 13 x 13 cells.
        in_order: walls in ascending order, as published; else in random order, the ablation.

    Raises `UsageError` for a size that leaves no room for agent and goal.
    """

    height: int
    width: int
    walls: int
    in_order: bool = True

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or not 0 <= self.walls <= self.cells - 2:
            raise UsageError(
                f"a maze of {self.height} x {self.width} cells holds 0 to {max(self.cells - 2, 0)} walls beside agent "
                f"and goal; got walls={self.walls}"
            )

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.height * self.width

    @property
    def length(self) -> int:
        """The most cells in a sequence: walls, goal and agent."""
        return self.walls + 2

    @property
    def go(self) -> int:
        """The token that the decoder reads first."""
        return self.cells + 1

    @property
    def end(self) -> int:
        """The token that says that the sequence is over."""
        return self.cells + 2

    @property
    def vocabulary_size(self) -> int:
        """Number of different tokens."""
        return self.cells + 3

    def sample(self, rng: np.random.Generator, n: int) -> Levels:
        """``n`` random levels, vectors: a number of walls uniform from 0 to ``walls``, looking right."""
        vectors = GENERATORS["uniform_count"](rng, n, self.height, self.width, self.walls)
        vectors[:, -2] = 0
        return vectors

    def encode(self, vectors: Levels, rng: np.random.Generator) -> Tokens:
        """Sequences of levels, shape ``(n, length)``, padded on the right; ``rng`` orders walls that have no order.

        Raises `UsageError` for a level with too many walls.
        """
        walls, agents, _, goals = parts(vectors)
        counts = walls.sum(axis=1)
        if counts.max(initial=0) > self.walls:
            raise UsageError(f"sequences here hold up to {self.walls} walls; got a level with {counts.max()}")
        places = np.arange(self.cells) if self.in_order else rng.random(walls.shape)
        order = np.where(walls, places, self.cells).argsort(axis=1, kind="stable")[:, : self.walls]
        tokens = np.zeros((len(vectors), self.length), dtype=np.int64)
        tokens[:, : self.walls] = np.where(np.arange(self.walls) < counts[:, None], order + 1, PADDING)
        rows = np.arange(len(vectors))
        tokens[rows, counts], tokens[rows, counts + 1] = goals + 1, agents + 1
        return tokens

    def decode(self, tokens: Tokens) -> Levels:
        """Levels of padded sequences of distinct cells, at least two in each: the inverse of `encode`."""
        counts, rows = (tokens != PADDING).sum(axis=1), np.arange(len(tokens))
        goals, agents = tokens[rows, counts - 2] - 1, tokens[rows, counts - 1] - 1
        occupied = np.zeros((len(tokens), self.cells + 1), dtype=np.bool_)
        np.put_along_axis(occupied, tokens, True, axis=1)
        walls = occupied[:, 1:]
        walls[rows, goals] = walls[rows, agents] = False
        return join(walls, agents, np.zeros(len(tokens), dtype=np.int64), goals)

    def check(self, space: object) -> LevelTaskSpace:
        """``space`` itself where it is that of these mazes. Raises `UsageError` where it is not."""
        if not isinstance(space, LevelTaskSpace):
            raise UsageError(f"the level VAE makes mazes, and the task space here holds none: {space!r}")
        if (space.height, space.width) != (self.height, self.width):
            raise UsageError(
                f"this level VAE makes mazes of {self.height} x {self.width} cells, the environment's have "
                f"{space.height} x {space.width}: train another one with 'teachrl vae train --height {space.height} "
                f"--width {space.width}'"
            )
        return space
