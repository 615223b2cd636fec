"""Random mazes, by named generators: the code bases of the field do not agree on what a random maze is.

Each takes a random generator, the number of levels, height, width and a budget of walls, and returns vectors of shape
``(n, height * width + 3)`` (`level.join`). The agent's direction is uniform, but for ``perfect``. Nothing makes sure
that the goal can be reached, except in ``perfect``.

* ``dcd``: what a uniform random teacher builds in Jiang et al. 2021 (arXiv 2110.02439) and Parker-Holder et al. 2022
  (arXiv 2203.01302): budget times a wall into any cell, then the goal, then the agent, each of which removes a wall in
  its way; an agent on the goal goes to a free cell. Budget 50 unless said.
* ``jaxued``: Coward et al. 2024 (arXiv 2403.13091): budget times a wall into any cell, then agent and goal into free
  cells. Budget 25 unless said; Rutherford et al. 2024 (arXiv 2408.15099) use 60.
* ``uniform_count``: as in the data of CLUTR (Azad et al. 2023, arXiv 2210.10243): a number of walls that is uniform
  from 0 to the budget, in different cells, and goal and agent elsewhere. Budget 60 unless said; CLUTR's is 50.
* ``perfect``: exactly one way between any two free cells: a random spanning tree (Kruskal). Start and goal are in
  different random corners, and the agent looks right. Height and width must be odd; there is no budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from teachrl_envs.dimensions import TaskError
from teachrl_envs.maze.level import Levels, Walls, Whole, join

Generate = Callable[[np.random.Generator, int, int, int, int], Levels]


def random_cells(rng: np.random.Generator, allowed: Walls) -> Whole:
    """A uniform choice among the allowed cells of each row, shape ``(n, cells)``; each row must have one."""
    rank = (rng.random(len(allowed)) * allowed.sum(axis=1)).astype(np.int64)
    cells: Whole = (allowed.cumsum(axis=1) > rank[:, None]).argmax(axis=1)
    return cells


def _scattered(rng: np.random.Generator, n: int, cells: int, budget: int) -> Walls:
    walls = np.zeros((n, cells), dtype=np.bool_)
    walls[np.arange(n)[:, None], rng.integers(cells, size=(n, budget))] = True
    return walls


def _dcd(rng: np.random.Generator, n: int, height: int, width: int, budget: int) -> Levels:
    cells, row = height * width, np.arange(n)
    walls = _scattered(rng, n, cells, budget)
    goals = rng.integers(cells, size=n)
    walls[row, goals] = False
    agents = rng.integers(cells, size=n)
    free = ~walls
    free[row, goals] = False
    agents = np.where(agents == goals, random_cells(rng, free), agents)
    walls[row, agents] = False
    return join(walls, agents, rng.integers(4, size=n), goals)


def _jaxued(rng: np.random.Generator, n: int, height: int, width: int, budget: int) -> Levels:
    walls = _scattered(rng, n, height * width, budget)
    free = ~walls
    agents = random_cells(rng, free)
    free[np.arange(n), agents] = False
    return join(walls, agents, rng.integers(4, size=n), random_cells(rng, free))


def _uniform_count(rng: np.random.Generator, n: int, height: int, width: int, budget: int) -> Levels:
    cells = height * width
    order = rng.random((n, cells)).argsort(axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(cells)[None], axis=1)
    counts = rng.integers(budget + 1, size=n)
    walls = (rank >= 2) & (rank < 2 + counts[:, None])
    return join(walls, order[:, 0], rng.integers(4, size=n), order[:, 1])


def _perfect(rng: np.random.Generator, n: int, height: int, width: int, budget: int) -> Levels:
    del budget
    if height % 2 == 0 or width % 2 == 0:
        raise TaskError(f"perfect mazes have odd height and width; got {height} x {width}")
    corners = np.array([0, width - 1, (height - 1) * width, height * width - 1])
    ends = [rng.permutation(corners)[:2] for _ in range(n)]
    walls = np.array([_spanning_tree(rng, height, width).ravel() for _ in range(n)], dtype=np.bool_)
    agents, goals = np.array(ends, dtype=np.int64).reshape(n, 2).T
    return join(walls.reshape(n, height * width), agents, np.zeros(n, dtype=np.int64), goals)


def _spanning_tree(rng: np.random.Generator, height: int, width: int) -> Walls:
    """Rooms at even rows and columns; the cell between two rooms loses its wall when it joins two unjoined trees."""
    walls = np.ones((height, width), dtype=np.bool_)
    walls[::2, ::2] = False
    tree = np.arange(height * width)

    def root(cell: int) -> int:
        while tree[cell] != cell:
            tree[cell] = tree[tree[cell]]
            cell = int(tree[cell])
        return cell

    between = [(row, column) for row in range(height) for column in range(width) if (row + column) % 2]
    for i in rng.permutation(len(between)):
        row, column = between[i]
        step = 1 if column % 2 else width
        one, other = (root(row * width + column + side) for side in (-step, step))
        if one != other:
            tree[one] = other
            walls[row, column] = False
    return walls


GENERATORS: Mapping[str, Generate] = {
    "dcd": _dcd,
    "jaxued": _jaxued,
    "uniform_count": _uniform_count,
    "perfect": _perfect,
}
BUDGETS = {"dcd": 50, "jaxued": 25, "uniform_count": 60, "perfect": 0}


def wall_budget(generator: str, height: int, width: int, walls: int | None) -> int:
    """The budget in use: ``walls``, or the generator's own, as much of it as the maze has room for.

    Raises `TaskError` for an unknown generator, and for a budget that does not leave two free cells.
    """
    if generator not in GENERATORS:
        raise TaskError(f"generator must be one of {', '.join(GENERATORS)}; got {generator!r}")
    most = height * width - 2
    if walls is None:
        return min(BUDGETS[generator], most)
    if isinstance(walls, bool) or not isinstance(walls, int) or not 0 <= walls <= most:
        raise TaskError(f"walls, the generator's budget, must be a whole number in [0, {most}]; got {walls!r}")
    return walls
