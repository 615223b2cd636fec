"""What MiniGrid's agent sees, built from the cells ahead alone: the same numbers as MiniGrid's own, but quicker.

MiniGrid copies, turns and encodes objects at each step. Here the codes of all cells are kept as an array, of which only
what changed is written anew; one compiled function cuts out the view, and hides what walls and doors hide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from minigrid.core.world_object import WorldObj
from numba import njit
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
WALL, DOOR, OPEN = 2, 4, 0
EMPTY = (1, 0, 0)
WALL_CODES = (2, 5, 0)
LARGEST_CODE = 10


class CellCodes:
    """The codes of all cells of a MiniGrid environment, ``uint8`` of shape ``(width, height, 3)``.

    Objects are told apart by identity: a cell is encoded again when it holds another one. Those of a class with an
    ``encode`` of its own (doors) may also change in themselves, and are encoded again each time.
    """

    def __init__(self) -> None:
        self._seen: list[Any] = []
        self._changing: list[tuple[int, Any]] = []

    def of(self, env: Any) -> Codes:
        """The codes as they are now; the array is used again."""
        cells, width = env.grid.grid, env.grid.width
        if len(cells) != len(self._seen):
            self._codes = np.zeros((env.grid.height * width, 3), dtype=np.uint8)
            self._seen = [self] * len(cells)  # what no cell holds
        if cells != self._seen:
            for place, (thing, before) in enumerate(zip(cells, self._seen, strict=True)):
                if thing is not before:
                    self._codes[place] = EMPTY if thing is None else thing.encode()
            self._seen = list(cells)
            self._changing = [
                (place, thing) for place, thing in enumerate(cells) if thing is not None and _changes(thing)
            ]
        for place, thing in self._changing:
            self._codes[place] = thing.encode()
        codes: Codes = self._codes.reshape(env.grid.height, width, 3).transpose(1, 0, 2)
        return codes


def _changes(thing: Any) -> bool:
    return type(thing).encode is not WorldObj.encode


def visible_cells(env: Any, codes: CellCodes) -> Codes:
    """What the agent of a bare MiniGrid environment sees, as in MiniGrid's ``gen_obs()["image"]``.

    ``uint8`` of shape ``(view, view, 3)``: column and row of the view, from the upper left corner, the agent in the
    middle of the last row looking up; for each cell kind, colour and state, all 0 where it cannot see.
    """
    view = env.agent_view_size
    image = np.empty((view, view, 3), dtype=np.uint8)
    carried = EMPTY if env.carrying is None else env.carrying.encode()
    x, y = env.agent_pos
    _look(codes.of(env), int(x), int(y), int(env.agent_dir), bool(env.see_through_walls), carried, image)
    return image


def flat_view(env: Any, codes: CellCodes, flat: NDArray[np.float32]) -> None:
    """Write what the agent sees into the first numbers of ``flat``: rows, columns and codes, these divided by 10.

    Then 1 at its direction and 0 at the other three. What follows is left as it is.
    """
    _flatten(visible_cells(env, codes), int(env.agent_dir), flat)


@njit(cache=True)
def _flatten(image: Codes, direction: int, flat: NDArray[np.float32]) -> None:
    view, place = image.shape[0], 0
    for j in range(view):
        for i in range(view):
            for c in range(3):
                flat[place] = image[i, j, c] / np.float32(LARGEST_CODE)
                place += 1
    flat[place : place + 4] = 0
    flat[place + direction] = 1


@njit(cache=True)
def _look(
    codes: Codes, x: int, y: int, direction: int, through_walls: bool, carried: tuple[int, int, int], image: Codes
) -> None:
    view = image.shape[0]
    ahead_x, ahead_y = (1, 0, -1, 0)[direction], (0, 1, 0, -1)[direction]
    for i in range(view):
        for j in range(view):
            far, right = view - 1 - j, i - view // 2
            column, row = x + ahead_x * far - ahead_y * right, y + ahead_y * far + ahead_x * right
            if 0 <= column < codes.shape[0] and 0 <= row < codes.shape[1]:
                image[i, j] = codes[column, row]
            else:
                image[i, j, 0], image[i, j, 1], image[i, j, 2] = WALL_CODES
    if not through_walls:
        _hide(image)
    image[view // 2, view - 1, 0], image[view // 2, view - 1, 1], image[view // 2, view - 1, 2] = carried


@njit(cache=True)
def _hide(image: Codes) -> None:
    """Light goes from the agent's cell row by row away from it, sideways and ahead, and stops in what is opaque."""
    view = image.shape[0]
    lit = np.zeros((view, view), dtype=np.bool_)
    lit[view // 2, view - 1] = True
    for j in range(view - 1, -1, -1):
        for i in range(view - 1):
            if lit[i, j] and not _opaque(image[i, j]):
                _light(lit, i, i + 1, j)
        for i in range(view - 1, 0, -1):
            if lit[i, j] and not _opaque(image[i, j]):
                _light(lit, i, i - 1, j)
    for i in range(view):
        for j in range(view):
            if not lit[i, j]:
                image[i, j] = 0


@njit(cache=True)
def _light(lit: NDArray[np.bool_], i: int, beside: int, j: int) -> None:
    lit[beside, j] = True
    if j > 0:
        lit[beside, j - 1] = True
        lit[i, j - 1] = True


@njit(cache=True)
def _opaque(cell: Codes) -> bool:
    return bool(cell[0] == WALL or (cell[0] == DOOR and cell[2] != OPEN))
