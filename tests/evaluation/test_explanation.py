"""Why the teacher chose a task: from Python and from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from teachrl.cli.app import main
from teachrl.config.experiment import Experiment
from teachrl.errors import UsageError
from teachrl.evaluation.explanation import explain_episode
from teachrl.files import write_json
from teachrl.training.run import train

RECORDING = "tests.support.recording_teacher:RecordingTeacher"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 episodes of three environments: 30 uniform ones, then a mixture with a teacher of the user's own."""
    teachers = [{"teacher": "random"}, {"teacher": RECORDING, "weight": 3}]
    stages = [
        {"teacher": "random", "bounds": {"x0": [0, 0.2]}, "until": {"episodes": 30}},
        {"teacher": {"name": "mixture", "options": {"teachers": teachers}}},
    ]
    fields: dict[str, Any] = {
        "env": {"id": "teachrl/Hypercubes-v0", "n_envs": 3},
        "teacher": {"name": "sequence", "options": {"stages": stages}},
        "student": "simulated",
        "steps": 90,
        "evaluate_every": 0,
        "checkpoint_every": 40,
    }
    return train(Experiment.model_validate(fields), tmp_path_factory.mktemp("runs")).path


def log(run: Path) -> Any:
    return pq.read_table(run / "episodes").sort_by([("step", "ascending"), ("env_index", "ascending")]).to_pylist()


def test_what_is_told_is_what_the_log_holds(run: Path) -> None:
    rows = log(run)
    for place in (0, 40, 89):
        row, found = rows[place], explain_episode(run, place)
        assert (found.episode, found.episodes, found.step) == (place, 90, row["step"])
        assert (found.env_index, found.number) == (row["env_index"], row["number"])
        assert found.task == {"x0": row["task.x0"], "x1": row["task.x1"]}
        assert (found.origin, found.reason) == (row["origin"], json.loads(row["reason"]))
        assert (found.episode_return, found.success) == (row["return"], row["success"])
        assert found.teacher_version == row["teacher_version"]
        assert explain_episode(run, env_index=row["env_index"], number=row["number"]) == found
    assert explain_episode(run) == explain_episode(run, 89)


def test_the_sentence_is_the_teachers_own(run: Path) -> None:
    assert explain_episode(run, 0).sentence.startswith("Stage 0 (random, x0 in [0, 0.2]): Drawn at random")
    place = next(i for i, row in enumerate(log(run)) if "Recording" in row["origin"])
    found = explain_episode(run, place)
    assert found.sentence == (
        f"Stage 1 (mixture): Teacher 1 ({RECORDING}) chose, as it does with 75%: Goal {found.reason['1.1.goal']:.0f}."
    )


def test_the_page(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run), "--episode", "0"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].endswith("0 of 90 in the log: number 0 of environment 0, ended at step 3")
    assert [line[:17].strip() for line in lines] == [
        "episode", "task", "rule", "reason", "why", "teacher version", "return",
    ]  # fmt: skip
    assert "x0 = 0." in lines[1]
    assert lines[2].split()[1] == "random/random"
    assert "stage = 0" in lines[3]
    assert lines[6].endswith("0.00 in 1 steps, no success")


@pytest.mark.parametrize("arguments", [["--last"], [], ["--episode", "89"], ["--env-index", "2", "--number", "29"]])
def test_each_way_to_name_the_last_episode(run: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run), "--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == vars(explain_episode(run))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--episode", "90"], "from 0 to 89"),
        (["--episode", "-1"], "--episode"),
        (["--episode", "1", "--last"], "give one of them"),
        (["--last", "--env-index", "0", "--number", "0"], "give one of them"),
        (["--env-index", "0"], "give both"),
        (["--env-index", "3", "--number", "0"], "0 to 2"),
        (["--env-index", "0", "--number", "30"], "0 to 29"),
    ],
)
def test_requests_that_name_no_episode(
    run: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(run), *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(tmp_path)]) == 2
    assert "no run directory" in capsys.readouterr().err
    assert main(["explain"]) == 2


def copied(run: Path, target: Path) -> Path:
    for name in ("experiment.yaml", "task_space.json"):
        target.mkdir(exist_ok=True)
        (target / name).write_bytes((run / name).read_bytes())
    (target / "episodes").mkdir()
    return target


def test_a_run_without_episodes_and_one_that_cannot_be_read(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = copied(run, tmp_path / "broken")
    with pytest.raises(UsageError, match="no episodes in its log yet"):
        explain_episode(broken)
    (broken / "episodes" / "part-000000000001.parquet").write_text("torn")
    assert main(["explain", str(broken)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    write_json(broken / "task_space.json", {"kind": "none"})
    assert main(["explain", str(broken)]) == 1


def test_a_log_of_other_rules_is_told_without_their_numbers(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copied(run, tmp_path / "other")
    table = pq.ParquetFile(sorted((run / "episodes").iterdir())[0]).read()
    place = table.column_names.index("reason")
    table = table.set_column(place, "reason", [['{"stage": 1, "1.teacher": 0, "other": NaN}'] * len(table)])
    pq.write_table(table, other / "episodes" / "part-000000000001.parquet")
    assert "not those that the teacher now tells of" in explain_episode(other).sentence
    assert main(["explain", str(other)]) == 0
    assert "other = nan" in capsys.readouterr().out
    assert main(["explain", str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == {"stage": 1, "1.teacher": 0, "other": None}


def test_asking_for_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from teachrl.cli.app import main; main(['explain', '--help']); "
        "print({'torch', 'numpy', 'gymnasium', 'pyarrow'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "set()"


def test_a_teacher_that_employs_an_agent_explains_itself(tmp_path: Path) -> None:
    maze = {"id": "teachrl/Maze-v0", "n_envs": 2, "options": {"height": 4, "width": 4, "walls": 3, "max_steps": 20}}
    student = {"name": "ppo", "options": {"n_steps": 32, "batch_size": 32, "n_epochs": 1}}
    fields = {"env": maze, "teacher": "minimax", "student": student, "steps": 128, "evaluate_every": 0}
    run = train(Experiment.model_validate(fields), tmp_path).path
    assert explain_episode(run).sentence.startswith("Built by an agent after")
