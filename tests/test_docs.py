"""The documentation tells the truth: its examples run, its links lead somewhere, and it names what there is."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from docs import readme_tables
from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import TEACHING, environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.evaluation.video import replay
from teachrl.files import read_json, read_tree
from teachrl.students.registry import STUDENTS
from teachrl.tasks.test_sets import packaged_test_sets
from teachrl.teachers.registry import TEACHERS
from teachrl.training.run import train
from teachrl_envs.specs import ENV_SPECS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CARTPOLE = "docs.examples.own_environment:make_cartpole"
LINEAR = "docs.examples.own_student:LinearStudent"
HALFWAY = "docs.examples.own_teacher:HalfwayTeacher"


def experiment(**changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "env": {"id": CARTPOLE, "n_envs": 4},
        "teacher": HALFWAY,
        "student": LINEAR,
        "steps": 4096,
        "evaluate_every": 2048,
        "checkpoint_every": 1024,
        "name": "run",
    }
    return Experiment.model_validate({**fields, **changes})


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


def anchors(text: str) -> set[str]:
    return {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)", text, re.M)
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(experiment(), tmp_path_factory.mktemp("docs")).path


def test_own_classes_train_together_and_can_be_evaluated_and_filmed(finished: Path, tmp_path: Path) -> None:
    result = evaluate_run(finished)
    assert result.step == 4096
    assert result.mastered_percent is not None
    assert 0 <= result.mastered_percent <= 100
    replay(finished, {"length": 0.5, "gravity": 9.8}, tmp_path / "film.gif")
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF8")


def test_own_classes_resume_identically(finished: Path, tmp_path: Path) -> None:
    interrupted = False

    def stop_once(progress: Any) -> None:
        nonlocal interrupted
        if not interrupted and progress.step >= 1500:
            interrupted = True
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(experiment(), tmp_path, on_progress=stop_once).status == "interrupted"
    run = train(experiment(), tmp_path).path
    order = [("step", "ascending"), ("env_index", "ascending")]
    first, second = (pq.read_table(path / "episodes").sort_by(order) for path in (finished, run))
    assert first.equals(second)
    for part in ("student", "teacher", "worker"):
        trees = [read_tree(path / "checkpoints" / "step_000000004096" / f"{part}.npz") for path in (finished, run)]
        assert same(*trees), part
    evaluations = [read_json(path / "evaluations/step_000000004096.json") for path in (finished, run)]
    assert evaluations[0].pop("seconds") > 0 < evaluations[1].pop("seconds")
    assert evaluations[0] == evaluations[1]


def test_own_student_learns(tmp_path: Path) -> None:
    chosen = experiment(teacher="random", steps=40_960, evaluate_every=0, checkpoint_every=40_960)
    run = train(chosen, tmp_path).path
    assert evaluate_run(run).mean_return > 100  # always to the same side, as untrained, it falls within a few steps


def test_own_teacher_practises_where_half_the_episodes_succeed() -> None:
    from teachrl.records.episodes import Episode
    from teachrl.tasks.spaces import BoxTaskSpace
    from teachrl.teachers.base import TeacherContext
    from teachrl.teachers.registry import make_teacher

    context = TeacherContext(BoxTaskSpace({"x": (0.0, 10.0)}), np.random.default_rng(0))
    teacher = make_teacher(HALFWAY, context, options={"random_task_ratio": 0.1})

    def play(task: Any, success: bool | None) -> Episode:
        return Episode(task, 0.0, 0.0, 1, success, True, "", 0, 0, 0, 0, 0)

    rng = np.random.default_rng(1)
    for _ in range(500):
        task = teacher.plan(1).tasks[0]
        teacher.update([play(task, bool(rng.random() < 1 - task[0] / 10))])
    tasks = teacher.plan(200).tasks[:, 0]
    assert np.mean((tasks >= 2) & (tasks <= 8)) > 0.8
    with pytest.raises(UsageError, match="mastery_return"):
        teacher.update([play(np.array([1.0]), None)])


def test_own_student_has_less_than_sixty_lines() -> None:
    code = [line for line in page("docs/examples/own_student.py").splitlines() if line.strip()]
    assert len(code) < 60


@pytest.mark.parametrize(("name", "example"), [("adding_a_teacher", "own_teacher"), ("adding_a_student", "own_student"),
                                               ("adding_an_environment", "own_environment")])  # fmt: skip
def test_pages_show_the_examples_as_they_are(name: str, example: str) -> None:
    assert page(f"docs/examples/{example}.py") in python_blocks(page(f"docs/{name}.md"))


def test_constructed_environment_of_the_page_declares_what_is_read() -> None:
    (block,) = [b for b in python_blocks(page("docs/adding_an_environment.md")) if "make_lander" in b]
    names: dict[str, Any] = {}
    exec(block, names)
    env = names["make_lander"]()
    task = {"gravity": -5.0, "wind_power": 3.0}
    assert env.reset(seed=0, options={"task": task})[1]["task"] == task
    facts = environment_facts(env, EnvConfig(id="page"))
    assert facts.mastery_return == 200.0
    assert facts.return_range is None
    env.close()


@pytest.mark.slow
def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = python_blocks(page("README.md"))
    assert len(block.splitlines()) <= 15
    assert block.count("100_000") == 1
    monkeypatch.chdir(tmp_path)
    exec(block.replace("100_000", "4_096"), {})
    assert "runs/teachrl-PointMass-v0__alp-gmm__ppo__s0" in capsys.readouterr().out
    (run,) = (tmp_path / "runs").iterdir()
    assert_documented(run)


def test_the_page_of_statistics_runs_and_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    text = page("docs/statistics.md")
    (block,) = python_blocks(text)
    assert len(block.splitlines()) <= 10
    exec(block, {})
    assert capsys.readouterr().out.count("Estimate(value=") == 3
    modules = {file.stem for file in (ROOT / "teachrl" / "statistics").glob("[a-z]*.py")} - {"scores"}
    named = {(module, name) for module, name in re.findall(r"`(\w+)\.(\w+)`", text) if module in modules}
    there = set[tuple[str, str]]()
    for stem in modules:
        module = importlib.import_module(f"teachrl.statistics.{stem}")
        functions = inspect.getmembers(module, inspect.isfunction)
        there |= {(stem, name) for name, f in functions if f.__module__ == module.__name__ and name[0] != "_"}
    assert named == there - {("estimates", "tails")}


def test_what_other_runs_write_is_documented(finished: Path, tmp_path: Path) -> None:
    assert_documented(finished)
    options = {"learning_starts": 100, "batch_size": 32, "buffer_size": 700, "train_freq": 8}
    for name, env in (("sac", "teachrl/PointMass-v0"), ("td3", "teachrl/PointMass-v0"), ("dqn", CARTPOLE)):
        chosen = experiment(
            env=env, teacher="random", name=name, steps=2048, student={"name": name, "options": options}
        )
        assert_documented(train(chosen, tmp_path).path)


def assert_documented(run: Path) -> None:
    """Every tag, column, field and file of a run stands in the documentation."""
    metrics, directory = page("docs/metrics.md"), page("docs/run_directory.md")
    own = {"train/critic_error"}  # of the student in docs/examples
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    for tag in set(events.Tags()["scalars"]) - own:
        assert f"`{tag}`" in metrics, tag
    for column in pq.read_table(run / "episodes").column_names:
        assert f"`{'task.NAME' if column.startswith('task.') else column}`" in directory, column
    for field in read_json(run / "status.json"):
        assert f"`{field}`" in directory, field
    evaluation = read_json(sorted((run / "evaluations").iterdir())[-1])
    curriculum = read_json(sorted((run / "curriculum").iterdir())[-1])
    fields = {*evaluation, *curriculum, *(f"tasks[].{field}" for field in evaluation["tasks"][0])}
    fields |= {f"gaussians[].{field}" for gaussian in curriculum["gaussians"] for field in gaussian}
    for field in fields:
        assert f"`{field}`" in metrics, field
    for file in [*run.iterdir(), *next((run / "checkpoints").iterdir()).iterdir()]:
        assert file.name in directory, file


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (file.parent / name) if name else file
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_files_that_the_pages_name_exist() -> None:
    for file in PAGES:
        for name in re.findall(r"\bexperiments/[\w*/.]+\.yaml", file.read_text(encoding="utf-8")):
            assert list(ROOT.glob(name)), f"{file.name}: {name}"


def test_the_readme_has_the_present_table() -> None:
    assert readme_tables.with_table(page("README.md")) == page("README.md"), "run python -m docs.readme_tables"


def test_everything_that_can_be_chosen_is_named() -> None:
    readme, docs = page("README.md"), "".join(file.read_text(encoding="utf-8") for file in PAGES)
    for name in (*(spec.id for spec in (*ENV_SPECS, TEACHING)), *TEACHERS.entries, *STUDENTS.entries):
        assert f"`{name}`" in readme, name
    for name in packaged_test_sets():
        assert f"`{name}`" in docs, name
    for teacher in TEACHERS.entries:
        row = re.search(rf"^\| teacher \| `{teacher}` \|.*\(\[page\]\((docs/methods/\w+\.md)\)\)", readme, re.MULTILINE)
        assert row, teacher
        for preset in TEACHERS.load(teacher).presets:
            assert f"`{preset}`" in docs, preset
        for option in TEACHERS.load(teacher).Config.model_fields:
            assert f"`{option}`" in page(row[1]), option


def test_own_environment_is_deterministic() -> None:
    env = make_env(EnvConfig(id=CARTPOLE))
    task = {"length": 0.3, "gravity": 12.0}
    first, second = (env.reset(seed=3, options={"task": task})[0] for _ in range(2))
    assert np.array_equal(first, second)
