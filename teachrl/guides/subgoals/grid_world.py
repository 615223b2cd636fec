"""MiniGrid's rules played on a `GridLevel`, and the shortest ways in it, with a price for what stands in the way."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from teachrl.guides.subgoals.level import DIRECTIONS, Cell, GridLevel, Thing

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE = range(6)
MOVABLE = ("key", "ball", "box")
HARMLESS = ("floor",)


class Stance(NamedTuple):
    """Where the agent stands, and where it looks."""

    cell: Cell
    direction: int

    @property
    def front(self) -> Cell:
        """The cell ahead."""
        dx, dy = DIRECTIONS[self.direction]
        return self.cell[0] + dx, self.cell[1] + dy


class World:
    """A level as it changes under an agent's actions; all objects are known, also those in boxes."""

    def __init__(self, level: GridLevel) -> None:
        self.level = level
        self.things = {thing.cell: thing for thing in level.things}
        self.stance = Stance(level.agent, level.direction)
        self.carried: Thing | None = None
        self.actions: list[int] = []

    def act(self, action: int) -> None:
        """One of MiniGrid's actions, by MiniGrid's rules."""
        self.actions.append(action)
        front = self.stance.front
        there = self.things.get(front)
        if action in (LEFT, RIGHT):
            self.stance = Stance(self.stance.cell, (self.stance.direction + (1 if action == RIGHT else 3)) % 4)
        elif action == FORWARD and self.is_open(front):
            self.stance = Stance(front, self.stance.direction)
        elif action == PICKUP and there is not None and there.kind in MOVABLE and self.carried is None:
            self.carried = self.things.pop(front)
        elif action == DROP and self.carried is not None and self.is_free(front):
            self.things[front], self.carried = replace(self.carried, cell=front), None
        elif action == TOGGLE and there is not None:
            self._toggle(there)

    def _toggle(self, there: Thing) -> None:
        if there.kind == "box":
            self.things.pop(there.cell)
            if there.contains is not None:
                self.things[there.cell] = replace(there.contains, cell=there.cell)
        elif there.kind == "door" and (there.state != "locked" or self.holds_key(there.color)):
            self.things[there.cell] = replace(there, state="closed" if there.state == "open" else "open")

    def holds_key(self, color: str) -> bool:
        """Whether the agent carries the key of a colour."""
        return self.carried is not None and (self.carried.kind, self.carried.color) == ("key", color)

    def is_free(self, cell: Cell) -> bool:
        """Whether something can be put down there."""
        return self.level.inside(cell) and cell not in self.level.walls and cell not in self.things

    def is_open(self, cell: Cell) -> bool:
        """Whether the agent can step onto a cell as it is."""
        there = self.things.get(cell)
        enterable = there is None or there.kind in ("goal", *HARMLESS) or there.state == "open"
        return self.level.inside(cell) and cell not in self.level.walls and enterable


Price = Callable[[World, Cell], float]
"""What entering a cell costs beside the step itself; infinite where there is no way."""


def shortest_way(
    world: World, start: Stance, is_there: Callable[[Stance], bool], price: Price
) -> tuple[float, list[Stance]]:
    """From one stance to the nearest one that will do: its cost, and all stances on the way.

    Turning left or right and stepping forward cost 1 each (Dijkstra's algorithm). If there is no way, infinite and [].
    """
    costs, before = {start: 0.0}, dict[Stance, Stance]()
    queue = [(0.0, start)]
    while queue:
        cost, stance = heapq.heappop(queue)
        if cost > costs[stance]:
            continue
        if is_there(stance):
            return cost, _traced(before, stance)
        cell, direction = stance
        following = [(1.0, Stance(cell, (direction + 1) % 4)), (1.0, Stance(cell, (direction + 3) % 4))]
        extra = price(world, stance.front)
        if extra < math.inf:
            following.append((1.0 + extra, Stance(stance.front, direction)))
        for more, reached in following:
            if cost + more < costs.get(reached, math.inf):
                costs[reached], before[reached] = cost + more, stance
                heapq.heappush(queue, (cost + more, reached))
    return math.inf, []


def _traced(before: dict[Stance, Stance], stance: Stance) -> list[Stance]:
    way = [stance]
    while way[-1] in before:
        way.append(before[way[-1]])
    return way[::-1]


def walk(world: World, way: list[Stance]) -> None:
    """Act so that the agent goes through the stances of a way, which begins where it stands."""
    for stance in way[1:]:
        if stance.cell != world.stance.cell:
            world.act(FORWARD)
        else:
            world.act(RIGHT if (world.stance.direction + 1) % 4 == stance.direction else LEFT)
