"""Plans and sub-goals for levels of MiniGrid, by a search of our own that knows the whole level, boxes opened.

The planner goes where it must, and clears away what stands in the way there, one obstacle after the other: it opens
closed doors, picks up what blocks, puts it down when it needs its hands, fetches the key of a locked door and opens the
box in which the key lies. Between two such interactions it takes the shortest way, turns counted as steps, with a price
for obstacles that have to be removed. Plans are short but not always the shortest.

Sub-goals are the cells of its interactions, in their order, and last of all the objective (Words as Beacons 2024, arXiv
2410.08632, whose lists these are): keys, boxes that are opened, what is picked up because it blocks, locked doors;
ordinary doors only where a place is to be reached, as in MultiRoom. A key that comes out of a box is not listed, since
its cell is the box's. What is put down is not listed, and nothing is listed twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from teachrl.config.settings import Settings
from teachrl.errors import UsageError
from teachrl.guides.subgoals.grid_world import (
    DROP,
    HARMLESS,
    MOVABLE,
    PICKUP,
    TOGGLE,
    Price,
    Stance,
    World,
    shortest_way,
    walk,
)
from teachrl.guides.subgoals.level import Cell, GridLevel, Subgoal, Thing

# What an obstacle costs in a way beside the step: to toggle; to pick up and put down; to find the key of a locked door.
DOOR_PRICE, BLOCKER_PRICE, LOCK_PRICE = 1.0, 8.0, 40.0
MOST_INTERACTIONS = 200
"""The most complex maze takes about 40; beyond this the planner goes in circles."""


class PlannerConfig(Settings):
    """The provider ``planner`` has no settings."""


class Planner:
    """See the module's text. Raises `UsageError` for levels without an objective, and where it finds no way."""

    Config = PlannerConfig

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self.config = config or PlannerConfig()

    @property
    def identity(self) -> dict[str, Any]:
        """Nothing but its version."""
        return {"planner": 1}

    def subgoals(self, level: GridLevel) -> tuple[Subgoal, ...]:
        """See the module's text."""
        return _Attempt(level).run().subgoals()

    def plan(self, level: GridLevel) -> list[int]:
        """MiniGrid's actions from the level's start to success."""
        return _Attempt(level).run().world.actions


