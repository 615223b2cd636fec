"""Whole runs under teachers that plan rounds: resumed, on levels and on numbers, and what their logs are good for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.evaluation.explanation import explain_episode
from teachrl.files import read_json, read_tree
from teachrl.training.progress import Progress
from teachrl.training.run import train
from tests.support.runs import assert_same_run, episodes

MAZE = {"id": "teachrl/Maze-v0", "options": {"height": 4, "width": 4, "walls": 4, "max_steps": 12}}
REPLAY = {"capacity": 12, "minimum_fill": 0.5}
OPTIONS: dict[str, dict[str, Any]] = {
    "plr": {**REPLAY, "score": "oracle_regret"},
    "robust-plr": REPLAY,
    "accel": {**REPLAY, "start_from": "easy", "edit_from": "easy"},
    "sfl": {"capacity": 6, "candidates": 16, "refresh_every": 3},
}


def experiment(teacher: str, env: Any = MAZE, steps: int = 2560, **options: Any) -> Experiment:
    fields = {
        "env": {**env, "n_envs": 4},
        "teacher": {"name": teacher, "options": {**OPTIONS[teacher], **options}},
        "student": {"name": "ppo", "options": {"n_steps": 32, "batch_size": 64, "n_epochs": 1}},
        "steps": steps,
        "evaluate_every": steps // 2,
        "checkpoint_every": 384,
        "name": "run",
    }
    return Experiment.model_validate(fields)


def stop_at(step: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.step >= step:
            os.kill(os.getpid(), signal.SIGTERM)

    return stop


@pytest.mark.parametrize("teacher", OPTIONS)
def test_interrupted_and_resumed_equals_never_interrupted(teacher: str, tmp_path: Path) -> None:
    chosen = experiment(teacher)
    whole = train(chosen, tmp_path / "whole")
    for step in (500, 1300, 1700):
        assert train(chosen, tmp_path / "cut", on_progress=stop_at(step)).status == "interrupted"
    cut = train(chosen, tmp_path / "cut")
    assert_same_run(whole.path, cut.path)
    status = [read_json(run / "status.json") for run in (whole.path, cut.path)]
    assert status[0]["costs"] == status[1]["costs"]


@pytest.mark.parametrize(
    ("teacher", "origins"),
    [
        ("plr", {"random", "replay"}),
        ("robust-plr", {"random", "replay"}),
        ("accel", {"random", "replay", "edit"}),
        ("sfl", {"candidate", "learnable", "random"}),
    ],
)
def test_costs_and_reasons_of_a_run(teacher: str, origins: set[str], tmp_path: Path) -> None:
    run = train(experiment(teacher), tmp_path).path
    log = episodes(run).to_pylist()
    assert {row["origin"] for row in log} == origins
    status = read_json(run / "status.json")
    costs = status["costs"]
    assert costs["training_steps"] + costs["scoring_steps"] == status["step"] == 2560
    assert costs["updates"] * 128 == costs["training_steps"]
    assert (costs["scoring_steps"] == 0) == (teacher == "plr")
    if teacher == "accel":
        # In each round an episode ends, so that the log knows which rounds were learnt from.
        rule = {row["teacher_version"]: row["origin"] for row in log}
        assert len(rule) == 20
        assert costs["updates"] == list(rule.values()).count("replay")
    assert explain_episode(run).sentence.startswith("Level ")


@pytest.mark.parametrize("env", ["teachrl/PointMass-v0", "teachrl/StumpTracks-v0"])
@pytest.mark.parametrize("teacher", ["plr", "accel", "sfl"])
def test_levels_may_be_points_of_a_box(teacher: str, env: str, tmp_path: Path) -> None:
    # Not every round of 32 steps sees the end of an episode: a value loss does without.
    options = {} if teacher == "sfl" else {"capacity": 12, "minimum_fill": 0.5, "score": "positive_value_loss"}
    chosen = experiment(teacher, {"id": env}, 10**6)
    chosen = chosen.model_copy(update={"teacher": chosen.teacher.model_copy(update={"options": options})})
    run = train(chosen, tmp_path, on_progress=stop_at(3072)).path
    state = read_tree(sorted((run / "checkpoints").iterdir())[-1] / "teacher.npz")
    assert state["version"] == 24
    if teacher != "sfl":
        assert state["buffer"]["filled"] == 12
    assert read_json(run / "status.json")["costs"]["scoring_steps"] > 0 or teacher == "plr"


def test_the_log_of_such_a_run_can_be_replayed_episode_by_episode(tmp_path: Path) -> None:
    run = train(experiment("accel", steps=1280), tmp_path).path
    again = experiment("accel", steps=1280).model_copy(update={"name": "again"})
    settings = again.teacher.model_copy(update={"name": "replayed", "options": {"run": str(run)}})
    other = train(again.model_copy(update={"teacher": settings}), tmp_path).path
    first, second = (episodes(folder) for folder in (run, other))
    tasks = [name for name in first.column_names if name.startswith("task.")]
    assert len(tasks) == 19
    played = sorted(second.to_pylist(), key=lambda row: row["number"] * 4 + row["env_index"])
    assert {tuple(row[name] for name in tasks) for row in played} <= {
        tuple(row[name] for name in tasks) for row in first.to_pylist()
    }


def test_rounds_that_are_too_short_to_judge_a_level_end_the_run_with_advice(tmp_path: Path) -> None:
    chosen = experiment("plr", {"id": "teachrl/PointMass-v0"}, score="max_monte_carlo")
    student = chosen.student.model_copy(update={"name": "sac", "options": {"learning_starts": 10_000}})
    with pytest.raises(UsageError, match="no level got a score"):
        train(chosen.model_copy(update={"student": student}), tmp_path)
    assert read_json(tmp_path / "run" / "status.json")["status"] == "failed"
