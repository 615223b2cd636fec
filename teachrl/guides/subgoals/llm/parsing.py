"""From what a language model says to sub-goals, or to the fault in words. Nothing that it can say raises.

An answer is usable when every sub-goal names an object of the level and the cell where it lies (or `NOTHING` and a cell
that is empty), no cell is a wall or lava, the last one is what the mission asks for, where `GridLevel.objective` tells,
and the order is feasible. Feasible is judged without solving the level, and in the answer's favour: for each sub-goal
the agent may pick up, move and open everything on its way, except what the answer itself lists later. A sub-goal that
then cannot be reached needs one that is listed after it: a locked door before its key, what lies behind a door before
the door, a door before the ball that blocks it. What is not listed is no fault.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from teachrl.guides.subgoals.level import DIRECTIONS, Cell, GridLevel, Subgoal
from teachrl.guides.subgoals.llm.prompts import NOTHING, quoted, shown

LONGEST_ANSWER = 20_000
"""Characters; a longer answer is a fault and is not read."""

FaultKind = Literal[
    "too_long", "unreadable", "empty", "too_many", "outside", "wall", "unknown_object", "misplaced", "ending", "order"
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an answer cannot be used: its kind, by which faults are counted, and words for the one who answered."""

    kind: FaultKind
    words: str


@dataclass(frozen=True, slots=True)
class Said:
    """One sub-goal as it was said: nothing about it is known to be true, but that numbers are numbers."""

    name: str
    cell: Cell


def answer_schema(most: int, level: GridLevel | None = None) -> dict[str, Any]:
    """JSON schema of an answer: its form alone, or, with a level, things where they lie and empty cells of that level.

    The first is the same for all levels, which endpoints like that prepare for each new schema.
    """
    number: dict[str, Any] = {"type": "integer", "minimum": 0}
    if level is None:
        item = _item({"type": "string"}, number, number)
    else:
        things = sorted({(shown(thing.name), thing.cell) for thing in level.things if thing.kind != "lava"})
        column, row = number | {"maximum": level.width - 1}, number | {"maximum": level.height - 1}
        known = [_item({"enum": [name]}, {"enum": [x]}, {"enum": [y]}) for name, (x, y) in things]
        item = {"anyOf": [*known, _item({"enum": [NOTHING]}, column, row)]}
    return {
        "type": "object",
        "properties": {"subgoals": {"type": "array", "minItems": 1, "maxItems": most, "items": item}},
        "required": ["subgoals"],
        "additionalProperties": False,
    }


def _item(name: dict[str, Any], x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"object": name, "x": x, "y": y},
        "required": ["object", "x", "y"],
        "additionalProperties": False,
    }


def read_answer(text: str) -> list[Said] | Fault:
    """What a text says, whether it is true or not. Prose around the JSON is passed over."""
    if len(text) > LONGEST_ANSWER:
        return Fault("too_long", f"it has {len(text)} characters, and at most {LONGEST_ANSWER} are read")
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return Fault("unreadable", "it is not JSON")
    items = value.get("subgoals") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return Fault("unreadable", 'it is not an object with a list "subgoals"')
    said = [_said(item) for item in items]
    bad = next((number for number, item in enumerate(said, 1) if item is None), None)
    if bad is not None:
        return Fault("unreadable", f'sub-goal {bad} is not an object with "object", a text, and "x" and "y", numbers')
    return [item for item in said if item is not None]


def _said(item: Any) -> Said | None:
    if not isinstance(item, dict) or not isinstance(item.get("object"), str):
        return None
    x, y = _whole(item.get("x")), _whole(item.get("y"))
    return None if x is None or y is None else Said(item["object"], (x, y))


