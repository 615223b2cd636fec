"""How many levels the planner of sub-goals solves, and how long it takes: ``python -m benchmarks.planner``.

200 seeds of each environment. A level is solved when the plan, played in MiniGrid, succeeds with its last action.
"""

import time
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)

from teachrl.errors import UsageError
from teachrl.guides.subgoals.level import read_level
from teachrl.guides.subgoals.planner import Planner

SEEDS = 200
LISTED = """
Empty-8x8-v0 FourRooms-v0 DoorKey-5x5-v0 DoorKey-8x8-v0 DoorKey-16x16-v0 MultiRoom-N2-S4-v0 MultiRoom-N4-S5-v1
MultiRoom-N6-v0 KeyCorridorS3R1-v0 KeyCorridorS3R2-v0 KeyCorridorS3R3-v0 KeyCorridorS4R3-v0 KeyCorridorS5R3-v0
KeyCorridorS6R3-v0 UnlockPickup-v0 BlockedUnlockPickup-v0 ObstructedMaze-1Dl-v0 ObstructedMaze-1Dlh-v0
ObstructedMaze-1Dlhb-v0 ObstructedMaze-2Dl-v0 ObstructedMaze-2Dlh-v0 ObstructedMaze-2Dlhb-v0 ObstructedMaze-2Dlhb-v1
ObstructedMaze-1Q-v0 ObstructedMaze-1Q-v1 ObstructedMaze-2Q-v0 ObstructedMaze-2Q-v1 ObstructedMaze-Full-v0
ObstructedMaze-Full-v1
"""
NAMES = LISTED.split()


def succeeds(env: Any, plan: list[int]) -> bool:
    """Whether a plan ends the episode with success, and not before its last action."""
    results = [env.step(action)[1:3] for action in plan]
    return bool(results[-1][0] > 0) and not any(terminated for _, terminated in results[:-1])


def measure(name: str) -> str:
    env: Any = gym.make(f"MiniGrid-{name}", disable_env_checker=True).unwrapped
    env.gen_obs = lambda: None  # nothing here looks
    solved, refused, steps, milliseconds = 0, 0, 0, []
    for seed in range(SEEDS):
        env.reset(seed=seed)
        level = read_level(env, f"MiniGrid-{name}", str(seed))
        started = time.process_time()
        try:
            plan = Planner().plan(level)
        except UsageError:
            refused += 1
            continue
        milliseconds.append(1000 * (time.process_time() - started))
        solved, steps = solved + succeeds(env, plan), steps + len(plan)
    mean = sum(milliseconds) / len(milliseconds)
    took = f"{mean:.1f} ms (longest {max(milliseconds):.0f})"
    return f"{solved} solved, {refused} refused, {took}, {steps / solved:.1f} steps"


def main() -> None:
    for name in NAMES:
        print(f"{name}: {measure(name)}")


if __name__ == "__main__":
    main()
