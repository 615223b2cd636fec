"""How exact and how fast states of simulators come back: ``python -m benchmarks.snapshot_restore [PATTERNS]``.

Exactness: how far observations and rewards of an episode are, over 20 random actions, from those of the same episode
restored in another environment, with the generator in the same state. The largest of each snapshot counts. 30 snapshots
each, after 0 to 60 random actions, from the first seeds whose episode is still open then.

Speed: medians of processor time, so that other work on the machine counts little.
"""

from __future__ import annotations

import copy
import fnmatch
import sys
import time
from collections.abc import Callable
from itertools import count, islice
from statistics import median
from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers MiniGrid-... and BabyAI-...)
import numpy as np

import teachrl_envs  # noqa: F401  (registers teachrl/...)
from teachrl.starts.adapters.registry import SimulatorState, adapter_for

Env = gym.Env[Any, Any]

MUJOCO = [f"{name}-v5" for name in ("Hopper", "HalfCheetah", "Walker2d", "Swimmer", "Ant", "Humanoid")]
CLASSIC_CONTROL = ["CartPole-v1", "Pendulum-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1"]
WORLDS = ["teachrl/PointMass-v0", "teachrl/Maze-v0", "teachrl/Hypercubes-v0"]
BOX2D = ["teachrl/StumpTracks-v0", "BipedalWalker-v3", "LunarLander-v3"]
MINIGRID = [
    "MiniGrid-DoorKey-8x8-v0",
    "MiniGrid-KeyCorridorS3R3-v0",
    "MiniGrid-ObstructedMaze-1Dlhb-v0",
    "MiniGrid-BlockedUnlockPickup-v0",
    "MiniGrid-Dynamic-Obstacles-8x8-v0",
    "BabyAI-SynthSeq-v0",
]
IDS = [*MUJOCO, *CLASSIC_CONTROL, *WORLDS, *BOX2D, *MINIGRID]
SNAPSHOTS, LATEST, ACTIONS, REPEATS = 30, 60, 20, 40


def begin(env: Env, seed: int) -> None:
    """Reset, on a task drawn from ``seed`` where the environment has tasks."""
    task = None
    if env.has_wrapper_attr("task_space"):
        space = env.get_wrapper_attr("task_space")
        task = {"task": space.task(space.sample(np.random.default_rng(seed), 1)[0])}
    env.reset(seed=seed, options=task)


def play_on(env: Env, seed: int) -> bool:
    """Play up to `LATEST` random actions from the start. Whether the episode is still open."""
    begin(env, seed)
    env.action_space.seed(seed)
    for _ in range(int(np.random.default_rng(seed).integers(LATEST + 1))):
        if any(env.step(env.action_space.sample())[2:4]):
            return False
    return True


def put_back(env: Env, seed: int, generator: dict[str, Any], state: SimulatorState) -> None:
    """What a snapshot start does."""
    begin(env, seed)
    env.unwrapped.np_random.bit_generator.state = generator
    adapter_for(env).restore(env.unwrapped, state)


def difference(one: Any, other: Any) -> float:
    """The largest absolute difference of two observations; of two missions 0 or infinity."""
    if isinstance(one, dict):
        return max(difference(one[key], other[key]) for key in one)
    if isinstance(one, str):
        return 0.0 if one == other else np.inf
    return float(np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)).max())


def error(env: Env, restored: Env) -> tuple[float, float, bool]:
    """Largest differences of observations and rewards over the next actions; whether both end at the same step."""
    observed = paid = 0.0
    for _ in range(ACTIONS):
        action = env.action_space.sample()
        one, other = env.step(action), restored.step(action)
        observed = max(observed, difference(one[0], other[0]))
        paid = max(paid, abs(float(one[1]) - float(other[1])))
        if one[2:4] != other[2:4]:
            return observed, paid, False
        if one[2] or one[3]:
            break
    return observed, paid, True


def measure_exactness(name: str) -> str:
    """One row of the table of errors."""
    env, restored = make(name), make(name)
    errors = []
    for seed in islice((seed for seed in count() if play_on(env, seed)), SNAPSHOTS):
        generator = env.unwrapped.np_random.bit_generator.state
        put_back(restored, seed, generator, adapter_for(env).save(env.unwrapped))
        errors.append(error(env, restored))
    observed, paid, ends = (np.array(column) for column in zip(*errors, strict=True))
    numbers = [np.median(observed), np.quantile(observed, 0.9), observed.max(), paid.max()]
    return f"| {name} | {' | '.join(f'{number:.2g}' for number in numbers)} | {np.sum(~ends)} |"


def microseconds(function: Callable[[], object]) -> float:
    """Median processor time of a call."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time_ns()
        function()
        times.append((time.process_time_ns() - start) * 1e-3)
    return median(times)


def measure_speed(name: str) -> str:
    """One row of the table of times."""
    env = make(name)
    seed = next(seed for seed in count() if play_on(env, seed))
    adapter, plain = adapter_for(env), env.unwrapped
    state, generator = adapter.save(plain), plain.np_random.bit_generator.state
    put_back(env, seed, generator, state)
    times = [
        microseconds(lambda: adapter.save(plain)),
        microseconds(lambda: adapter.restore(plain, state)),
        microseconds(lambda: put_back(env, seed, generator, state)),
    ]
    return f"| {name} | {state.size} | {' | '.join(f'{t:,.1f}' for t in times)} | {measure_copy(env, state)} |"


def measure_copy(env: Env, state: SimulatorState) -> str:
    """How long a deep copy takes, and whether the copy is in the same state."""
    try:
        copied = copy.deepcopy(env)
    except TypeError:
        return "impossible"
    taken = f"{microseconds(lambda: copy.deepcopy(env)):,.0f}"
    try:
        kept = np.array_equal(adapter_for(copied).save(copied.unwrapped), state)
    except (AttributeError, TypeError):  # not even reset
        kept = False
    return taken if kept else f"{taken}, state lost"


def make(name: str) -> Env:
    """Without gymnasium's time limit, whose steps are not part of the simulator's state, and without its checks."""
    return gym.make(name, max_episode_steps=10**6, disable_env_checker=True)


def main(patterns: list[str] | None = None) -> None:
    names = [name for pattern in patterns for name in fnmatch.filter(gym.registry, pattern)] if patterns else IDS
    print("| environment | observations: median | 90 % below | largest | rewards: largest | other ends |")
    for name in names:
        print(measure_exactness(name))
    print("| environment | numbers | save µs | restore µs | reset and restore µs | deep copy µs |")
    for name in names:
        print(measure_speed(name))


if __name__ == "__main__":
    main(sys.argv[1:])
