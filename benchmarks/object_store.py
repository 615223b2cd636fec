"""Whether anything piles up over ten thousand fragments: in Ray's object store, in the run's process, in its workers.

``python -m benchmarks.object_store``: two workers, each of whose fragments is half a megabyte; nobody learns, but the
student's weights change with every fragment, so that each has a version of its own. Alarming is what grows from the
thousandth to the last.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
import numpy as np
import ray
from ray._private.internal_api import memory_summary

from teachrl.config.experiment import Experiment
from teachrl.runs.directory import RunDirectory
from teachrl.training.run import Run

FRAGMENTS, STEPS, N_ENVS, WIDTH = 10_000, 32, 4, 2_000


class Wide(gym.Env[Any, Any]):
    """Observations of 2,000 numbers, and ten steps an episode."""

    observation_space = gym.spaces.Box(0, 10, (WIDTH,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._count = 0
        return np.zeros(WIDTH, np.float32), {}

    def step(self, action: Any) -> Any:
        self._count += 1
        return np.full(WIDTH, self._count, np.float32), 1.0, self._count == 10, False, {}


def experiment() -> Experiment:
    student = {"name": "ppo", "options": {"n_steps": STEPS, "policy_kwargs": {"net_arch": [4]}}}
    env = {"id": "benchmarks.object_store:Wide", "n_envs": N_ENVS}
    return Experiment.model_validate(
        {"env": env, "teacher": "random", "student": student, "backend": "ray", "workers": 2}
    )


def megabytes(pid: str) -> float:
    """Memory that a process holds and shares with nobody: windows on the store do not count."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) / 1024


def stored() -> int:
    summary = memory_summary(ray.get_runtime_context().gcs_address, stats_only=True)
    found = re.search(r"Plasma memory usage (\d+) MiB", summary)
    assert found is not None
    return int(found.group(1))


def main() -> None:
    with TemporaryDirectory() as folder:
        run = Run(experiment(), RunDirectory(Path(folder) / "run"))
        try:
            for number in range(1, FRAGMENTS + 1):
                run.rollouts.collect(run.student, STEPS)
                weights = run.student.weights()
                run.student.load_weights(_nudged(weights))
                if number in (10, 100, 1_000, FRAGMENTS):
                    held = [megabytes(pid) for pid in ("self", *(p.split()[1] for p in run.rollouts.places))]
                    own, *workers = (f"{size:.0f} MB" for size in held)
                    print(f"{number} fragments: store {stored()} MB, driver {own}, workers {workers}", flush=True)
            print(f"lost workers: {run.rollouts.metrics['workers/lost']:g}")
        finally:
            run.close()


def _nudged(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _nudged(part) for name, part in tree.items()}
    return tree + np.float32(1e-7) if isinstance(tree, np.ndarray) and tree.dtype == np.float32 else tree


if __name__ == "__main__":
    main()
