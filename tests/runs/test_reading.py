"""Evaluations and curricula: what is written comes back, and a damaged file is named with what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.errors import TeachrlError
from teachrl.files import write_json
from teachrl.records.curriculum import BufferedLevel, Curriculum, Gaussian, Region
from teachrl.records.evaluation import EvaluationResult, TaskResult
from teachrl.runs.directory import RunDirectory
from teachrl.runs.files import RunFiles
from teachrl.runs.reading import read_curriculum, read_evaluation

EARLIER = Path(__file__).parents[1] / "data" / "runs_0_1"
ONE = TaskResult({"a": 1.0}, 2.0, 1.5, 9.0, 0.25, False)
OTHER = TaskResult({"a": 2.0}, 3.0, 2.5, 9.0, None, None)
RESULT = EvaluationResult("set-v1", 0.0, 0.25, 2.5, 2.0, 36, (ONE, OTHER), 4, True, step=100)
COSTLY = replace(RESULT, costs={"training_steps": 100}, seconds=1.5)


def directory(path: Path) -> RunDirectory:
    for folder in ("evaluations", "curriculum"):
        (path / folder).mkdir()
    return RunDirectory(path)


def test_an_evaluation_comes_back(tmp_path: Path) -> None:
    run = directory(tmp_path)
    run.write_evaluation(COSTLY)
    run.write_evaluation(replace(COSTLY, step=200))
    assert run.has_evaluation(200)
    assert run.evaluations() == [COSTLY, replace(COSTLY, step=200)]
    named = replace(RESULT, run="runs/a")
    assert EvaluationResult.from_json(json.loads(json.dumps(named.to_json()))) == named


def test_what_is_not_finite_is_null_and_read_as_nan(tmp_path: Path) -> None:
    run = directory(tmp_path)
    run.write_evaluation(replace(COSTLY, mean_return=float("inf")))
    assert json.loads(run.files.evaluations[0].read_text())["mean_return"] is None
    assert np.isnan(run.evaluations()[0].mean_return)


@pytest.mark.parametrize("file", sorted(EARLIER.glob("*/evaluations/*.json")), ids=str)
def test_evaluations_of_an_earlier_version_have_the_same_fields(file: Path) -> None:
    data = json.loads(file.read_text())
    assert read_evaluation(file).to_json() == data


@pytest.mark.parametrize("file", sorted(EARLIER.glob("*/curriculum/*.json")), ids=str)
def test_curricula_of_an_earlier_version_have_the_same_fields(file: Path, tmp_path: Path) -> None:
    write_json(tmp_path / file.name, read_curriculum(file).to_json())
    assert json.loads((tmp_path / file.name).read_text()) == json.loads(file.read_text())


def test_a_curriculum_comes_back_with_arrays(tmp_path: Path) -> None:
    run = directory(tmp_path)
    level = BufferedLevel([1.0, 0.0], 0.5, 3, 7, -1, 0)
    gaussian = Gaussian([0.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], float("nan"), 0.5)
    saved = Curriculum((gaussian,), (Region([0.0, 0.0], [1.0, 1.0], 1.0, 0.0),), ([1.0, 2.0],), (level,), ((0.5, 3),))
    run.write_curriculum(64, saved)
    found = read_curriculum(RunFiles(tmp_path).curricula[0])
    assert (found.step, len(found.parts), found.random_ratio) == (64, 2, 1.0)
    assert np.isnan(found.gaussians[0].weight)
    for array, wanted in (
        (found.samples, saved.samples),
        (found.buffer, saved.buffer),
        (found.levels[0].task, level.task),
    ):
        assert isinstance(array, np.ndarray)
        assert array.tolist() == [list(row) if isinstance(row, (list, tuple)) else row for row in wanted]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"step": 1', "delimiter"),
        ("[1]", "expected a JSON object, got list"),
        ('{"step": 1}', "it has no tasks"),
        ('{"tasks": []}', "it has no step"),
        ('{"step": 1, "tasks": ["x"]}', "'str' object"),
        ('{"step": 1, "tasks": [], "mean_return": "high"}', "high"),
        ('{"step": [], "tasks": []}', "int"),
    ],
)
def test_a_damaged_evaluation_is_named(content: str, said: str, tmp_path: Path) -> None:
    run = directory(tmp_path)
    file: Any = run.files.evaluation_at(1)
    file.write_text(content)
    with pytest.raises(ValueError, match=said):
        read_evaluation(file)
    with pytest.raises(TeachrlError, match=r"step_000000000001\.json cannot be read.*" + said):
        run.evaluations()


def test_lists_of_files_are_in_order_and_leave_out_what_is_being_written(tmp_path: Path) -> None:
    files = directory(tmp_path).files
    for step in (20, 10):
        files.evaluation_at(step).write_text("{}")
    (tmp_path / "evaluations" / ".step_000000000030.json.tmp").write_text("{}")
    assert files.evaluations == [files.evaluation_at(10), files.evaluation_at(20)]
    assert files.episodes == files.failures == []
    assert files.missing == ["experiment.yaml", "task_space.json"]
