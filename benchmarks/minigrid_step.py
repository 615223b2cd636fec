"""What a step of MiniGrid costs: as it comes, as `teachrl/MiniGrid-v0`, and with sub-goals on top.

``python -m benchmarks.minigrid_step``. One core, KeyCorridorS3R3, random actions, resets included; rounds take turns,
so that a busy machine disturbs all alike. Processor time, microseconds a step, median over the rounds.
"""

import statistics
import time
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import numpy as np

from teachrl.config.experiment import EnvConfig
from teachrl.environments import Env, make_env
from teachrl.guides.registry import make_guide

ROUNDS, STEPS, LEVELS = 7, 10_000, 500
NAME = "MiniGrid-KeyCorridorS3R3-v0"
SETTINGS = EnvConfig(id="teachrl/MiniGrid-v0", options={"minigrid_id": NAME, "seeds": LEVELS})


def guided(encoding: str) -> Env:
    return make_guide("subgoals", {"encoding": encoding}, SETTINGS).guided(make_env(SETTINGS))


def cost(env: Any, steps: int) -> float:
    actions = np.random.default_rng(0).integers(0, 6, steps).tolist()
    env.reset(seed=0)
    started, episode = time.process_time(), 0
    for action in actions:
        *_, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            episode += 1
            env.reset(seed=episode % LEVELS)
    return (time.process_time() - started) / steps * 1e6


def measure() -> dict[str, float]:
    envs = {
        "minigrid": gym.make(NAME),
        "ours": make_env(SETTINGS),
        "representation": guided("representation"),
        "position": guided("position"),
    }
    for env in envs.values():
        cost(env, 20 * LEVELS)  # compiles, and asks for the sub-goals
    rounds = [{name: cost(env, STEPS) for name, env in envs.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(times[name] for times in rounds) for name in envs}


def main() -> None:
    found = measure()
    plain, ours = found["minigrid"], found["ours"]
    print(
        f"MiniGrid as it comes {plain:.1f} us a step, teachrl/MiniGrid-v0 {ours:.1f} us: "
        f"{plain / ours:.1f} times the steps"
    )
    for name in ("representation", "position"):
        more = found[name] - ours
        print(f"sub-goals, {name}: {more:+.1f} us, {more / plain:.1%} of MiniGrid's step, {more / ours:.1%} of ours")


if __name__ == "__main__":
    main()
