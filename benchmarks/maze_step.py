"""Steps per second of mazes: many at once in `MazeEngine`, with its parts, and one at a time through gymnasium.

One core, random actions, random mazes of 13 x 13 cells, episodes of up to 250 steps that follow each other by
themselves. Time is processor time, and rounds of the different measurements take turns: a busy machine disturbs them
alike. Each figure is the median over the rounds.
"""

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np

from teachrl_envs.maze.engine import MazeEngine
from teachrl_envs.maze.level_space import LevelTaskSpace

ROUNDS, SLOTS, STEPS, SINGLE_STEPS, LEVELS = 7, 4096, 60, 5000, 4000
SPACE = LevelTaskSpace()


def measure() -> dict[str, float]:
    """Medians over the rounds; rates in 1/s. ``flat``: with the observations that students see made after each step."""
    rng = np.random.default_rng(0)
    levels = SPACE.sample(rng, LEVELS)
    engine = MazeEngine(levels, SPACE.height, SPACE.width, rng.integers(LEVELS, size=SLOTS))
    actions = rng.integers(3, size=(STEPS, SLOTS))
    parts: dict[str, Callable[[], float]] = {
        "engine_steps_per_second": lambda: _engine_rate(engine, actions, flat=False),
        "engine_flat_steps_per_second": lambda: _engine_rate(engine, actions, flat=True),
        "made_steps_per_second": lambda: _single_rate(gym.make("teachrl/Maze-v0"), levels, actions.ravel()),
        "bare_steps_per_second": lambda: _single_rate(gym.make("teachrl/Maze-v0").unwrapped, levels, actions.ravel()),
        "sampled_levels_per_second": lambda: _level_rate(lambda: SPACE.sample(rng, LEVELS)),
        "edited_levels_per_second": lambda: _level_rate(lambda: SPACE.mutate(rng, levels, 20)),
        "solved_levels_per_second": lambda: _level_rate(lambda: SPACE.optimal_return(levels)),
    }
    for part in parts.values():  # compiles
        part()
    rounds = [{name: part() for name, part in parts.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(figures[name] for figures in rounds) for name in parts}
    medians["engine_times_made"] = medians["engine_steps_per_second"] / medians["made_steps_per_second"]
    return {f"maze_{name}": figure for name, figure in medians.items()}


def _engine_rate(engine: MazeEngine, actions: np.ndarray, flat: bool) -> float:
    start = time.process_time()
    for row in actions:
        engine.step(row)
        if flat:
            engine.observations()
    return actions.size / (time.process_time() - start)


def _single_rate(env: gym.Env, levels: np.ndarray, actions: np.ndarray) -> float:
    tasks = [SPACE.task(vector) for vector in levels[:100]]
    env.reset(seed=0, options={"task": tasks[0]})
    episode = 0
    start = time.process_time()
    for action in actions[:SINGLE_STEPS]:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            episode += 1
            env.reset(options={"task": tasks[episode % len(tasks)]})
    return SINGLE_STEPS / (time.process_time() - start)


def _level_rate(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return LEVELS / (time.process_time() - start)


def main() -> None:
    for name, figure in measure().items():
        print(f"{name}: {figure:,.0f}")


if __name__ == "__main__":
    main()
