"""The levels that a grid world makes of seeds, as providers of sub-goals see them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import gymnasium as gym

from teachrl.errors import UsageError
from teachrl.guides.subgoals.level import GridLevel, read_level


def make_grid_world(environment: str) -> gym.Env[Any, Any]:
    """A bare grid world that draws, by MiniGrid's or BabyAI's id. Raises `UsageError` for anything else."""
    try:
        import minigrid  # noqa: F401  (registers its environments)
    except ImportError:
        raise UsageError("the levels of grid worlds need MiniGrid: pip install 'teachrl[minigrid]'") from None
    known = [name for name in gym.registry if name.startswith(("MiniGrid-", "BabyAI-"))]
    if environment not in known:
        close = difflib.get_close_matches(environment, known, n=3, cutoff=0.5)
        raise UsageError(
            f"unknown grid world {environment!r}; an id of MiniGrid or BabyAI is wanted, such as "
            + ", ".join(close or ["MiniGrid-KeyCorridorS3R3-v0"])
        )
    env: gym.Env[Any, Any] = gym.make(environment, render_mode="rgb_array").unwrapped
    return env


def level_of(env: gym.Env[Any, Any], environment: str, seed: int) -> GridLevel:
    """The level of a seed; the environment is in it afterwards."""
    env.reset(seed=seed)
    return read_level(env, environment, str(seed))


def seeded_levels(environment: str, seeds: Iterable[int]) -> Iterator[GridLevel]:
    """The levels of these seeds, each made when it is asked for."""
    env = make_grid_world(environment)
    for seed in seeds:
        yield level_of(env, environment, seed)
    env.close()
