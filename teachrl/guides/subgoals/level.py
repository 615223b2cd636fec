"""A level of a grid world as those see it who give sub-goals for it: everything that is there, and what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from teachrl_envs.maze.env import Maze

Cell = tuple[int, int]
"""Column and row, from the upper left corner ``(0, 0)``; walls around the level are counted, as in MiniGrid."""

DIRECTIONS: tuple[Cell, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""What one step forward adds to the cell, for MiniGrid's directions 0 (right), 1 (down), 2 (left) and 3 (up)."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What lies in a cell, walls excepted. ``kind`` and ``color`` are MiniGrid's words."""

    kind: str
    color: str
    cell: Cell
    state: Literal["", "open", "closed", "locked"] = ""
    """Of a door."""
    contains: Thing | None = None
    """Of a box; its cell is the box's."""

    @property
    def name(self) -> str:
        """In words: "yellow key", "locked red door"; a goal is a "goal"."""
        if self.kind == "goal":
            return "goal"
        return " ".join(word for word in (self.state, self.color, self.kind) if word)


@dataclass(frozen=True, slots=True)
class Objective:
    """What ends the episode with success: to reach a cell, or to pick up what lies there."""

    kind: Literal["reach", "pickup"]
    cell: Cell


@dataclass(frozen=True)
class GridLevel:
    """The start of an episode. ``environment`` and ``key`` name it: the id, and the seed (or the level in short).

    ``things`` come row by row. ``objective`` is None where only the mission's words say what is wanted.
    """

    environment: str
    key: str
    width: int
    height: int
    walls: frozenset[Cell]
    things: tuple[Thing, ...]
    agent: Cell
    direction: int
    mission: str
    objective: Objective | None
    max_steps: int

    def thing_at(self, cell: Cell) -> Thing | None:
        """What lies there at the start."""
        return next((thing for thing in self.things if thing.cell == cell), None)

    def inside(self, cell: Cell) -> bool:
        """Whether the cell is one of the level's, walls included."""
        return 0 <= cell[0] < self.width and 0 <= cell[1] < self.height


@dataclass(frozen=True, slots=True)
class Subgoal:
    """A cell to reach, or whose content is to be changed: picked up, opened, dropped. ``name``: what lies there."""

    cell: Cell
    name: str


Codes = tuple[int, int, int]
"""MiniGrid's kind, colour and state of what lies in a cell."""
EMPTY: Codes = (1, 0, 0)
GOAL: Codes = (8, 1, 0)


def codes_at(env: Any, cell: Cell) -> Codes:
    """What now lies in a cell of a bare environment that `read_level` can read."""
    if isinstance(env, Maze):
        return GOAL if env.level.goal == _place(env, cell) else EMPTY
    there = env.grid.get(*cell)
    codes: Codes = EMPTY if there is None else there.encode()
    return codes


def agent_cell(env: Any) -> Cell:
    """Where the agent of such an environment now is."""
    if isinstance(env, Maze):
        row, column = env.agent_cell
        return column + 1, row + 1
    x, y = env.agent_pos
    return int(x), int(y)


def _place(env: Maze, cell: Cell) -> int:
    """A cell as a maze's own row-major number; -1 in the border."""
    x, y = cell[0] - 1, cell[1] - 1
    return y * env.level.width + x if 0 <= x < env.level.width and 0 <= y < env.level.height else -1


def read_level(env: Any, environment: str, key: str) -> GridLevel:
    """The level that a MiniGrid environment, a BabyAI level or a `Maze` is in. ``env`` is the bare one, just reset."""
    return _maze_level(env, environment, key) if isinstance(env, Maze) else _minigrid_level(env, environment, key)


def _minigrid_level(env: Any, environment: str, key: str) -> GridLevel:
    walls, things = set(), []
    for y in range(env.height):
        for x in range(env.width):
            there = env.grid.get(x, y)
            if there is None:
                continue
            if there.type == "wall":
                walls.add((x, y))
            else:
                things.append(_thing(there, (x, y)))
    x, y = (int(number) for number in env.agent_pos)
    return GridLevel(
        environment,
        key,
        int(env.width),
        int(env.height),
        frozenset(walls),
        tuple(things),
        (x, y),
        int(env.agent_dir),
        str(env.mission),
        _objective(env, things),
        int(env.max_steps),
    )


def _thing(there: Any, cell: Cell) -> Thing:
    state: Literal["", "open", "closed", "locked"] = ""
    if there.type == "door":
        state = "locked" if there.is_locked else "open" if there.is_open else "closed"
    inside = getattr(there, "contains", None)
    return Thing(there.type, there.color, cell, state, None if inside is None else _thing(inside, cell))


def _objective(env: Any, things: list[Thing]) -> Objective | None:
    """Of environments without instructions: the goal, where there is one, or else the object that `env.obj` names."""
    if hasattr(env, "instrs"):
        return None
    goals = [thing.cell for thing in things if thing.kind == "goal"]
    if goals:
        return Objective("reach", goals[0])
    wanted = getattr(env, "obj", None)
    if wanted is None or not env.mission.startswith("pick up"):
        return None
    x, y = (int(number) for number in wanted.cur_pos)
    return Objective("pickup", (x, y))


def _maze_level(env: Maze, environment: str, key: str) -> GridLevel:
    level = env.level
    height, width = level.height, level.width
    inner = {(int(x) + 1, int(y) + 1) for y, x in zip(*level.walls.nonzero(), strict=True)}
    border = {
        (x, y) for x in range(width + 2) for y in range(height + 2) if x in (0, width + 1) or y in (0, height + 1)
    }
    goal, agent = ((place % width + 1, place // width + 1) for place in (level.goal, level.agent))
    return GridLevel(
        environment,
        key,
        width + 2,
        height + 2,
        frozenset(inner | border),
        (Thing("goal", "green", goal),),
        agent,
        level.direction,
        "get to the green goal square",
        Objective("reach", goal),
        env.max_steps,
    )
