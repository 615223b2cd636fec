"""Short runs for tests, and whether two of them are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from teachrl.config.experiment import Experiment
from teachrl.files import read_json, read_tree

PPO = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 64, "n_epochs": 2, "normalize_observations": True}}
SAC = {"name": "sac", "options": {"learning_starts": 100, "batch_size": 32, "buffer_size": 700, "train_freq": 4}}
DQN = {"name": "dqn", "options": {"learning_starts": 100, "buffer_size": 500}}
TD3 = {"name": "td3", "options": {"learning_starts": 100, "buffer_size": 500, "noise_type": "normal", "noise_std": 0.1}}
CARTPOLE = "tests.support.own_classes:make_cartpole"


def experiment(student: Any, env: str = "teachrl/PointMass-v0", **changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "env": {"id": env, "n_envs": 2},
        "teacher": {"name": "alp-gmm", "options": {"fit_rate": 10, "max_components": 3}},
        "student": student,
        "steps": 2048,
        "evaluate_every": 1024,
        "checkpoint_every": 512,
        "name": "run",
    }
    return Experiment.model_validate({**fields, **changes})


def episodes(run: Path) -> Any:
    return pq.read_table(run / "episodes").sort_by([("step", "ascending"), ("env_index", "ascending")])


def same_tree(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_tree(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same_tree, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def assert_same_run(one: Path, two: Path) -> None:
    assert episodes(one).equals(episodes(two))
    newest = sorted((one / "checkpoints").iterdir())[-1].name
    for part in ("student", "teacher", "worker"):
        trees = [read_tree(run / "checkpoints" / newest / f"{part}.npz") for run in (one, two)]
        assert same_tree(*trees), part
    for file in sorted((one / "evaluations").iterdir()):
        assert {**read_json(file), "seconds": 0} == {**read_json(two / "evaluations" / file.name), "seconds": 0}
