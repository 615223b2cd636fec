"""The hand-made mazes on which students are judged, and never trained.

Sources: Dennis et al. 2020 (arXiv 2012.02096) and Jiang et al. 2021 (arXiv 2110.02439), whose test suites they are
from; the eight of `JAXUED` are those of Coward et al. 2024 (arXiv 2403.13091). All have 13 x 13 cells inside their
border but ``MiniMaze`` (4 x 4) and ``MediumMaze`` (8 x 8).
"""

from __future__ import annotations

from collections.abc import Mapping

from teachrl_envs.maze.level import Level

ROWS: Mapping[str, tuple[str, ...]] = {
    "SixteenRooms": (
        "...#..#..#...",
        ".>.......#...",
        "...#..#......",
        "#.###.##.###.",
        "...#.........",
        "......#..#...",
        "##.#.##.###.#",
        "...#.....#...",
        "...#..#......",
        ".####.##.#.##",
        "...#..#..#...",
        "......#....G.",
        "...#.....#...",
    ),
    "SixteenRooms2": (
        "...#.....#...",
        ".>....#..#...",
        "...#..#..#...",
        "####.##.###.#",
        "...#..#......",
        "......#..#...",
        "#.#####.#####",
        "...#..#..#...",
        "...#.........",
        "##.##.##.####",
        "...#..#..#...",
        "......#....G.",
        "...#..#..#...",
    ),
    "Labyrinth": (
        ".............",
        ".###########.",
        ".#.........#.",
        ".#.#######.#.",
        ".#.#.....#.#.",
        ".#.#.###.#.#.",
        ".#.#.#G#.#.#.",
        ".#.#.#.#.#.#.",
        ".#...#...#.#.",
        ".#########.#.",
        ".....#.....#.",
        "####.#.#####.",
        ">....#.......",
    ),
    "Labyrinth2": (
        ">#...........",
        ".#.#########.",
        ".#.#.......#.",
        ".#.#.#####.#.",
        ".#.#.#...#.#.",
        "...#.#.#.#.#.",
        "####.#G#.#.#.",
        "...#.###.#.#.",
        ".#.#.....#.#.",
        ".#.#######.#.",
        ".#.........#.",
        ".###########.",
        ".............",
    ),
    "StandardMaze": (
        ".....#>...#..",
        ".###.####.##.",
        ".#...........",
        ".########.###",
        "........#....",
        "######.#####.",
        "....#..#.....",
        ".##...##.####",
        "..#.#..#...#.",
        "#.#.##.###.#.",
        "#.#..#...#...",
        "#.##.###.###.",
        "...#..G#.#...",
    ),
    "StandardMaze2": (
        "...#.#....#..",
        ".#.#.####...#",
        ".#........#..",
        ".########.###",
        "...#..#.#.#.G",
        "##.#.##.#.#..",
        ">#.#....#.##.",
        ".#.##.###..#.",
        ".#..#..###.#.",
        ".##.##.#.#.#.",
        ".#...#.#.#.#.",
        ".#.#.#.#.#.#.",
        "...#...#.....",
    ),
    "StandardMaze3": (
        "...>#.#......",
        ".####.#.####.",
        ".#....#.#....",
        "...####.#.#.#",
        "##.#....#.#..",
        "...#.##.#.##.",
        ".#.#.#..#..#G",
        ".#.#.#.###.##",
        ".#...#.#.#...",
        ".###.#.#.###.",
        ".#...#.#...#.",
        ".#.###.#.#.#.",
        ".#...#...#...",
    ),
    "NineRooms": (
        "........#....",
        ".>..#........",
        "....#...#....",
        "....#...#....",
        "#.###.######.",
        "....#........",
        "........#....",
        "....#...#....",
        "###.###.##.##",
        "....#...#....",
        "........#....",
        "....#......G.",
        "....#...#....",
    ),
    "NineRoomsFewerDoors": (
        "....#...#....",
        ".>..#........",
        "....#...#....",
        "....#...#....",
        "#.###.######.",
        "....#...#....",
        "........#....",
        "....#...#....",
        "###.##.###.##",
        "....#...#....",
        "........#....",
        "....#...#..G.",
        "....#...#....",
    ),
    "MiniMaze": (
        ">...",
        "###.",
        "G#..",
        "...#",
    ),
    "MediumMaze": (
        ".#..>##.",
        ".#.#.#..",
        ".#.####.",
        ".....#..",
        "####.#.#",
        "........",
        ".######.",
        "..G#....",
    ),
}
JAXUED = (
    "SixteenRooms",
    "SixteenRooms2",
    "Labyrinth",
    "LabyrinthFlipped",
    "Labyrinth2",
    "StandardMaze",
    "StandardMaze2",
    "StandardMaze3",
)


def held_out_level(name: str) -> Level:
    """The level of this name: of `ROWS`, or ``LabyrinthFlipped``, the mirror image of ``Labyrinth``."""
    if name == "LabyrinthFlipped":
        mirrored = [row[::-1].replace(">", "<") for row in ROWS["Labyrinth"]]
        return Level.from_rows(mirrored)
    return Level.from_rows(ROWS[name])


def corridors(size: int) -> list[Level]:
    """Corridors of a comb that look alike, ``size x size`` cells, one level for each corridor with the goal in it.

    The start is the left end of the middle row, where the agent looks right; goals lie just inside the corridors,
    above and below. ``SmallCorridor`` has size 13, ``LargeCorridor`` 19. The originals draw the goal once for each
    environment that is built.
    """
    middle = size // 2
    teeth = "." + ".".join("#" * middle) + "."
    comb = ["." * size, *[teeth] * (size - 2), "." * size]
    comb[middle] = ">" + "#" * (size - 2) + "."
    levels = []
    for row in (middle - 1, middle + 1):
        for column in range(2, size - 1, 2):
            cells = [list(line) for line in comb]
            cells[row][column] = "G"
            levels.append(Level.from_rows(["".join(line) for line in cells]))
    return levels
