"""Runs of version 0.1 can still be evaluated, explained, reported and resumed, with the numbers of that version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from teachrl import train
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.evaluation.explanation import explain_episode
from teachrl.report import write_report
from teachrl.runs.directory import RunDirectory
from tests.support.runs import episodes

pytestmark = pytest.mark.slow

RUNS = Path(__file__).parents[1] / "data" / "runs_0_1"
STEPS = {"ppo_alp_gmm": 24_576, "sac_alp_gmm": 3072, "accel_ppo_lstm": 24_576}
COLUMNS = ("step", "env_index", "number", "seed", "length", "return")


@pytest.fixture(params=STEPS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(RUNS / request.param, tmp_path / request.param))


def test_it_is_evaluated_explained_and_reported(run: Path) -> None:
    assert evaluate_run(run, episodes=1).tasks
    assert explain_episode(run)
    assert write_report([run]).exists()


def test_it_is_resumed_with_the_episodes_of_that_version(run: Path) -> None:
    before = RunDirectory.open(run).experiment()
    resumed = train(before.model_copy(update={"steps": STEPS[run.name]}), run.parent, mode="resume")
    assert resumed.status == "finished"
    expected = json.loads((RUNS / "expected.json").read_text())[run.name]
    rows = [[row[name] for name in COLUMNS] for row in episodes(run).to_pylist() if row["step"] > before.steps]
    assert rows == expected
