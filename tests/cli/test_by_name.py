"""Experiments and suites by their names, from a folder that has none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from teachrl.cli.app import main
from teachrl.config.experiment import Experiment


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> list[Experiment]:
    """The experiments that would have been trained."""
    asked: list[Experiment] = []

    def train(experiment: Experiment, **_: object) -> SimpleNamespace:
        asked.append(experiment)
        return SimpleNamespace(path=Path("runs/it"), status="finished", step=1)

    module = ModuleType("teachrl.training.run")
    module.__dict__["train"] = train
    monkeypatch.setitem(sys.modules, "teachrl.training.run", module)
    return asked


def test_train_by_name_at_a_budget(
    training: list[Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "maze_accel", "--budget", "smoke", "--seed", "6"]) == 0
    assert main(["train", "quickstart"]) == 0
    smoke, quickstart = training
    assert (smoke.steps, smoke.seed, quickstart.steps) == (65_536, 6, 700_000)
    for flags, message in (
        (["maze_acel"], "did you mean 'maze_accel'"),
        (["maze_accel", "--budget", "papper"], "did you mean 'paper'"),
        (["quickstart", "--budget", "smoke"], "has no budgets"),
        (["experiments/nowhere/maze_accel.yaml"], "No such file"),
    ):
        assert main(["train", *flags]) == 2
        assert message in capsys.readouterr().err
    assert len(training) == 2


def test_list_experiments_from_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", "experiments", "--json"]) == 0
    listed = {item["name"]: item["summary"] for item in json.loads(capsys.readouterr().out)}
    assert {"quickstart", "maze_accel", "corl2019_toy"} <= set(listed)
    assert listed["maze_accel"].startswith("ACCEL on mazes")
    assert main(["bench", "list"]) == 0
    assert "hypercubes" in capsys.readouterr().out
