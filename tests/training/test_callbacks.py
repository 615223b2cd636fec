"""Callbacks see a run, may stop it, and never change its numbers."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from teachrl import Callback, Progress, RunInfo, RunResult, Update
from teachrl.config.experiment import Experiment, experiment_from_yaml_text, to_yaml
from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_json, read_tree, write_tree
from teachrl.records.evaluation import EvaluationResult
from teachrl.training.run import train
from tests.support.runs import PPO, assert_same_run, experiment


class Recorder(Callback):
    """Writes down what it sees; asks to stop at a step, where one is given."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.seen: list[tuple[str, Any]] = []

    def on_start(self, run: RunInfo) -> None:
        self.seen.append(("start", run.step))

    def on_fragment(self, progress: Progress, update: Update) -> bool:
        self.seen.append(("fragment", progress.step))
        return self.stop_at is not None and progress.step >= self.stop_at

    def on_evaluation(self, progress: Progress, evaluation: EvaluationResult) -> None:
        self.seen.append(("evaluation", progress.step))

    def on_checkpoint(self, progress: Progress, checkpoint: Path) -> None:
        assert checkpoint.is_dir()
        self.seen.append(("checkpoint", progress.step))

    def on_end(self, result: RunResult) -> None:
        self.seen.append(("end", result.status))

    def steps(self, kind: str) -> list[Any]:
        return [what for name, what in self.seen if name == kind]


class Broken(Callback):
    def on_fragment(self, progress: Progress, update: Update) -> None:
        raise RuntimeError("no space left")


def test_a_callback_sees_the_whole_run(tmp_path: Path) -> None:
    recorder = Recorder()
    train(experiment(PPO), tmp_path, callbacks=[recorder])
    assert recorder.seen[0] == ("start", 0)
    assert recorder.seen[-1] == ("end", "finished")
    assert recorder.steps("fragment") == list(range(128, 2049, 128))
    assert recorder.steps("evaluation") == [1024, 2048]
    assert recorder.steps("checkpoint") == [512, 1024, 1536, 2048]


def test_a_callback_may_stop_the_run_and_the_run_can_go_on(tmp_path: Path) -> None:
    whole = train(experiment(PPO), tmp_path / "whole")
    result = train(experiment(PPO), tmp_path / "cut", callbacks=[Recorder(stop_at=700)])
    assert (result.status, result.step) == ("stopped", 768)
    assert read_json(result.path / "status.json")["status"] == "stopped"
    recorder = Recorder()
    assert train(experiment(PPO), tmp_path / "cut", callbacks=[recorder]).status == "finished"
    assert recorder.seen[0] == ("start", 768)
    assert_same_run(whole.path, result.path)


def test_the_end_is_seen_when_a_run_fails(tmp_path: Path) -> None:
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="no space left"):
        train(experiment(PPO), tmp_path, callbacks=[recorder, Broken()])
    assert recorder.seen[-1] == ("end", "failed")


def test_callbacks_are_named_in_the_experiment() -> None:
    chosen = Experiment.model_validate(
        {"env": "CartPole-v1", "callbacks": ["csv", {"name": "a.module:Class", "options": {"every": 3}}]}
    )
    assert [one.name for one in chosen.callbacks] == ["csv", "a.module:Class"]
    assert chosen.callbacks[1].options == {"every": 3}
    assert experiment_from_yaml_text(to_yaml(chosen), "text") == chosen
    assert [one.name for one in Experiment.model_validate({"env": "CartPole-v1"}).callbacks] == ["tensorboard"]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (["tensorbord"], "did you mean 'tensorboard'"),
        (["tests.support.own_classes:Trap"], "not a subclass of teachrl.Callback"),
        ([{"name": "csv", "options": {"evry": 3}}], "cannot be built with the options"),
    ],
)
def test_callbacks_that_cannot_be_had_leave_no_trace(callbacks: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        train(experiment(PPO, callbacks=callbacks), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_another_choice_of_callbacks_is_the_same_experiment(tmp_path: Path) -> None:
    train(experiment(PPO), tmp_path, callbacks=[Recorder(stop_at=700)])
    run = train(experiment(PPO, callbacks=["csv"]), tmp_path)
    assert run.status == "finished"
    assert (run.path / "scalars.csv").exists()


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "scalars.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_of_scalars_goes_on_where_the_checkpoint_is(tmp_path: Path) -> None:
    chosen = experiment(PPO, callbacks=["csv"])
    whole = train(chosen, tmp_path / "whole").path
    cut = train(chosen, tmp_path / "cut", callbacks=[Recorder(stop_at=1100)]).path
    with (cut / "scalars.csv").open("a") as file:
        file.write("999999,rollout/ep_rew_mean,1.0\n2000,rollout/ep")  # behind the checkpoint, and half a row
    train(chosen, tmp_path / "cut")
    ours, theirs = ([(r["step"], r["name"], r["value"]) for r in rows(run)] for run in (cut, whole))
    timed = ("time/fps", "teacher/seconds_share")
    # A resumed run logs by the steps since it went on, so it may have other rows, and none that differ.
    kept = {row for row in ours if row[1] not in timed}
    assert {row for row in kept if row[1].startswith("eval/")} == {row for row in theirs if row[1].startswith("eval/")}
    assert {float(row[0]) for row in ours} <= set(range(0, 2049, 128))
    assert len(set(ours)) == len(ours)


def test_a_checkpoint_of_a_newer_format_is_refused_with_a_sentence(tmp_path: Path) -> None:
    run = train(experiment(PPO), tmp_path, callbacks=[Recorder(stop_at=700)]).path
    file = sorted((run / "checkpoints").iterdir())[-1] / "run.npz"
    assert read_tree(file)["format"] == 1
    write_tree(file, {**read_tree(file), "format": 2})
    with pytest.raises(TeachrlError, match="newer version of teachrl: its format is 2"):
        train(experiment(PPO), tmp_path)


def test_an_installed_package_adds_names(tmp_path: Path) -> None:
    """The metadata of an installed package is a folder on the path with its entry points."""
    (tmp_path / "plugin.py").write_text(
        "from teachrl.teachers.baselines.random import RandomTeacher\n"
        "from teachrl import Callback\n"
        "import gymnasium\n"
        "class PluginTeacher(RandomTeacher):\n    pass\n"
        "class PluginCallback(Callback):\n    pass\n"
        "def make():\n    return gymnasium.make('CartPole-v1')\n"
    )
    info = tmp_path / "teachrl_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teachrl-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[teachrl.teachers]\nplugin-teacher = plugin:PluginTeacher\nrandom = plugin:PluginTeacher\n"
        "[teachrl.callbacks]\nplugin-callback = plugin:PluginCallback\n"
        "[teachrl.environments]\nplugin-env = plugin:make\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import teachrl\n"
        "from teachrl.training.callbacks import make_callback\n"
        "from teachrl.config.experiment import CallbackChoice\n"
        "space = teachrl.BoxTaskSpace({'x': (0.0, 1.0)})\n"
        "print(type(teachrl.make_teacher('plugin-teacher', space)).__name__)\n"
        "print(type(teachrl.make_teacher('random', space)).__name__)\n"
        "print(type(make_callback(CallbackChoice(name='plugin-callback'))).__name__)\n"
        "print(type(teachrl.make_env('plugin-env').unwrapped).__name__)\n"
        "from teachrl.cli.app import main; main(['list', 'teachers'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.split("\n")
    assert lines[:4] == ["PluginTeacher", "RandomTeacher", "PluginCallback", "CartPoleEnv"]
    assert "from the package teachrl-plugin" in done.stdout
