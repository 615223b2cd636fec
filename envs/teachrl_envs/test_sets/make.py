"""The script that wrote the frozen test sets: ``python -m teachrl_envs.test_sets.make`` writes the same bytes again.

A test set is one JSON object: ``format`` (1), ``name``, ``version``, ``env`` (a registered id), ``description``,
``task_space`` (`TaskSpace.to_json`), ``tasks`` (task dicts), ``episodes_per_task``, ``seed`` (from which the episodes'
seeds follow, and the draws where tasks were drawn) and ``sha256`` (`canonical_hash`).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from teachrl_envs.hypercubes import Hypercubes
from teachrl_envs.maze.held_out import JAXUED, corridors, held_out_level
from teachrl_envs.maze.level import Level
from teachrl_envs.maze.level_space import LevelTaskSpace
from teachrl_envs.point_mass import PointMass
from teachrl_envs.tasks import BoxTaskSpace, Task, TaskSpace

FOLDER = Path(__file__).parent
SEED = 0
STUMP_TRACKS = BoxTaskSpace({"stump_height": (0.0, 3.0), "obstacle_spacing": (0.0, 6.0)})


def canonical_hash(description: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of all fields but ``sha256``, as JSON with sorted keys and no blanks."""
    fields = {name: value for name, value in description.items() if name != "sha256"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def grid_tasks(space: TaskSpace, points: int) -> list[Task]:
    """``points`` values in each dimension, from the lower to the upper bound; the first parameter changes slowest."""
    axes = [[d.low + (d.high - d.low) * i / (points - 1) for i in range(points)] for d in space.dimensions]
    return [space.task(np.array(point)) for point in itertools.product(*axes)]


def cell_centres(env: Hypercubes) -> list[Task]:
    """The middle of every cell; the first parameter changes slowest."""
    axis = [(i + 0.5) / env.cells for i in range(env.cells)]
    return [env.task_space.task(np.array(point)) for point in itertools.product(axis, repeat=env.task_space.size)]


def target_tasks(env: PointMass, count: int = 50) -> list[Task]:
    """Draws from the environment's target distribution, clipped to the bounds. The paper evaluates on 50."""
    draws = np.random.default_rng(SEED).normal(env.target_mean, env.target_std, (count, env.task_space.size))
    return [env.task_space.task(draw) for draw in np.clip(draws, env.task_space.low, env.task_space.high)]


def describe(name: str, env: str, description: str, space: TaskSpace, tasks: list[Task]) -> dict[str, Any]:
    """The JSON object of version 1 of a test set."""
    fields = {
        "format": 1,
        "name": name,
        "version": 1,
        "env": env,
        "description": description,
        "task_space": space.to_json(),
        "tasks": tasks,
        "episodes_per_task": 1,
        "seed": SEED,
    }
    return {**fields, "sha256": canonical_hash(fields)}


def all_test_sets() -> list[dict[str, Any]]:
    """Every test set of this folder."""
    return [
        describe(
            "stump-tracks-grid",
            "teachrl/StumpTracks-v0",
            "10 x 10 grid of stump height {0, 1/3, ..., 3} and obstacle spacing {0, 2/3, ..., 6}",
            STUMP_TRACKS,
            grid_tasks(STUMP_TRACKS, 10),
        ),
        *_point_mass_test_sets(context_dimensions=2, points=10),
        *_point_mass_test_sets(context_dimensions=3, points=5),
        _hypercubes_test_set(dimensions=2, cells=10),
        *_maze_test_sets(),
    ]


def _point_mass_test_sets(context_dimensions: int, points: int) -> list[dict[str, Any]]:
    env, size = PointMass(context_dimensions), f"{context_dimensions}d"
    space, made_with = env.task_space, f"PointMass(context_dimensions={context_dimensions})"
    drawn = f"50 draws from the target distribution of {made_with}, clipped to the bounds (arXiv 2004.11812)"
    spread = f"grid of {points} values in each dimension of {made_with}"
    return [
        describe(f"point-mass-{size}-target", "teachrl/PointMass-v0", drawn, space, target_tasks(env)),
        describe(f"point-mass-{size}-grid", "teachrl/PointMass-v0", spread, space, grid_tasks(space, points)),
    ]


def _hypercubes_test_set(dimensions: int, cells: int) -> dict[str, Any]:
    env = Hypercubes(dimensions, cells)
    description = f"the middle of every cell of Hypercubes(dimensions={dimensions}, cells={cells})"
    name = f"hypercubes-{dimensions}d-{cells}"
    return describe(name, "teachrl/Hypercubes-v0", description, env.task_space, cell_centres(env))


def _maze_test_sets() -> list[dict[str, Any]]:
    jaxued, rooms, single = (
        [held_out_level(name) for name in names]
        for names in (JAXUED, ("NineRooms", "NineRoomsFewerDoors"), ("MiniMaze", "MediumMaze"))
    )
    mini, medium = ([level] for level in single)
    suite = "of the test suite of DCD (arXiv 2110.02439)"
    return [
        _maze_test_set("jaxued", f"the eight mazes of JaxUED (arXiv 2403.13091): {', '.join(JAXUED)}", jaxued, 250),
        _maze_test_set(
            "rooms-and-corridors",
            f"NineRooms, NineRoomsFewerDoors and SmallCorridor with each of its ten goals, {suite}",
            [*rooms, *corridors(13)],
            450,
        ),
        _maze_test_set("large-corridor", f"LargeCorridor with each of its 16 goals, {suite}", corridors(19), 882),
        _maze_test_set("mini", f"MiniMaze {suite}", mini, 72),
        _maze_test_set("medium", f"MediumMaze {suite}", medium, 200),
        *(
            _maze_test_set(f"perfect-{name}", f"random mazes as in PerfectMaze{name.title()} {suite}", levels, steps)
            for name, levels, steps in (
                ("small", perfect_mazes(9, 50), 242),
                ("medium", perfect_mazes(19, 50), 882),
                ("large", perfect_mazes(49, 10), 5202),
            )
        ),
    ]


def perfect_mazes(size: int, count: int) -> list[Level]:
    """Draws from the generator ``perfect``."""
    space = LevelTaskSpace(size, size, generator="perfect")
    return [space.level(vector) for vector in space.sample(np.random.default_rng(SEED), count)]


def _maze_test_set(name: str, description: str, levels: list[Level], max_steps: int) -> dict[str, Any]:
    height, width = levels[0].height, levels[0].width
    space = LevelTaskSpace(height, width, max_steps=max_steps)
    tasks: list[Task] = [{"rows": level.rows()} for level in levels]
    made_with = f"{description}; for Maze(height={height}, width={width}, max_steps={max_steps})"
    return describe(f"maze-{name}", "teachrl/Maze-v0", made_with, space, tasks)


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every test set into ``folder``; returns the files."""
    paths = []
    for test_set in all_test_sets():
        path = folder / f"{test_set['name']}-v{test_set['version']}.json"
        path.write_bytes((json.dumps(test_set, indent=2, allow_nan=False) + "\n").encode())
        paths.append(path)
    return paths


if __name__ == "__main__":
    write()
