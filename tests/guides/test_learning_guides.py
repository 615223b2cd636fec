"""Guides that change with the student: told of each fragment, kept in checkpoints, refused where they cannot work."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.files import read_tree
from teachrl.training.run import train


def experiment(**fields: Any) -> Experiment:
    student = {"name": "ppo", "options": {"n_steps": 32, "batch_size": 32, "n_epochs": 1}}
    env = {"id": "teachrl/PointMass-v0", "n_envs": 2}
    common = {"steps": 512, "checkpoint_every": 64, "evaluate_every": 256, "keep_checkpoints": 20, "name": "run"}
    guide = "tests.support.fading_guide:Fading"
    return Experiment.model_validate(
        {"env": env, "teacher": "random", "student": student, "guide": guide, **common, **fields}
    )


def weights(run: Path, step: int) -> np.ndarray[Any, Any]:
    tree = read_tree(run / "checkpoints" / f"step_{step:012d}" / "student.npz")["weights"]["policy"]
    return np.concatenate([tree[name].ravel() for name in sorted(tree)])


def test_it_hears_of_every_fragment_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    train(experiment(), tmp_path / "whole")
    train(experiment(steps=256), tmp_path / "halved")
    train(experiment(), tmp_path / "halved", mode="resume")
    runs = [tmp_path / kind / "run" for kind in ("whole", "halved")]
    for run in runs:
        assert read_tree(run / "checkpoints" / "step_000000000512" / "guide.npz") == {"fragments": 8}
    assert (weights(runs[0], 512) == weights(runs[1], 512)).all()
    assert pq.read_table(runs[0] / "episodes") == pq.read_table(runs[1] / "episodes")


def equal(one: Any, other: Any) -> bool:
    """Whether two trees are the same to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(np.array_equal(one, other))


DESIGNED = [
    ("teachrl/Chain-v0", {"right": 2, "left": 6}, {"name": "explors", "options": {"reward_every": 2, "hidden": 8}}),
    ("teachrl/LineKey-v0", {}, {"name": "explors", "options": {"self_supervised": False}}),
    ("teachrl/RoomsNav-v0", {}, {"name": "adaptive", "options": {"every": 100}}),
]


@pytest.mark.parametrize(("env", "options", "guide"), DESIGNED, ids=["explors", "bonus", "adaptive"])
def test_designed_rewards_go_on_to_the_bit(env: str, options: Any, guide: Any, tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"env": {"id": env, "options": options, "n_envs": 2}, "guide": guide, "evaluate_every": 0}
    train(experiment(**chosen), tmp_path / "whole")
    stopped = []

    def stop_once(progress: Any) -> None:
        if not stopped and progress.step >= 320:
            stopped.append(progress.step)
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(experiment(**chosen), tmp_path / "killed", on_progress=stop_once).status == "interrupted"
    train(experiment(**chosen), tmp_path / "killed")
    runs = [tmp_path / kind / "run" for kind in ("whole", "killed")]
    steps = sorted(path.name for path in (runs[0] / "checkpoints").iterdir())
    assert stopped == [320]
    for step in steps:
        for part in ("guide", "student", "worker"):
            trees = [read_tree(run / "checkpoints" / step / f"{part}.npz") for run in runs]
            assert equal(*trees), (step, part)
    guides = [read_tree(runs[0] / "checkpoints" / step / "guide.npz") for step in steps]
    assert not any(equal(before, after) for before, after in pairwise(guides))
    assert pq.read_table(runs[0] / "episodes") == pq.read_table(runs[1] / "episodes")


def test_what_it_pays_changes_what_is_learnt_and_no_return(tmp_path: Path) -> None:
    student = {"name": "ppo", "options": {"n_steps": 128, "batch_size": 64, "n_epochs": 1}}
    train(experiment(student=student), tmp_path / "paid")
    train(experiment(student=student, guide=None), tmp_path / "plain")
    paid, plain = (tmp_path / kind / "run" for kind in ("paid", "plain"))
    first = [pq.read_table(run / "episodes")["return"].to_pylist()[0] for run in (paid, plain)]
    assert first[0] == first[1]  # played before anything was learnt
    assert (weights(paid, 512) != weights(plain, 512)).any()


def test_teachers_that_plan_rounds_do_not_go_with_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="plans whole rounds"):
        train(experiment(teacher="plr"), tmp_path)
