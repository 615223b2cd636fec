"""Training while workers are killed: does the run end, do its counts match, does the student learn as well?

``python -m benchmarks.chaos``: PPO on CartPole-v1, 200 fragments of 128 steps x 8 environments on a Ray cluster of
three nodes here. About every ten fragments a worker is killed, while it collects, and once a node with all that is on
it, for which a new one comes. The undisturbed runs have the same seeds and the same two workers, in one process.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import ray
from ray.cluster_utils import Cluster

from teachrl.config.experiment import Experiment
from teachrl.files import read_json
from teachrl.runs.directory import RunDirectory
from teachrl.statistics.estimates import mean_over_runs
from teachrl.statistics.significance import welch_tests
from teachrl.training.callbacks import OnProgress
from teachrl.training.run import Run, train

FRAGMENTS, STEPS, N_ENVS = 200, 128, 8
SEEDS = range(5)


def experiment(seed: int, **changes: Any) -> Experiment:
    total = FRAGMENTS * STEPS * N_ENVS
    student = {"name": "ppo", "options": {"n_steps": STEPS, "batch_size": 256, "n_epochs": 4, "learning_rate": 1e-3}}
    fields = {
        **{"env": {"id": "CartPole-v1", "n_envs": N_ENVS}, "teacher": "random", "student": student, "workers": 2},
        **{"steps": total, "seed": seed, "evaluate_every": total // 20, "checkpoint_every": total // 10, "name": "run"},
    }
    return Experiment.model_validate({**fields, **changes})


class Chaos:
    """Kills a worker when seven to thirteen fragments have passed, and a node in the middle of the run."""

    def __init__(self, run: Run, cluster: Cluster, seed: int) -> None:
        self._run, self._cluster, self._random = run, cluster, random.Random(seed)
        self._fragment, self._next = 0, 10
        self.killed = self.nodes = 0

    def disturb(self) -> None:
        """After a fragment; what is killed is killed a little later, in the middle of the next."""
        self._fragment += 1
        if self._fragment == FRAGMENTS // 2:
            self._lose_a_node()
        elif FRAGMENTS - 1 > self._fragment >= self._next:  # the last is not followed by another
            self._next = self._fragment + self._random.randint(7, 13)
            threading.Timer(self._random.uniform(0, 0.2), self._kill_a_worker).start()

    def _kill_a_worker(self) -> None:
        living = [int(place.partition(" ")[2]) for place in self._run.rollouts.places if place]
        if living:
            os.kill(self._random.choice(living), signal.SIGKILL)
            self.killed += 1

    def _lose_a_node(self) -> None:
        node = self._random.choice(list(self._cluster.worker_nodes))
        self._cluster.remove_node(node, allow_graceful=False)
        self._cluster.add_node(num_cpus=1)
        self.nodes += 1


@contextmanager
def three_nodes() -> Iterator[Cluster]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def disturbed(seed: int, folder: Path) -> dict[str, float]:
    """One run in the storm: how often something was killed, and what the run counted."""
    with three_nodes() as cluster:
        directory = RunDirectory(folder / "run")
        chosen = experiment(seed, backend="ray", workers={"count": 2, "placement": "spread"})
        run = Run(chosen, directory, [OnProgress(lambda _: chaos.disturb())])
        try:
            with directory.locked():
                directory.prepare(chosen, empty=False)
                chaos = Chaos(run, cluster, seed)
                outcome = run.play()
        finally:
            run.close()
    status = read_json(directory.path / "status.json")
    rows = pq.read_table(directory.path / "episodes").to_pylist()
    names = {(row["env_index"], row["number"]) for row in rows}
    assert outcome.status == "finished"
    assert status["step"] == chosen.steps
    assert len(names) == len(rows) == status["episodes"], "an episode was counted twice, or not at all"
    assert all(row["return"] == row["length"] for row in rows), "CartPole gives 1 a step"
    assert sum(row["length"] for row in rows) <= status["step"]
    metrics = status["workers"]["metrics"]
    return {"killed": chaos.killed, "nodes": chaos.nodes, "lost": metrics["workers/lost"], "seconds": status["seconds"]}


def curve(folder: Path) -> list[float]:
    """Mean return of all evaluations."""
    return [read_json(file)["mean_return"] for file in sorted((folder / "run" / "evaluations").iterdir())]


def main() -> None:
    curves: dict[str, list[list[float]]] = {"disturbed": [], "undisturbed": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            storm, calm = Path(folder) / f"storm{seed}", Path(folder) / f"calm{seed}"
            counts = disturbed(seed, storm)
            train(experiment(seed), calm)
            curves["disturbed"].append(curve(storm))
            curves["undisturbed"].append(curve(calm))
            shown = ", ".join(f"{name} {value:g}" for name, value in counts.items())
            print(f"seed {seed}: {shown}; return {curves['disturbed'][-1][-1]:g}", flush=True)
    areas = {name: np.mean(of_seeds, axis=1) for name, of_seeds in curves.items()}
    for name, values in areas.items():
        estimate = mean_over_runs(values)
        print(f"{name}: mean return over the run {estimate}, by seed {values.tolist()}")
    print(welch_tests(areas)[0])


if __name__ == "__main__":
    main()
