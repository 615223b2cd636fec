"""Where the time of `StumpTracks` goes: physics and the rest of a step, resets; Gymnasium's BipedalWalker beside it.

All figures come from one run on one core, with random actions and random tasks; rounds of the different measurements
take turns, and each figure is a median over the rounds, so that a busy machine disturbs them alike.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from teachrl_envs.box2d.stump_tracks import StumpTracks

ROUNDS, STEPS, RESETS = 7, 2000, 100
EPISODE = 200
ACTIONS = np.random.default_rng(0).uniform(-1, 1, (STEPS, 4)).astype(np.float32)
TASKS = StumpTracks.task_space.sample(np.random.default_rng(1), RESETS)
OPTIONS = [{"task": StumpTracks.task_space.task(vector)} for vector in TASKS]


class TimedWorld:
    """Stands in for the `b2World` of an environment and adds up the time spent in its ``Step``."""

    def __init__(self, world: Any) -> None:
        self.world, self.seconds = world, 0.0

    def Step(self, *args: float) -> None:  # noqa: N802
        start = time.perf_counter()
        self.world.Step(*args)
        self.seconds += time.perf_counter() - start


def measure() -> dict[str, float]:
    """Medians over the rounds. Ratios are whole ``env.step`` to the time inside ``b2World.Step`` of the same steps."""
    made = gym.make("teachrl/StumpTracks-v0")
    gymnasium = gym.make("BipedalWalker-v3")
    bare: Any = made.unwrapped
    for env in (made, gymnasium):  # compiles the lidar, seeds
        env.reset(seed=0)
    rounds = [
        {
            **_step_times(bare, bare.step, "bare"),
            **_step_times(bare, made.step, "made"),
            "reset_ms": _reset_time(bare) * 1e3,
            "steps_per_second": _rate(made, OPTIONS),
            "gymnasium_steps_per_second": _rate(gymnasium, [{}]),
        }
        for _ in range(ROUNDS)
    ]
    medians = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    medians["times_gymnasium"] = medians["steps_per_second"] / medians["gymnasium_steps_per_second"]
    return {f"stump_tracks_{name}": figure for name, figure in medians.items()}


def _step_times(env: Any, step: Callable[[Any], Any], name: str) -> dict[str, float]:
    whole = inside = 0.0
    terminated, episode_steps = True, 0
    for i, action in enumerate(ACTIONS):
        if terminated or episode_steps == EPISODE:
            env.reset(options=OPTIONS[i % RESETS])
            env.world, episode_steps = TimedWorld(env.world), 0
        before = env.world.seconds
        start = time.perf_counter()
        terminated = step(action)[2]
        whole += time.perf_counter() - start
        inside += env.world.seconds - before
        episode_steps += 1
    per_step = 1e6 / STEPS
    return {f"{name}_us": whole * per_step, f"{name}_us_inside": inside * per_step, f"{name}_ratio": whole / inside}


def _reset_time(env: Any) -> float:
    start = time.perf_counter()
    for options in OPTIONS:
        env.reset(options=options)
    return (time.perf_counter() - start) / RESETS


def _rate(env: Any, options: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    terminated, episode_steps = True, 0
    for i, action in enumerate(ACTIONS):
        if terminated or episode_steps == EPISODE:
            env.reset(options=options[i % len(options)])
            episode_steps = 0
        terminated = env.step(action)[2]
        episode_steps += 1
    return STEPS / (time.perf_counter() - start)


def main() -> None:
    figures = {name.removeprefix("stump_tracks_"): figure for name, figure in measure().items()}
    print("                 env.step µs   in b2World.Step µs   ratio")
    for name, label in (("bare", "unwrapped"), ("made", "gym.make")):
        whole, inside, ratio = (figures[f"{name}_{part}"] for part in ("us", "us_inside", "ratio"))
        print(f"{label:<16} {whole:>11.1f}   {inside:>18.1f}   {ratio:>5.2f}")
    print(f"\nreset            {figures['reset_ms']:.2f} ms, mean over {RESETS} random tasks")
    print(f"steps/s          {figures['steps_per_second']:,.0f} with resets and random actions")
    print(f"BipedalWalker-v3 {figures['gymnasium_steps_per_second']:,.0f}")
    print(f"quotient         {figures['times_gymnasium']:.1f}")


if __name__ == "__main__":
    main()
