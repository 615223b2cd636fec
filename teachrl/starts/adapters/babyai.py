"""States of MiniGrid's BabyAI levels: those of MiniGrid, and how far the instruction has been followed. Exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from teachrl.starts.adapters import minigrid
from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter

ANSWERS = (False, None, "continue", "success", "failure")  # what an instruction may remember of its parts
MOST_PARTS = 7  # (a and b) then (c and d)
NUMBERS_FOR_PART = 4


def save(env: Any) -> SimulatorState:
    """MiniGrid's state, 4 numbers for each of 7 parts of the instruction, one for each cell.

    The latter says which descriptions point there: the sum of ``2 ** i`` over them, by number ``i``.
    """
    parts, cells = np.zeros((MOST_PARTS, NUMBERS_FOR_PART)), np.zeros((env.width, env.height))
    for number, part in enumerate(_parts(env.instrs)):
        done = [ANSWERS.index(getattr(part, name, False)) for name in ("a_done", "b_done")]
        # What a part held in hand when it last looked matters only if it looked in the last step.
        held = env.carrying is not None and getattr(part, "preCarrying", None) is env.carrying
        parts[number] = [*done, held, getattr(part, "lastStepMatch", False)]
    for number, description in enumerate(_descriptions(env.instrs)):
        for x, y in description.obj_poss:
            cells[x, y] += 2**number
    return np.concatenate([minigrid.save(env), parts, cells], axis=None)


def restore(env: Any, state: SimulatorState) -> None:
    """Put the objects back, then the instruction's memory. See `minigrid.restore` for errors."""
    parts_size, cells_size = MOST_PARTS * NUMBERS_FOR_PART, env.width * env.height
    objects, parts, cells = np.split(state, [-parts_size - cells_size, -cells_size])
    minigrid.restore(env, objects)
    rows = parts.reshape(MOST_PARTS, NUMBERS_FOR_PART).astype(int).tolist()
    for part, (a_done, b_done, held, matched) in zip(_parts(env.instrs), rows, strict=False):
        if hasattr(part, "a_done"):
            part.a_done, part.b_done = ANSWERS[a_done], ANSWERS[b_done]
        if hasattr(part, "preCarrying"):
            part.preCarrying = env.carrying if held else None
        part.lastStepMatch = bool(matched)
    marks = cells.reshape(env.width, env.height).astype(int)
    for number, description in enumerate(_descriptions(env.instrs)):
        description.obj_poss = [(int(x), int(y)) for x, y in np.argwhere(marks >> number & 1)]


def _parts(instruction: Any) -> list[Any]:
    """The instruction and those that it is made of."""
    if not hasattr(instruction, "instr_a"):
        return [instruction]
    return [instruction, *_parts(instruction.instr_a), *_parts(instruction.instr_b)]


def _descriptions(instruction: Any) -> list[Any]:
    """The descriptions of objects in an instruction."""
    names = ("desc", "desc_move", "desc_fixed")
    return [getattr(part, name) for part in _parts(instruction) for name in names if hasattr(part, name)]


BABYAI = SnapshotAdapter(save, restore)