def _whole(value: Any) -> int | None:
    """A number of a size that a level can have, or None. 3.0 is 3; true is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 10**6:
        return None
    return int(value) if value == int(value) else None


def judge_answer(text: str, level: GridLevel, most: int) -> tuple[Subgoal, ...] | Fault:
    """The sub-goals that a text gives for a level, at most ``most``, or the first thing that is wrong with it."""
    said = read_answer(text)
    if isinstance(said, Fault):
        return said
    if not said:
        return Fault("empty", "it names no sub-goal")
    if len(said) > most:
        return Fault("too_many", f"it names {len(said)} sub-goals, and at most {most} are wanted")
    for number, item in enumerate(said, 1):
        fault = _untrue(item, number, level)
        if fault is not None:
            return fault
    subgoals = tuple(Subgoal(item.cell, _name_at(level, item.cell)) for item in said)
    return _wrong_end(subgoals[-1], level) or infeasible(subgoals, level) or subgoals


def _untrue(item: Said, number: int, level: GridLevel) -> Fault | None:
    which = f"sub-goal {number}, {quoted(item.name)} at {item.cell},"
    if not level.inside(item.cell):
        return Fault("outside", f"{which} is outside the level of {level.width} columns and {level.height} rows")
    thing = level.thing_at(item.cell)
    if item.cell in level.walls or (thing is not None and thing.kind == "lava"):
        return Fault("wall", f"{which} is a wall or lava")
    if item.name == (NOTHING if thing is None else shown(thing.name)):
        return None
    places = [other.cell for other in level.things if shown(other.name) == item.name]
    if not places and item.name != NOTHING:
        return Fault("unknown_object", f"{which} names an object that the level does not have")
    there = f"{quoted(_name_at(level, item.cell))} lies there"
    return Fault("misplaced", f"{which} is not there: {there}" + _elsewhere(item.name, places))


def _elsewhere(name: str, places: list[Cell]) -> str:
    return f"; {quoted(name)} is at {' and '.join(str(cell) for cell in places[:4])}" if places else ""


def _name_at(level: GridLevel, cell: Cell) -> str:
    thing = level.thing_at(cell)
    return NOTHING if thing is None else thing.name


def _wrong_end(last: Subgoal, level: GridLevel) -> Fault | None:
    if level.objective is None or last.cell == level.objective.cell:
        return None
    wanted = level.objective.cell
    return Fault("ending", f"the last sub-goal has to be the mission's: {quoted(_name_at(level, wanted))} at {wanted}")


def infeasible(subgoals: tuple[Subgoal, ...], level: GridLevel) -> Fault | None:
    """The first sub-goal that cannot be reached before those listed after it (this module tells how that is judged)."""
    earlier: set[Cell] = set()
    for number, subgoal in enumerate(subgoals, 1):
        earlier.add(subgoal.cell)
        later = {other.cell for other in subgoals[number:]} - earlier
        if not _reachable(subgoal.cell, later, level):
            return Fault(
                "order",
                f"sub-goal {number}, {quoted(subgoal.name)} at {subgoal.cell}, cannot be reached before those after it",
            )
    return None


def _reachable(wanted: Cell, untouched: set[Cell], level: GridLevel) -> bool:
    """Whether the agent can come to a cell or face it, leaving the things in ``untouched`` cells as they are."""
    keys: set[str] = set()
    while True:
        touched = _touched(keys, untouched, level)
        if wanted in touched:
            return True
        found = {color for cell in touched - untouched for color in _keys_at(cell, level)}
        if found <= keys:
            return False
        keys |= found


def _touched(keys: set[str], untouched: set[Cell], level: GridLevel) -> set[Cell]:
    """All cells that the agent can stand on or face, when it has keys of these colours."""
    touched, waiting = {level.agent}, [level.agent]
    while waiting:
        x, y = waiting.pop()
        for dx, dy in DIRECTIONS:
            cell = (x + dx, y + dy)
            if cell in touched or cell in level.walls or not level.inside(cell):
                continue
            if _locked_without_key(cell, keys, level):
                continue
            touched.add(cell)
            if not _stands_in_the_way(cell, untouched, level):
                waiting.append(cell)
    return touched


def _stands_in_the_way(cell: Cell, untouched: set[Cell], level: GridLevel) -> bool:
    thing = level.thing_at(cell)
    if thing is None or thing.kind == "goal" or thing.state == "open":
        return False
    return thing.kind == "lava" or cell in untouched


def _locked_without_key(cell: Cell, keys: set[str], level: GridLevel) -> bool:
    thing = level.thing_at(cell)
    return thing is not None and thing.state == "locked" and thing.color not in keys


def _keys_at(cell: Cell, level: GridLevel) -> set[str]:
    thing = level.thing_at(cell)
    held = (thing, thing.contains) if thing is not None else ()
    return {item.color for item in held if item is not None and item.kind == "key"}
