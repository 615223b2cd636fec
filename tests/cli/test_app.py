"""The command line: commands, exit codes and messages."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from teachrl.cli.app import main
from teachrl.cli.listing import SOURCES, What
from teachrl.errors import TeachrlError
from teachrl.records.evaluation import EvaluationResult
from teachrl.tasks.spaces import TaskError


@dataclass(frozen=True)
class FakeProgress:
    step: int
    total_steps: int = 100
    steps_per_second: float = 10.0
    mean_return: float | None = None
    mastered_percent: float | None = 12.5
    episodes: int = 7


@dataclass(frozen=True)
class FakeOutcome:
    path: Path
    status: str
    step: int


class FakeTraining:
    """Stands in for the module `teachrl.training.run` and keeps what it was called with."""

    def __init__(self) -> None:
        self.status = "finished"
        self.error: BaseException | None = None
        self.calls: list[dict[str, Any]] = []

    def train(self, experiment: Any, runs_dir: Path, mode: str, on_progress: Any) -> FakeOutcome:
        self.calls.append({"experiment": experiment, "runs_dir": runs_dir, "mode": mode})
        if self.error is not None:
            raise self.error
        for step in (0, 1, 2, 100):
            on_progress(FakeProgress(step))
        return FakeOutcome(runs_dir / "it", self.status, 100)


def install(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    module = ModuleType(name)
    for key, function in functions.items():
        setattr(module, key, function)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    fake = FakeTraining()
    install(monkeypatch, "teachrl.training.run", train=fake.train)
    return fake


def test_train_from_flags(training: FakeTraining, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--env", "X", "--teacher", "random", "--student", "sac", "-n", "1e3", "--seed", "4", "--n-envs", "2"]
    flags += ["--name", "a", "-f", "out"]
    assert main(["train", *flags, "--set", "student.options.gamma=0.5", "--set", "env.options.size=3"]) == 0
    (call,) = training.calls
    experiment = call["experiment"]
    assert (experiment.env.id, experiment.env.n_envs, experiment.env.options) == ("X", 2, {"size": 3})
    assert (experiment.teacher.name, experiment.student.name) == ("random", "sac")
    assert (experiment.steps, experiment.seed, experiment.name) == (1000, 4, "a")
    assert experiment.student.options == {"gamma": 0.5}
    assert (call["runs_dir"], call["mode"]) == (Path("out"), "auto")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "run: out/it"
    assert len(lines) == 3  # the first report and the last; those between come too soon
    assert "steps/s" in lines[0]
    assert "mastered 12.5 %" in lines[0]


@pytest.mark.parametrize("mode", ["resume", "overwrite"])
def test_train_from_a_file(training: FakeTraining, tmp_path: Path, mode: str) -> None:
    file = tmp_path / "e.yaml"
    file.write_text("env: X\nseed: 5\n")
    assert main(["train", str(file), "--seed", "6", f"--{mode}"]) == 0
    assert training.calls[0]["experiment"].seed == 6
    assert training.calls[0]["mode"] == mode


def test_an_interrupted_run(training: FakeTraining, capsys: pytest.CaptureFixture[str]) -> None:
    training.status = "interrupted"
    assert main(["train", "--env", "X"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "same command continues" in lines[-2]
    assert lines[-1] == "run: runs/it"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TeachrlError("the environment broke"), 1),
        (TaskError("stump_height must be a number"), 2),
        (PermissionError(13, "Permission denied", "runs"), 2),
        (NotADirectoryError(20, "Not a directory", "runs"), 2),
        (OSError(28, "No space left on device", "runs"), 1),
        (KeyboardInterrupt(), 1),
    ],
)
def test_exit_codes(
    training: FakeTraining, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    training.error = error
    assert main(["train", "--env", "X"]) == code
    captured = capsys.readouterr()
    assert "error: " in captured.err
    assert captured.out == ""


def test_bugs_are_not_hidden(training: FakeTraining) -> None:
    training.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        main(["train", "--env", "X"])


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "nonsense",
        "train",
        "train --n-envs 3",
        "train missing.yaml",
        "train --env X --resume --overwrite",
        "train --env X --steps many",
        "train --env X --seed -1",
        "train --env X --bogus",
        "train --env X --teacher nobody",
        "train --env X --student nobody",
        "train --env X --set teacher.options.fit_rat=3",
        "train --env X --set a",
        "train --env X --name a/b",
        "evaluate",
        "report",
        "replay run --task a=1",
        "replay run --task a=1 -o a.mp4",
        "replay run --task a=1 -o a.gif --seed x",
        "list nothing",
    ],
)
@pytest.mark.usefixtures("training")
def test_usage_errors(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    assert main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_without_an_experiment_an_example_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 2
    assert "for example: teachrl train" in capsys.readouterr().err


def test_evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def evaluate_run(
        run: Path, test_set: str | None, episodes: int | None, deterministic: bool, step: int | None
    ) -> EvaluationResult:
        calls.append((episodes, deterministic, step))
        print("a library greets")
        tasks = [{"task": {"a": float(i)}, "return": i, "solve_rate": i / 9, "mastered": i > 3} for i in range(9)]
        means = {"mastered_percent": 50.0, "mean_return": 4.0, "mean_solve_rate": None, "episodes_per_task": 3}
        named = {"step": 7, "run": str(run), "test_set": test_set}
        return EvaluationResult.from_json({**means, **named, "tasks": tasks})

    install(monkeypatch, "teachrl.evaluation.evaluator", evaluate_run=evaluate_run)
    assert (
        main(["evaluate", "a-run", "--json", "--test-set", "mine", "--sampled", "--episodes", "100", "--step", "7"])
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert (result["run"], result["test_set"], result["mastered_percent"]) == ("a-run", "mine", 50.0)
    assert main(["evaluate", "a-run"]) == 0
    assert calls == [(100, False, 7), (None, True, None)]
    text = capsys.readouterr().out
    assert "mastered 50.00 % of 9 tasks, mean return 4.00\nmean solve rate -, 3 episodes a task" in text
    assert '{"a": 0.0}' in text


def test_evaluate_on_random_levels(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def evaluate_levels(run: Path, levels: int, episodes: int, deterministic: bool, step: int | None) -> dict[str, Any]:
        cvar = [{"share": 0.001, "solve_rate": 0.25}]
        asked = {"run": str(run), "levels": levels, "episodes": episodes, "deterministic": deterministic}
        return {**asked, "mean_solve_rate": 0.5, "mean_oracle_regret": 0.125, "cvar": cvar}

    install(monkeypatch, "teachrl.evaluation.levels", evaluate_levels=evaluate_levels)
    assert main(["evaluate", "a-run", "--levels", "50", "--sampled", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["levels"], result["episodes"], result["deterministic"]) == (50, 10, False)
    assert main(["evaluate", "a-run", "--levels", "50", "--episodes", "3"]) == 0
    text = capsys.readouterr().out
    assert "50 random solvable levels: mean solve rate 0.500, mean oracle regret 0.125" in text
    assert "worst 0.1 %: 0.250" in text
    assert main(["evaluate", "a-run", "--levels", "50", "--test-set", "mine"]) == 2
    assert "leave out --test-set" in capsys.readouterr().err


def test_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def write_report(runs: list[Path], output: Path | None) -> Path:
        calls.append((runs, output))
        return output or runs[0] / "report.html"

    install(monkeypatch, "teachrl.report", write_report=write_report)
    assert main(["report", "a", "b"]) == 0
    assert main(["report", "a", "-o", "x.html"]) == 0
    assert capsys.readouterr().out.splitlines() == ["report: a/report.html", "report: x.html"]
    assert calls == [([Path("a"), Path("b")], None), ([Path("a")], Path("x.html"))]


def test_replay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def replay(run: Path, task: dict[str, Any], output: Path, seed: int) -> dict[str, Any]:
        calls.append((run, task, output, seed))
        return {"return": 1.5, "length": 20}

    install(monkeypatch, "teachrl.evaluation.video", replay=replay)
    assert main(["replay", "r", "--task", "env=flat", "--task", "walls.height=1e1", "--seed", "3", "-o", "a.gif"]) == 0
    assert calls == [(Path("r"), {"env": "flat", "walls": {"height": 10}}, Path("a.gif"), 3)]
    assert "return 1.50 in 20 steps" in capsys.readouterr().out


def test_list_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)
    assert all(set(item) == {"name", "kind", "summary"} and item["summary"] for item in items)
    assert {item["kind"] for item in items} == {
        "environment",
        "teacher",
        "student",
        "guide",
        "callback",
        "sub-goal provider",
        "test set",
        "experiment",
    }
    names = {item["name"] for item in items}
    assert {"teachrl/StumpTracks-v0", "alp-gmm", "ppo", "stump-tracks-grid-v1"} <= names


def test_list_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "teachers"]) == 0
    text = capsys.readouterr().out
    assert "alp-gmm" in text
    assert "ppo " not in text


def test_the_catalogue_is_complete() -> None:
    import gymnasium

    import teachrl.environments

    listed = {item["name"] for item in SOURCES[What.ENVS]()}
    assert teachrl.environments.TEACHING.id in listed
    assert listed == {name for name in gymnasium.registry if name.startswith("teachrl/")}


@pytest.mark.parametrize("command", ["['--help']", "['list']", "['train', '--help']"])
def test_nothing_heavy_is_imported(command: str) -> None:
    code = (
        f"import sys; from teachrl.cli.app import main; code = main({command}); "
        "print({'torch', 'sklearn', 'stable_baselines3', 'Box2D', 'pyarrow'} & set(sys.modules)); sys.exit(code)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "set()"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("teachrl ")
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in ("train", "evaluate", "report", "replay", "list", "doctor"))


def test_doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "ready"
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["no-such-package[x]>=1", "tool; extra == 'dev'"])
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "MISSING: pip install no-such-package\n" in text
    assert "tool" not in text
