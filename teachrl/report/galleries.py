"""Pictures of levels, each with a line or two below it, as HTML that needs no other file."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from typing import NamedTuple

import imageio.v3 as imageio
import numpy as np
from markupsafe import Markup

from teachrl.records.curriculum import BufferedLevel, Curriculum
from teachrl.report.figures import thin
from teachrl.report.html_parts import rendered
from teachrl.report.run_data import Evaluation, PlayedLevels, Vector
from teachrl_envs.maze.held_out import JAXUED, ROWS, held_out_level
from teachrl_envs.maze.level_space import LevelTaskSpace

MAX_PICTURES = 12
MAX_TEST_PICTURES = 50
PIXELS = 180


class Shown(NamedTuple):
    """A level, the lines below its picture, and whether it is marked as mastered."""

    level: Vector
    lines: tuple[str, ...]
    mastered: bool = False


def gallery(space: LevelTaskSpace, shown: Sequence[Shown]) -> Markup:
    """Return the levels side by side."""
    figures = [{"source": picture(space, one.level), "lines": one.lines, "mastered": one.mastered} for one in shown]
    return rendered("gallery.html", figures=figures)


def picture(space: LevelTaskSpace, level: Vector) -> str:
    """A level's picture, as an address that holds it."""
    pixels = max(2, PIXELS // (max(space.height, space.width) + 2))
    png = imageio.imwrite("<bytes>", space.picture(level, pixels), extension=".png")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def buffer_galleries(moment: Curriculum) -> dict[str, list[Shown]]:
    """What a moment of the curriculum has to show, by title: levels of the buffer, and levels that would be drawn."""
    by_score = sorted(moment.levels, key=lambda level: -np.nan_to_num(level.score, nan=-np.inf))
    newest = sorted(moment.levels, key=lambda level: -level.number)
    drawn = np.asarray(moment.samples)[thin(len(moment.samples), MAX_PICTURES)]
    found = {
        "Highest scores": [_buffered(level) for level in by_score[:MAX_PICTURES]],
        "Newest": [_buffered(level) for level in newest[:MAX_PICTURES]],
        "The line of edits to the level with the highest score": [_buffered(level) for level in lineage(moment.levels)],
        "Levels that the teacher would draw": [Shown(level, ()) for level in drawn],
    }
    return {title: shown for title, shown in found.items() if shown}


def lineage(levels: Sequence[BufferedLevel]) -> list[BufferedLevel]:
    """The level with the highest score after its ancestors, the first one first, as far as they are known.

    Of a long line, some evenly spread, the ends among them; empty when nothing is known of an ancestor.
    """
    by_number = {level.number: level for level in levels}
    level: BufferedLevel | None = max(levels, key=lambda one: np.nan_to_num(one.score, nan=-np.inf), default=None)
    line: list[BufferedLevel] = []
    while level is not None:
        line.append(by_number.pop(level.number))  # taken out, so that a torn file cannot lead in a circle
        level = by_number.get(level.parent)
    line.reverse()
    return [line[k] for k in thin(len(line), MAX_PICTURES)] if len(line) > 1 else []


def _buffered(level: BufferedLevel) -> Shown:
    origin = f"edit of level {level.parent}" if level.parent >= 0 else "generated"
    lines = (f"level {level.number}, generation {level.generation}", origin, f"score {level.score:.3g}")
    return Shown(np.asarray(level.task), lines)


def played_gallery(played: PlayedLevels) -> list[Shown]:
    """Levels from the first episode to the last."""
    return [
        Shown(played.levels[k], (f"step {played.step[k]:,.0f}, {played.origin[k]}", f"return {played.returns[k]:.3g}"))
        for k in thin(len(played), MAX_PICTURES)
    ]


def evaluated_gallery(space: LevelTaskSpace, evaluation: Evaluation) -> list[Shown]:
    """The levels of the test set with what one evaluation found."""
    shown = []
    for k in thin(len(evaluation.tasks), MAX_TEST_PICTURES):
        level, rate = evaluation.tasks[k], evaluation.solve_rates[k]
        name = held_out_names().get(tuple(space.level(level).rows()), f"level {k}")
        solved = (f"solve rate {100 * rate:.0f}%",) if np.isfinite(rate) else ()
        lines = (name, *solved, f"return {evaluation.returns[k]:.3g}")
        shown.append(Shown(level, lines, bool(evaluation.mastered[k] == 1)))
    return shown


@functools.cache
def held_out_names() -> dict[tuple[str, ...], str]:
    """The rows of the mazes that the literature knows by name, to their names."""
    return {tuple(held_out_level(name).rows()): name for name in {*ROWS, *JAXUED}}