class _Attempt:
    """One level being solved."""

    def __init__(self, level: GridLevel) -> None:
        if level.objective is None:
            raise UsageError(
                f"the planner cannot read what is wanted in {level.environment}, {level.mission!r}: take the provider "
                "bot, which knows BabyAI's instructions, or llm"
            )
        self.level, self.objective, self.world = level, level.objective, World(level)
        self._listed: list[Thing] = []
        self._from_boxes: set[tuple[str, str]] = set()
        self._moved: set[Cell] = set()
        self._interactions = 0

    def run(self) -> _Attempt:
        """Solve it."""
        if self.objective.kind == "reach":
            self._go(lambda stance: stance.cell == self.objective.cell)
        else:
            self._take(self.objective.cell)
        return self

    def subgoals(self) -> tuple[Subgoal, ...]:
        """What was done on the way, and the objective."""
        doors_too = self.objective.kind == "reach"
        wanted = self.level.thing_at(self.objective.cell)
        kept = [
            thing
            for thing in self._listed
            if thing.cell != self.objective.cell and (doors_too or thing.kind != "door" or thing.state == "locked")
        ]
        last = Subgoal(self.objective.cell, "goal" if wanted is None else wanted.name)
        return (*(Subgoal(thing.cell, thing.name) for thing in kept), last)

    def _price(self, world: World, cell: Cell) -> float:
        if cell in world.level.walls or not world.level.inside(cell):
            return math.inf
        there = world.things.get(cell)
        if there is None or there.kind in HARMLESS or there.state == "open":
            return 0.0
        if there.kind == "door":
            return DOOR_PRICE if there.state == "closed" or world.holds_key(there.color) else LOCK_PRICE
        if there.kind in MOVABLE:
            return BLOCKER_PRICE
        return 0.0 if there.kind == "goal" and cell == self.objective.cell else math.inf

    def _go(self, is_there: Callable[[Stance], bool]) -> None:
        """Walk to a stance that will do, clearing the way."""
        while True:
            cost, way = shortest_way(self.world, self.world.stance, is_there, self._price)
            if cost == math.inf:
                raise UsageError(f"the planner finds no way in level {self.level.key} of {self.level.environment}")
            if self._opened_box_for(way):
                continue  # and the way begins elsewhere now
            place = next((i for i in range(1, len(way)) if not self.world.is_open(way[i].cell)), None)
            if place is None:
                return walk(self.world, way)
            self._clear(way, place)

    def _opened_box_for(self, way: list[Stance]) -> bool:
        """A box with the key of a locked door on a way is opened before anything else on it is done."""
        locked = [thing for stance in way if (thing := self.world.things.get(stance.cell)) and thing.state == "locked"]
        if not locked or self.world.holds_key(locked[0].color):
            return False
        box = self._key(locked[0].color)
        if box.kind != "box":
            return False
        self._go(_facing(box.cell))
        self._do(TOGGLE, box)
        self._from_boxes.add(("key", locked[0].color))
        return True

    def _clear(self, way: list[Stance], place: int) -> None:
        """Do the next thing about the first obstacle on a way; the agent then looks for a way anew."""
        there = self.world.things[way[place].cell]
        if there.kind == "door" and there.state == "locked" and not self.world.holds_key(there.color):
            self._take(self._key(there.color).cell)
        elif there.kind == "door":
            walk(self.world, way[:place])
            self._do(TOGGLE, there)
        elif self.world.carried is None:
            walk(self.world, way[:place])
            self._do(PICKUP, there)
        else:
            self._put_down({stance.cell for stance in way})

    def _key(self, color: str) -> Thing:
        """The key of a colour, or the box in which it is."""
        for thing in self.world.things.values():
            for inside in (thing, thing.contains):
                if inside is not None and (inside.kind, inside.color) == ("key", color):
                    return thing
        raise UsageError(f"level {self.level.key} of {self.level.environment} has no {color} key to be had")

    def _take(self, cell: Cell) -> None:
        """Pick up what lies in a cell; what is carried is put down there first."""
        self._go(_facing(cell))
        while self.world.carried is not None:
            self._put_down({self.world.stance.cell}, cell)
            self._go(_facing(cell))
        self._do(PICKUP, self.world.things[cell])

    def _put_down(self, keep_free: set[Cell], wanted: Cell | None = None) -> None:
        """Put down what is carried, at the nearest place from which there is still a free way to a ``wanted`` thing.

        Neither in the cells to ``keep_free`` nor beside doors, nor twice in one place, unless there is no other.
        """
        self._count()
        for away in (keep_free | self._beside_doors() | self._moved, keep_free | self._moved, set[Cell]()):
            cost, way = shortest_way(self.world, self.world.stance, self._place_for_it(away, wanted), _free_only)
            if cost < math.inf:
                walk(self.world, way)
                self._moved.add(way[-1].front)
                return self.world.act(DROP)
        raise UsageError(f"the planner finds no place to put something down in level {self.level.key}")

    def _place_for_it(self, away: set[Cell], wanted: Cell | None) -> Callable[[Stance], bool]:
        def will_do(stance: Stance) -> bool:
            place = stance.front
            if not self.world.is_free(place) or place in away:
                return False
            if wanted is None:
                return True
            around: Price = lambda world, cell: math.inf if cell == place else _free_only(world, cell)  # noqa: E731
            return shortest_way(self.world, stance, _facing(wanted), around)[0] < math.inf

        return will_do

    def _beside_doors(self) -> set[Cell]:
        doors = [cell for cell, thing in self.world.things.items() if thing.kind == "door"]
        return {Stance(cell, direction).front for cell in doors for direction in range(4)}

    def _do(self, action: int, there: Thing) -> None:
        """Pick up or toggle what is in front, and list it unless it was moved before or came out of a box."""
        self._count()
        if there.cell not in self._moved and (there.kind, there.color) not in self._from_boxes:
            self._listed.append(there)
        self.world.act(action)

    def _count(self) -> None:
        self._interactions += 1
        if self._interactions > MOST_INTERACTIONS:
            raise UsageError(f"the planner goes in circles in level {self.level.key} of {self.level.environment}")


def _free_only(world: World, cell: Cell) -> float:
    """The price of a way that nothing has to be cleared from, and that does not end the episode."""
    there = world.things.get(cell)
    return 0.0 if world.is_open(cell) and (there is None or there.kind != "goal") else math.inf


def _facing(cell: Cell) -> Callable[[Stance], bool]:
    return lambda stance: stance.front == cell
