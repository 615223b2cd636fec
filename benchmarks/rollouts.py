"""What workers bring, and what they cost: collecting with one worker, with two in Ray, and with SB3's SubprocVecEnv.

``python -m benchmarks.rollouts``, on two free cores. Stump Tracks, PPO with two layers of 64, fragments of 256 steps of
32 environments, uniform tasks; nobody learns. Kinds take turns, so that a busy machine disturbs all alike; wall time,
median over the rounds. The second part is the driver's own time, without that of workers: 64 of them take turns in one
process, and the time is compared with that of one, as if all had worked at once.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import SubprocVecEnv

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import make_env
from teachrl.rollouts.local_backend import LocalBackend
from teachrl.runs.directory import RunDirectory
from teachrl.training.run import Run

ROUNDS, STEPS, N_ENVS = 5, 256, 32
STUDENT = {"name": "ppo", "options": {"n_steps": STEPS, "policy_kwargs": {"net_arch": [64, 64]}}}


def experiment(env: str, teacher: str, n_envs: int = N_ENVS, **changes: Any) -> Experiment:
    fields = {"env": {"id": env, "n_envs": n_envs}, "teacher": teacher, "student": STUDENT}
    return Experiment.model_validate({**fields, **changes})


@contextmanager
def run(chosen: Experiment) -> Iterator[Run]:
    with TemporaryDirectory() as folder:
        made = Run(chosen, RunDirectory(Path(folder) / "run"))
        try:
            yield made
        finally:
            made.close()


class UniformTasks(gym.Wrapper[Any, Any, Any, Any]):
    """A task of its own for each episode, for those who cannot give one."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        space = self.get_wrapper_attr("task_space")
        task = space.task(space.sample(self.np_random, 1)[0])
        return self.env.reset(seed=seed, options={"task": task})


def stump_tracks() -> Any:
    return UniformTasks(make_env(EnvConfig(id="teachrl/StumpTracks-v0")))


def sb3_collect(n_envs: int) -> tuple[Callable[[], int], Callable[[], None]]:
    """SB3's own collecting with a process for each environment, of as many steps altogether."""
    envs = SubprocVecEnv([stump_tracks] * n_envs)
    steps = STEPS * N_ENVS // n_envs
    model = PPO("MlpPolicy", envs, n_steps=steps, policy_kwargs={"net_arch": [64, 64]}, device="cpu")
    _, callback = model._setup_learn(10**9, CallbackList([]))

    def collect() -> int:
        model.collect_rollouts(envs, callback, model.rollout_buffer, steps)
        return steps * n_envs

    return collect, envs.close


def ours(made: Run) -> int:
    return int(made.rollouts.collect(made.student, STEPS).rewards.size)


def speeds() -> None:
    with (
        run(experiment("teachrl/StumpTracks-v0", "random", N_ENVS // 2)) as half,
        run(experiment("teachrl/StumpTracks-v0", "random")) as alone,
        run(experiment("teachrl/StumpTracks-v0", "random", backend="ray", workers=2)) as two,
    ):
        processes = {n: sb3_collect(n) for n in (2, N_ENVS)}
        kinds: dict[str, Callable[[], int]] = {
            f"one worker of {N_ENVS // 2} environments": partial(ours, half),
            f"one worker of all {N_ENVS}": partial(ours, alone),
            "two in Ray": partial(ours, two),
        }
        kinds |= {f"SubprocVecEnv, {n} processes": collect for n, (collect, _) in processes.items()}
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(ROUNDS + 1):
            for name, collect in kinds.items():
                start = time.perf_counter()
                steps = collect()
                if turn:  # the first compiles, and opens connections
                    found[name].append(steps / (time.perf_counter() - start))
        for _, close in processes.values():
            close()
    base = statistics.median(found["two in Ray"])
    for name, rates in found.items():
        rate = statistics.median(rates)
        print(
            f"{name}: {rate:,.0f} steps/s ({min(rates):,.0f} to {max(rates):,.0f}); two in Ray: {base / rate:.2f} times"
        )


def driver(env: str, teacher: str, workers: int, steps: int, envs_per_worker: int = 4) -> None:
    """Seconds of the driver for a fragment, beside the seconds of one worker."""
    inside = calls = 0.0
    collect = LocalBackend.wait

    def timed(self: LocalBackend, indices: Any) -> Any:
        nonlocal inside, calls
        start = time.perf_counter()
        result = collect(self, indices)
        inside += time.perf_counter() - start
        calls += 1
        return result

    LocalBackend.wait = timed  # type: ignore[method-assign]
    try:
        with run(experiment(env, teacher, workers * envs_per_worker, workers=workers)) as made:
            for turn in range(4):
                if turn == 1:
                    inside, calls, start = 0.0, 0.0, time.perf_counter()
                fragment = made.rollouts.collect(made.student, steps)
                episodes = len(fragment.episodes)
            own = (time.perf_counter() - start - inside) / 3
    finally:
        LocalBackend.wait = collect  # type: ignore[method-assign]
    worker = inside / calls
    size = f"{workers} workers x {envs_per_worker} x {steps} steps, {calls / 3 / workers:g} calls a worker"
    print(
        f"{env}, {teacher}, {size}, about {episodes} episodes: driver {own * 1e3:.1f} ms a fragment, a worker "
        f"{worker * 1e3:.0f} ms: {own / worker:.1%}"
    )


def main() -> None:
    speeds()
    for steps in (64, 256, 1024):
        driver("teachrl/PointMass-v0", "random", 2, steps)
    for teacher in ("random", "alp-gmm"):
        driver("teachrl/PointMass-v0", teacher, 64, 1024)


if __name__ == "__main__":
    main()
