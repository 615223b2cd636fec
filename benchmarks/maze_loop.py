"""What collecting and evaluating on mazes costs beside the student: stepped in one call, and one after the other.

``python -m benchmarks.maze_loop``. One core, random actions, random mazes of 13 x 13 cells. Both kinds play the same
episodes, and their rounds take turns: a busy machine disturbs them alike. Time is processor time, in microseconds for
each step of an environment; each figure is the median over the rounds.
"""

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from teachrl.config.experiment import EnvConfig
from teachrl.environments import environment_facts
from teachrl.evaluation.evaluator import Evaluator
from teachrl.records.episodes import Array, Decision, Episode
from teachrl.rollouts.episodes import PlannedTask
from teachrl.rollouts.worker import RolloutWorker
from teachrl.tasks.test_sets import load_test_set, packaged_test_sets
from teachrl_envs.maze.env import Maze

ROUNDS, ENVIRONMENTS, STEPS, LEVELS = 7, 32, 256, 4000
FACTS = environment_facts(Maze(), EnvConfig(id="teachrl/Maze-v0"))


class OwnMaze(Maze):
    """Does not declare a batch itself, so it is stepped one after the other."""


class RandomActions:
    """A student that costs next to nothing."""

    memory_size = 0
    discount = 0.99

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        return Decision(self._rng.integers(3, size=len(observations)))


class RandomLevels:
    """Levels in turn, whatever happens."""

    def __init__(self) -> None:
        self._levels, self._turn = FACTS.task_space.sample(np.random.default_rng(0), LEVELS), 0

    def next_task(self, env_index: int, finished: Episode | None) -> PlannedTask:
        self._turn += 1
        return PlannedTask(self._levels[self._turn % LEVELS], "in turn", 0)


def measure() -> dict[str, float]:
    """Medians over the rounds, and how much cheaper the batch is."""
    parts = {
        "collect_batched": _collecting(Maze),
        "collect_separate": _collecting(OwnMaze),
        "evaluate_batched": _evaluating(Maze),
        "evaluate_separate": _evaluating(OwnMaze),
    }
    for run in parts.values():  # compiles
        run()
    rounds = [{name: run() for name, run in parts.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(figures[name] for figures in rounds) for name in parts}
    for part in ("collect", "evaluate"):
        medians[f"{part}_times_cheaper"] = medians[f"{part}_separate"] / medians[f"{part}_batched"]
    return {f"maze_{name}": figure for name, figure in medians.items()}


def _collecting(kind: type[Maze]) -> Callable[[], float]:
    worker = RolloutWorker(kind, ENVIRONMENTS, FACTS, RandomLevels(), seed=0, discount=0.99)
    student = RandomActions()

    def run() -> float:
        start = time.process_time()
        worker.collect(student, STEPS)
        return 1e6 * (time.process_time() - start) / (STEPS * ENVIRONMENTS)

    return run


def _evaluating(kind: type[Maze]) -> Callable[[], float]:
    test_set = load_test_set(packaged_test_sets()["maze-jaxued-v1"], FACTS.task_space)
    test_set = replace(test_set, episodes_per_task=ENVIRONMENTS)
    evaluator, student = Evaluator(kind, FACTS, test_set, 0.99), RandomActions()

    def run() -> float:
        start = time.process_time()
        steps = evaluator.evaluate(student).steps
        return 1e6 * (time.process_time() - start) / steps

    return run


def main() -> None:
    for name, figure in measure().items():
        print(f"{name}: {figure:.2f}")


if __name__ == "__main__":
    main()
