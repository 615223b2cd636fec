"""States of MiniGrid's environments: where everything is, and how doors stand. Exact.

Nothing is built: the reset on the snapshot's own seed makes the episode's objects, and these are put where they were,
so that whatever else refers to one of them (``env.obj``, instructions) refers to the right one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from minigrid.core.constants import COLOR_TO_IDX, OBJECT_TO_IDX

from teachrl.errors import UsageError
from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter

Name = tuple[int, int]
NUMBERS_FOR_AGENT, NUMBERS_FOR_OBJECT = 4, 4
NOWHERE, IN_HAND, ON_GRID = 0, 1, 2  # an object's own idea of its cell; from `ON_GRID` on, the number of the cell
NOTHING = (0, 0, 0, NOWHERE)


def save(env: Any) -> SimulatorState:
    """Shape ``(4 + 4 * (cells + 1),)``: agent and time, then the object in each cell, and the one carried."""
    names, width = _Names(env), env.width
    numbers = [*env.agent_pos, env.agent_dir, env.step_count]
    for thing in _things(env):
        numbers += NOTHING if thing is None else (*names.of(thing), _door(thing), _place(thing.cur_pos, width))
    return np.array(numbers, dtype=np.float64)


def restore(env: Any, state: SimulatorState) -> None:
    """Put everything where it was. Raises `UsageError` when the reset has made other objects than the snapshot's."""
    agent, rows = np.split(state.astype(np.int64), [NUMBERS_FOR_AGENT])
    names, width = _Names(env), env.width
    wanted = rows.reshape(-1, NUMBERS_FOR_OBJECT).tolist()
    things = _matched(env, names, [(row[0], row[1]) for row in wanted])
    for thing, (_, _, door, place) in zip(things, wanted, strict=True):
        if thing is None:
            continue
        if thing.type == "door":
            thing.is_open, thing.is_locked = bool(door & 1), bool(door & 2)
        thing.cur_pos = _cell(place, width)
        if names.is_obstacle(thing):
            thing.init_pos = thing.cur_pos
    *env.grid.grid, env.carrying = things
    x, y, env.agent_dir, env.step_count = agent.tolist()
    env.agent_pos = (x, y)


class _Names:
    """Numbers that tell objects apart, the same in the episode and after a reset: kind and colour, and where from.

    Obstacles that move on their own forget where they are from, but keep their place in the environment's list. What
    comes out of a box is from nowhere.
    """

    def __init__(self, env: Any) -> None:
        self._width = env.width
        self._obstacles = {id(thing): -1 - i for i, thing in enumerate(getattr(env, "obstacles", ()))}

    def of(self, thing: Any) -> Name:
        kind = 1 + OBJECT_TO_IDX[thing.type] * len(COLOR_TO_IDX) + COLOR_TO_IDX[thing.color]
        return kind, self._obstacles.get(id(thing)) or _place(thing.init_pos, self._width)

    def is_obstacle(self, thing: Any) -> bool:
        return id(thing) in self._obstacles


def _things(env: Any) -> list[Any]:
    """What lies in each cell, row by row, and what is carried; None for nothing."""
    return [*env.grid.grid, env.carrying]


def _matched(env: Any, names: _Names, wanted: list[Name]) -> list[Any]:
    """For each wanted name an object of ``env``: the one that is there already, or one from elsewhere or from a box."""
    elsewhere: dict[Name, list[Any]] = defaultdict(list)
    matched: list[Any] = []
    for thing, name in zip(_things(env), wanted, strict=True):
        stays = thing is not None and names.of(thing) == name
        matched.append(thing if stays else None)
        rest = thing if thing is None or not stays else thing.contains
        while rest is not None:
            elsewhere[names.of(rest)].append(rest)
            rest = rest.contains
    for index, name in enumerate(wanted):
        if matched[index] is None and name[0]:
            if not elsewhere[name]:
                raise UsageError(
                    f"this MiniGrid state has an object that {type(env).__name__} does not have after its reset: reset "
                    "on the snapshot's own seed and task, in an environment made with the same options"
                )
            matched[index] = elsewhere[name].pop(0)
    return matched


def _door(thing: Any) -> int:
    return thing.is_open + 2 * thing.is_locked if thing.type == "door" else 0


def _place(position: Any, width: int) -> int:
    if position is None:
        return NOWHERE
    x, y = position
    return IN_HAND if x < 0 else ON_GRID + int(y) * width + int(x)


def _cell(place: int, width: int) -> tuple[int, int] | None:
    if place < ON_GRID:
        return None if place == NOWHERE else (-1, -1)
    y, x = divmod(place - ON_GRID, width)
    return x, y


MINIGRID = SnapshotAdapter(save, restore)
