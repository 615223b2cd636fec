"""Episodes that begin at a snapshot: where, for how long, with which luck; and whole runs with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow.parquet as pq
import pytest

from teachrl.config.experiment import EnvConfig, Experiment, StartConfig
from teachrl.environments import environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.evaluation.snapshots import snapshots_of_policy
from teachrl.files import read_json
from teachrl.report import write_report
from teachrl.starts.bank import Bank, load_bank
from teachrl.starts.wrapper import SnapshotStarts
from teachrl.training.run import train
from tests.support.runs import assert_same_run

POINT = EnvConfig(id="teachrl/PointMass-v0")
LAST = {"task": {"snapshot": 10}}
PPO = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 64, "n_epochs": 1}}


@pytest.fixture(scope="module")
def bank_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    snapshots_of_policy(POINT, "tests.support.policies:down", episodes=2, every=10).save(path)
    return path


def bank_at(file: Path) -> Bank:
    env = make_env(POINT)
    return load_bank(file, POINT, env, environment_facts(env, POINT))


def starting(file: Path, **settings: Any) -> SnapshotStarts:
    env = make_env(POINT)
    facts = environment_facts(env, POINT)
    bank = load_bank(file, POINT, env, facts)
    return SnapshotStarts(env, bank, StartConfig(bank=str(file), **settings), facts)


def length(env: gym.Env[Any, Any]) -> tuple[int, bool]:
    steps, truncated = 0, False
    while not truncated:
        _, _, terminated, truncated, _ = env.step(np.zeros(2, dtype=np.float32))
        steps += 1
        assert not terminated
    return steps, truncated


def test_an_episode_begins_where_the_snapshot_was_taken(bank_file: Path) -> None:
    env, bank = starting(bank_file), bank_at(bank_file)
    assert env.task_space.high[0] == len(bank)
    observation, info = env.reset(seed=3, options=LAST)
    assert (observation == bank.observations[9]).all()
    assert info["task"] == {"snapshot": 10}
    assert (env.unwrapped.state == bank.states[9]).all()  # type: ignore[attr-defined]
    true, _ = env.reset(seed=3, options={"task": {"snapshot": 0}})
    assert true[:4].tolist() == [0, 0, 3, 0]


def test_the_time_limit_goes_on_and_truncation_comes_before_it(bank_file: Path) -> None:
    env, short = starting(bank_file), starting(bank_file, truncate_after=7)
    for start, whole, cut in ((10, 10, 7), (1, 100, 7), (0, 100, 100), (10, 10, 7)):
        for made, expected in ((env, whole), (short, cut)):
            made.reset(seed=0, options={"task": {"snapshot": start}})
            assert length(made) == (expected, True)


def test_luck_is_that_of_the_episode_and_not_of_the_snapshot(bank_file: Path) -> None:
    def path(seed: int) -> Any:
        env = starting(bank_file)
        env.reset(seed=seed, options=LAST)
        return np.array([env.step(np.zeros(2, dtype=np.float32))[0] for _ in range(5)])

    assert (path(1) == path(1)).all()
    assert (path(1) != path(2)).any()


def test_a_task_is_chosen_beside_the_start(bank_file: Path) -> None:
    env, bank = starting(bank_file, task="chosen"), bank_at(bank_file)
    task = {"task": {"gate_position": -1.0, "gate_width": 3.0}, "start": {"snapshot": 10}}
    observation, info = env.reset(seed=0, options={"task": task})
    assert np.allclose(observation[:4], bank.states[9])
    assert observation[4:].tolist() == [-1.0, 3.0]
    assert info["task"] == task
    assert env.task_space.names == ("task.gate_position", "task.gate_width", "start.snapshot")


def test_a_step_costs_nothing(bank_file: Path) -> None:
    env = starting(bank_file)
    assert env.step == env.env.step


def test_what_cannot_be_is_refused_before_training(bank_file: Path, tmp_path: Path) -> None:
    unlimited = EnvConfig(id="teachrl_envs.point_mass:PointMass")
    path = tmp_path / "bank.npz"
    cartpole = EnvConfig(id="CartPole-v1")
    snapshots_of_policy(cartpole, "tests.support.policies:lean", episodes=1).save(path)
    env = make_env(unlimited)
    settings = StartConfig(bank="unread", truncate_after=5)
    with pytest.raises(UsageError, match="TimeLimit"):
        SnapshotStarts(env, bank_at(bank_file), settings, environment_facts(env, unlimited))
    for fields, says in (
        ({"starts": {"bank": str(path), "task": "chosen"}, "env": "CartPole-v1"}, "starts.task to 'snapshot'"),
        ({"starts": str(path)}, "another environment"),
        ({}, "there are no snapshots"),
        ({"starts": {"bank": str(bank_file), "task": "chosen"}}, "part of a product"),
        ({"starts": {"bank": str(bank_file), "truncate_after": 0}}, "truncate_after"),
    ):
        with pytest.raises((UsageError, ValueError), match=says):
            train(Experiment.model_validate({"env": "teachrl/PointMass-v0", "teacher": "s3rl", **fields}), tmp_path)


def run_of(file: Path, teacher: Any, **changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "env": {"id": POINT.id, "n_envs": 2},
        "starts": {"bank": str(file), "truncate_after": 20},
        "teacher": teacher,
        "student": PPO,
        "steps": 1536,
        "evaluate_every": 1024,
        "checkpoint_every": 512,
        "name": "run",
        "test_set": "point-mass-2d-target-v1",
    }
    return Experiment.model_validate({**fields, **changes})


BOTH = {"name": "product", "options": {"parts": [
    {"parameters": ["task"], "teacher": "alp-gmm"},
    {"parameters": ["start"], "teacher": {"name": "s3rl", "options": {"cluster_by": "time", "phase_steps": 1000}}},
]}}  # fmt: skip


@pytest.mark.parametrize("teacher", [
    {"name": "s3rl", "options": {"cluster_by": "observation", "phase_steps": 1000, "fade": "linear"}}, BOTH,
    {"name": "regret-starts", "options": {"capacity": 8}},
], ids=["s3rl", "product", "regret-starts"])  # fmt: skip
def test_stopped_in_the_snapshot_phase_and_resumed_equals_never_stopped(
    teacher: Any, bank_file: Path, tmp_path: Path
) -> None:
    starts = {"bank": str(bank_file), "truncate_after": 20, "task": "chosen" if teacher is BOTH else "snapshot"}
    chosen = run_of(bank_file, teacher, starts=starts)
    whole = train(chosen, tmp_path / "whole")

    def stop(progress: Any) -> None:
        if progress.step >= 640:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    assert_same_run(whole.path, train(chosen, tmp_path / "cut").path)
    log = pq.read_table(whole.path / "episodes")
    column = "task.start.snapshot" if teacher is BOTH else "task.snapshot"
    assert (np.array(log["from_snapshot"]) == (np.array(log[column]) > 0)).all()
    assert np.array(log["from_snapshot"]).any()
    assert max(np.array(log["length"])[np.array(log["from_snapshot"])]) <= 20


def test_students_are_judged_at_the_true_start(bank_file: Path, tmp_path: Path) -> None:
    run = train(run_of(bank_file, {"name": "s3rl", "options": {"cluster_by": "time"}}), tmp_path).path
    last = read_json(sorted((run / "evaluations").iterdir())[-1])
    assert last["test_set"] == "point-mass-2d-target-v1"
    assert set(last["tasks"][0]["task"]) == {"gate_position", "gate_width"}
    assert not (pq.read_table(run / "episodes")["from_snapshot"].to_numpy(zero_copy_only=False) == 0).any()
    assert read_json(run / "evaluation_space.json") != read_json(run / "task_space.json")
    assert "snapshot" in write_report([run], tmp_path / "report.html").read_text()
