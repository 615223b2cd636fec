"""Banks of snapshots: how they are filled, what they say of themselves, and which are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.cli.app import main
from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.evaluation.snapshots import snapshots_of_demonstrations, snapshots_of_policy, snapshots_of_run
from teachrl.files import read_tree, write_tree
from teachrl.starts.bank import Bank, load_bank
from teachrl.training.run import train

POINT = EnvConfig(id="teachrl/PointMass-v0")
CARTPOLE = EnvConfig(id="CartPole-v1")


def load(path: Path, settings: EnvConfig = CARTPOLE) -> Bank:
    env = make_env(settings)
    return load_bank(path, settings, env, environment_facts(env, settings))


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    path = tmp_path / "bank.npz"
    snapshots_of_policy(CARTPOLE, "tests.support.policies:lean", episodes=4, every=7).save(path)
    return path


def altered(path: Path, change: Mapping[str, Any]) -> Path:
    tree = read_tree(path)
    write_tree(path, {**tree, **change})
    return path


def test_a_bank_holds_each_episode_every_so_many_steps(bank: Path) -> None:
    loaded = load(bank)
    for episode in range(4):
        rows = loaded.episodes == episode
        length = loaded.episode_lengths[episode]
        assert loaded.elapsed[rows].tolist() == list(range(0, length, 7))
        assert loaded.returns[rows].tolist() == list(range(0, length, 7))  # one a step
        assert (loaded.remaining[rows] == length - loaded.elapsed[rows]).all()
        assert loaded.episode_returns[episode] == length
        assert len(set(loaded.seeds[rows])) == 1
    assert len(set(loaded.seeds)) == 4
    assert np.isnan(loaded.values).all()
    assert np.isnan(loaded.episode_successes).all()
    assert loaded.provenance["policy"] == {"policy": "tests.support.policies:lean"}


def test_only_the_best_episodes_are_kept_in_their_order() -> None:
    every, best = (
        snapshots_of_policy(CARTPOLE, "tests.support.policies:lean", episodes=6, best=n, seed=3) for n in (None, 2)
    )
    top = sorted(np.argsort(-every.episode_returns, kind="stable")[:2])
    assert best.episode_returns.tolist() == every.episode_returns[top].tolist()


def test_the_student_of_a_run_fills_a_bank_with_its_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"env": "teachrl/PointMass-v0", "teacher": "random", "steps": 64, "evaluate_every": 0, "name": "run"}
    student = {"name": "ppo", "options": {"n_steps": 32, "batch_size": 32, "n_epochs": 1}}
    run = train(Experiment.model_validate({**fields, "student": student}), tmp_path).path
    filled = snapshots_of_run(run, episodes=3, every=20)
    assert filled.provenance["policy"] == {"run": "run", "student": "ppo", "training_steps": 256}
    assert np.isfinite(filled.values).all()
    assert np.allclose(filled.tasks, [2.5, 0.5], atol=0.1), "the wanted tasks"
    again = snapshots_of_run(run, episodes=3, every=20)
    assert (again.states == filled.states).all()
    drawn = snapshots_of_run(run, episodes=3, every=20, deterministic=False)
    assert drawn.states.shape != filled.states.shape or (drawn.states != filled.states).any()
    path = tmp_path / "new" / "bank.npz"
    assert main(["snapshots", str(run), "-o", str(path), "--episodes", "2", "--every", "50"]) == 0
    assert "snapshots of 2 episodes" in capsys.readouterr().out
    assert len(load(path, POINT).episode_returns) == 2


def test_recorded_actions_are_played_again(tmp_path: Path) -> None:
    file = tmp_path / "shown.json"
    shown = {"seed": 5, "actions": [1, 0, 1, 0, 1, 0]}
    file.write_text(json.dumps([shown, {**shown, "seed": 6}]))
    bank = snapshots_of_demonstrations(CARTPOLE, file, every=2)
    assert bank.elapsed.tolist() == [0, 2, 4] * 2
    assert bank.episode_lengths.tolist() == [6, 6]
    assert bank.seeds.tolist() == [5] * 3 + [6] * 3
    file.write_text(json.dumps({"task": {"gate_position": 0.0, "gate_width": 8.0}, "seed": 1, "actions": [[0, 1]] * 9}))
    assert snapshots_of_demonstrations(POINT, file).tasks.tolist() == [[0.0, 8.0]]
    for content in ('[{"seed": 1}]', '{"seed": "x", "actions": []}', "3", "{"):
        file.write_text(content)
        with pytest.raises(UsageError, match=r"shown\.json"):
            snapshots_of_demonstrations(POINT, file)


def test_a_bank_of_another_environment_or_version_is_refused_with_the_reason(bank: Path) -> None:
    with pytest.raises(UsageError, match="env is CartPole-v1 there and teachrl/PointMass-v0 here"):
        load(bank, POINT)
    with pytest.raises(UsageError, match=r"options is \{\} there and \{'sutton_barto_reward': True\} here"):
        load(bank, EnvConfig(id="CartPole-v1", options={"sutton_barto_reward": True}))
    told = read_tree(bank)["provenance"]
    assert set(told["versions"]) == {"gymnasium"}
    altered(bank, {"provenance": {**told, "versions": {"gymnasium": "0.9"}}})
    with pytest.raises(UsageError, match=r"versions is \{'gymnasium': '0\.9'\} there"):
        load(bank)
    altered(bank, {"provenance": {**told, "format": 99}})
    with pytest.raises(UsageError, match="format 99"):
        load(bank)


@pytest.mark.parametrize("change", [
    {"seeds": np.zeros(1)}, {"observations": np.zeros((1, 2))}, {"states": np.zeros((0, 4))}, {"provenance": 3},
])  # fmt: skip
def test_a_torn_bank_is_refused(bank: Path, change: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"bank\.npz"):
        load(altered(bank, change))


def test_what_is_no_bank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no bank of snapshots at"):
        load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(UsageError, match="is no bank of snapshots"):
        load(tmp_path / "text.npz")


@pytest.mark.parametrize(("arguments", "says"), [
    ([], "say who plays"),
    (["--policy", "a:b"], "--env ID"),
    (["--policy", "tests.support.policies:lean", "--env", "CartPole-v1", "--set", "n_envs=0"], "n_envs"),
    (["--policy", "tests.support.policies:lean", "--env", "CartPole-v1", "--every", "0"], "every"),
    (["--policy", "tests.support.policies:nobody", "--env", "CartPole-v1"], "nobody"),
    (["--policy", "tests.support.policies:lean", "--env", "tests.support.own_classes:Trap"], "register_snapshots"),
])  # fmt: skip
def test_wrong_requests_say_what_to_do(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["snapshots", "-o", str(tmp_path / "x.npz"), *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()
