"""Decisions per second of ``teachrl/Teaching-v0`` with the simulated student: ``python -m benchmarks.teaching_speed``.

One process, in its own processor time, so that a busy machine does not count; random tasks on the default Hypercubes,
resets and evaluations included, the median of three rounds.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import gymnasium as gym

import teachrl.environments  # noqa: F401  (registers teachrl/Teaching-v0)

ROUNDS, EPISODES = 3, 3
KINDS: dict[str, dict[str, Any]] = {
    "learning_progress": {"reward": "learning_progress"},
    "mastery_gain": {"reward": "mastery_gain"},
    "batch_of_10": {"batch": 10, "decisions": 200},
}


def _rate(options: dict[str, Any], seed: int) -> float:
    env = gym.make("teachrl/Teaching-v0", **options)
    env.action_space.seed(seed)
    decisions, start = 0, time.process_time()
    for episode in range(EPISODES):
        env.reset(seed=seed + episode)
        finished = False
        while not finished:
            finished = env.step(env.action_space.sample())[2]
            decisions += 1
    seconds = time.process_time() - start
    env.close()
    return decisions / seconds


def measure() -> dict[str, float]:
    """Decisions per second by reward with one task each, and with ten tasks each."""
    rounds = [{name: _rate(options, seed) for name, options in KINDS.items()} for seed in range(ROUNDS)]
    return {f"{name}_decisions_per_second": statistics.median(r[name] for r in rounds) for name in KINDS}


def main() -> None:
    for name, rate in measure().items():
        print(f"{name:<45} {rate:>10,.0f}")


if __name__ == "__main__":
    main()
