"""The whole road: runs that are killed and resumed are the runs that were never killed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.config.experiment import Experiment, to_yaml
from teachrl.errors import TeachrlError, UsageError
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.evaluation.video import replay
from teachrl.files import read_json
from teachrl.training.run import train
from tests.support.runs import CARTPOLE, DQN, PPO, SAC, TD3, assert_same_run, episodes, experiment


@pytest.mark.slow
@pytest.mark.parametrize(("student", "env"), [(PPO, "teachrl/PointMass-v0"), (SAC, "teachrl/PointMass-v0"),
                                              (TD3, "teachrl/PointMass-v0"), (DQN, CARTPOLE)])  # fmt: skip
def test_interrupted_and_resumed_equals_never_interrupted(student: Any, env: str, tmp_path: Path) -> None:
    chosen = experiment(student, env)
    whole = train(chosen, tmp_path / "whole")
    stops = iter([700, 1300])
    for _ in range(2):
        at = next(stops)

        def stop(progress: Any, at: int = at) -> None:
            if progress.step >= at:
                os.kill(os.getpid(), signal.SIGTERM)

        assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    cut = train(chosen, tmp_path / "cut")
    assert (whole.status, cut.status, whole.step) == ("finished", "finished", cut.step)
    assert_same_run(whole.path, cut.path)


@pytest.mark.slow
@pytest.mark.parametrize("teacher", [
    {"name": "spdl", "options": {"update_every": 256, "update_offset": 256, "alpha_offset": 1}},
    {"name": "goal-gan", "options": {"pretraining_iterations": 5, "iterations": 5, "update_size": 5}},
    {"name": "setter-solver", "options": {"update_rate": 5}},
    {"name": "currot", "options": {"update_every": 10}},
], ids=lambda t: t["name"])  # fmt: skip
def test_a_teacher_with_more_than_numbers_in_its_state_resumes_alike(teacher: Any, tmp_path: Path) -> None:
    chosen = experiment(PPO, teacher=teacher)
    # Balancing for 20 steps is what a beginner does half the time: there is something to learn for every teacher.
    env = chosen.env.model_copy(update={"id": CARTPOLE, "mastery_return": 20.0})
    chosen = chosen.model_copy(update={"env": env})
    whole = train(chosen, tmp_path / "whole")

    def stop(progress: Any) -> None:
        if progress.step >= 1300:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    assert_same_run(whole.path, train(chosen, tmp_path / "cut").path)
    assert len(set(episodes(whole.path)["teacher_version"].to_pylist())) > 1, "the teacher never learnt anything"


@pytest.mark.slow
@pytest.mark.parametrize("student", [PPO, SAC], ids=["ppo", "sac"])
def test_killed_with_9_at_random_moments_equals_never_killed(student: Any, tmp_path: Path) -> None:
    chosen = experiment(student, "teachrl/StumpTracks-v0", steps=3000, evaluate_every=0, checkpoint_every=300)
    whole = train(chosen, tmp_path / "whole")
    file = tmp_path / "experiment.yaml"
    file.write_text(to_yaml(chosen))
    command = [sys.executable, "-m", "teachrl.cli.app", "train", str(file), "-f", str(tmp_path / "cut")]
    checkpoints = tmp_path / "cut" / "run" / "checkpoints"
    rng = np.random.default_rng()
    for wanted in (1, 2, 3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = {p.name for p in checkpoints.glob("step_*")} if checkpoints.exists() else set()
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if checkpoints.exists() and {p.name for p in checkpoints.glob("step_*")} - before:
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.wait()
        assert checkpoints.exists(), wanted
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert_same_run(whole.path, tmp_path / "cut" / "run")


def test_replay_buffer_is_appended_and_old_rows_are_dropped(tmp_path: Path) -> None:
    run = train(experiment(SAC), tmp_path).path
    parts = sorted(p.name for p in (run / "experience").iterdir())
    rows = [tuple(map(int, name.removesuffix(".npz").split("-")[1:])) for name in parts]
    assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(rows))
    assert rows[-1][1] == 1024  # vector steps of two environments
    assert rows[0][1] > 1024 - 256 - 700
    assert len(rows) > 1


def test_the_same_command_again_leaves_a_finished_run_alone(tmp_path: Path) -> None:
    first = train(experiment(PPO), tmp_path)
    log = episodes(first.path)
    assert train(experiment(PPO), tmp_path).status == "finished"
    assert episodes(first.path).equals(log)


@pytest.mark.slow
def test_another_experiment_is_refused_by_name_and_overwrite_starts_anew(tmp_path: Path) -> None:
    train(experiment(PPO), tmp_path)
    with pytest.raises(UsageError, match=r"seed"):
        train(experiment(PPO, seed=1), tmp_path)
    assert train(experiment(PPO, seed=1), tmp_path, mode="overwrite").status == "finished"
    assert train(experiment(PPO, seed=1, steps=3000), tmp_path, mode="resume").step >= 3000
    with pytest.raises(UsageError, match="nothing to resume"):
        train(experiment(PPO, name="other"), tmp_path, mode="resume")


def test_an_environment_that_is_not_deterministic_is_not_resumed_silently(tmp_path: Path) -> None:
    chosen = experiment(PPO, "tests.support.own_classes:Forgetful", evaluate_every=0)

    def stop(progress: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    train(chosen, tmp_path, on_progress=stop)
    with pytest.raises(TeachrlError, match="cannot resume exactly"):
        train(chosen, tmp_path)


def test_a_student_that_could_not_be_evaluated_is_refused_before_it_trains(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="under the key 'weights'"):
        train(experiment({"name": "tests.support.own_classes:Keyless"}, CARTPOLE), tmp_path)


def test_a_failing_environment_leaves_a_run_that_says_so(tmp_path: Path) -> None:
    chosen = experiment(PPO, "tests.support.own_classes:Trap", evaluate_every=0)
    chosen = chosen.model_copy(update={"env": chosen.env.model_copy(update={"options": {"fault": "step"}})})
    with pytest.raises(TeachrlError, match="motor burnt out"):
        train(chosen, tmp_path)
    assert read_json(tmp_path / "run" / "status.json")["status"] == "failed"
    assert read_json(tmp_path / "run" / "failures" / "episode-0000.json")["task"]["danger"] > 0.5


@pytest.mark.slow
def test_toy_alp_gmm_beats_random_as_in_the_paper(tmp_path: Path) -> None:
    mastered = {}
    for teacher in ("random", "alp-gmm"):
        chosen = Experiment.model_validate(
            {
                "env": {"id": "teachrl/Hypercubes-v0", "n_envs": 1},
                "teacher": {"name": teacher, "preset": "corl2019"},
                "student": "simulated",
                "steps": 10_000,
                "evaluate_every": 0,
                "checkpoint_every": 10_000,
            }
        )
        run = train(chosen, tmp_path).path
        mastered[teacher] = evaluate_run(run).mastered_percent
    assert mastered["random"] <= 4
    assert mastered["alp-gmm"] >= 10


@pytest.mark.slow
def test_ppo_learns_cartpole(tmp_path: Path) -> None:
    options = {"n_steps": 128, "batch_size": 128, "n_epochs": 10, "learning_rate": 1e-3}
    chosen = experiment({"name": "ppo", "options": options}, CARTPOLE, teacher="random", steps=24_000, evaluate_every=0)
    result = evaluate_run(train(chosen, tmp_path).path)
    assert result.mean_return > 80


def test_replay_writes_a_film(tmp_path: Path) -> None:
    run = train(experiment(PPO), tmp_path).path
    result = replay(run, {"gate_position": 1.0, "gate_width": 2.0}, tmp_path / "film.gif")
    assert result["length"] > 0
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF8")
