"""Levels drawn by hand: a key, its locked door, a ball behind it, and what a test wants besides."""

from __future__ import annotations

from typing import Any

from teachrl.guides.subgoals.level import GridLevel, Objective, Thing

KEY = Thing("key", "yellow", (1, 2))
DOOR = Thing("door", "yellow", (3, 2), "locked")
BALL = Thing("ball", "blue", (5, 2))
ROOMS = ("#######", "#..#..#", "#.....#", "#..#..#", "#######")


def locked_room(*more: Thing, things: tuple[Thing, ...] = (KEY, DOOR, BALL), **changes: Any) -> GridLevel:
    """Two rooms with a door between them; the agent is in the left one, the blue ball in the right one is wanted."""
    walls = frozenset((x, y) for y, row in enumerate(ROOMS) for x, mark in enumerate(row) if mark == "#")
    fields = {
        "environment": "Rooms-v0",
        "key": "0",
        "width": 7,
        "height": 5,
        "walls": walls,
        "things": (*things, *more),
        "agent": (1, 1),
        "direction": 0,
        "mission": "pick up the blue ball",
        "objective": Objective("pickup", (5, 2)),
        "max_steps": 100,
    }
    return GridLevel(**{**fields, **changes})


def many_rooms(count: int) -> list[GridLevel]:
    """The same room under the seeds 0, 1, ..."""
    return [locked_room(key=str(seed)) for seed in range(count)]
