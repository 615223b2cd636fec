"""A level with its sub-goals numbered, for the terminal and as an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from teachrl.guides.subgoals.level import Cell, GridLevel, Subgoal
from teachrl.guides.subgoals.llm.prompts import level_map, quoted

COLOR = (255, 255, 255)
OUTLINE = (0, 0, 0)


def text_picture(level: GridLevel, subgoals: Sequence[Subgoal]) -> list[str]:
    """The map, two characters a cell, with numbers over the cells of sub-goals, and the list of these."""
    marks = {cell: numbers[0] for cell, numbers in _numbers(subgoals).items()}
    rows = [[mark * 2 if mark == "#" else f"{mark} " for mark in row] for row in level_map(level)]
    for (x, y), number in marks.items():
        rows[y][x] = f"{number:<2}"
    listed = [f"{number:>3}. {quoted(goal.name)} at {goal.cell}" for number, goal in enumerate(subgoals, 1)]
    return ["".join(row).rstrip() for row in rows] + (listed or ["no sub-goals"])


def drawn(image: Any, level: GridLevel, subgoals: Sequence[Subgoal]) -> Image.Image:
    """``image``, an array ``(height, width, 3)`` of the whole level, with numbered discs."""
    picture = Image.fromarray(np.asarray(image, dtype=np.uint8))
    side = picture.width / level.width
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=0.4 * side)
    for (x, y), numbers in _numbers(subgoals).items():
        middle, radius = ((x + 0.5) * side, (y + 0.5) * side), 0.3 * side
        pen.circle(middle, radius, COLOR, OUTLINE)
        pen.text(middle, ",".join(str(number) for number in numbers), OUTLINE, font, anchor="mm")
    return picture


def _numbers(subgoals: Sequence[Subgoal]) -> dict[Cell, list[int]]:
    numbers: dict[Cell, list[int]] = {}
    for number, subgoal in enumerate(subgoals, 1):
        numbers.setdefault(subgoal.cell, []).append(number)
    return numbers
