"""Steps per second of `PointMass`, stepped one by one on one core, resets included."""

import time

import numpy as np

from teachrl_envs.point_mass import PointMass

STEPS = 300_000


def measure() -> dict[str, float]:
    """Steps per second in two and three dimensions, best of three, with a random task for each episode."""
    return {f"point_mass_{d}d_steps_per_second": max(_rate(PointMass(d)) for _ in range(3)) for d in (2, 3)}


def _rate(env: PointMass) -> float:
    rng = np.random.default_rng(0)
    tasks = [env.task_space.task(v) for v in env.task_space.sample(rng, STEPS // 20)]
    actions = rng.uniform(-10, 10, (1000, 2)).astype(np.float32)
    env.reset(seed=0)
    env.step(actions[0])  # compiles
    left, start = STEPS, time.perf_counter()
    for episode in range(STEPS):
        env.reset(options={"task": tasks[episode % len(tasks)]})
        for step in range(min(100, left)):
            left -= 1
            if env.step(actions[step])[2]:
                break
        if left == 0:
            break
    return STEPS / (time.perf_counter() - start)


def main() -> None:
    for name, rate in measure().items():
        print(f"{name}: {rate:,.0f}")


if __name__ == "__main__":
    main()
