"""The experiment model: validation, merging, reading and writing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from teachrl.config.experiment import (
    EnvConfig,
    Experiment,
    StudentChoice,
    TeacherChoice,
    differing_fields,
    experiment_from_yaml_text,
    run_name,
    to_yaml,
)
from teachrl.config.loading import load_experiment, parse_set
from teachrl.errors import UsageError
from teachrl.factory.check import check_names

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))
BUDGETS = ("smoke", "laptop", "paper")
WITHOUT_BUDGETS = {"quickstart", "corl2019_toy"}
CASES = [(f, b) for f in EXPERIMENTS for b in ((None,) if f.stem in WITHOUT_BUDGETS else BUDGETS)]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def make(**fields: Any) -> Experiment:
    return Experiment.model_validate({"env": "teachrl/StumpTracks-v0", **fields})


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "e.yaml"
    file.write_text(text)
    return file


def test_a_name_is_enough_for_a_part() -> None:
    experiment = make(teacher="random", student="sac")
    assert experiment.env == EnvConfig(id="teachrl/StumpTracks-v0")
    assert experiment.teacher == TeacherChoice(name="random")
    assert experiment.student == StudentChoice(name="sac")


@pytest.mark.parametrize("value", [1000, 1e3, "1000", "1e3", "1_000"])
def test_whole_numbers_as_people_write_them(value: Any) -> None:
    assert make(steps=value).steps == 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("steps", v) for v in (0, -1, True, 1.5, "many", float("nan"), float("inf"), "1e400", None, [1], 10**400)],
        *[("seed", v) for v in (-1, 2**32, False)],
        *[("evaluate_every", v) for v in (-1, True)],
        *[("checkpoint_every", 0), ("keep_checkpoints", 0), ("backend", "cloud"), ("guide", 3), ("stepz", 1)],
        *[("name", v) for v in ("", "a/b", ".hidden", "..", "a b", "a\n", "x" * 151)],
        *[("env", v) for v in (1, None, "", {}, [], {"id": 3})],
        *[("teacher", v) for v in (1, {"name": None}, {"options": {"x": float("nan")}}, {"options": {"x": object()}})],
    ],
)
def test_what_makes_no_sense_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        make(**{field: value})


@pytest.mark.parametrize(
    "fields",
    [
        *[{"n_envs": v} for v in (0, 1025, True)],
        *[{"return_range": v} for v in ((1, 1), (2, 1), (0, float("inf")), (True, 3), ("0", "1"), (1,), 3)],
        *[{"mastery_return": v} for v in (float("nan"), True, "230")],
        {"on_error": "ignore"},
    ],
)
def test_environment_settings_are_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EnvConfig(id="X", **fields)


def test_every_setting_has_help() -> None:
    for model in (Experiment, EnvConfig, TeacherChoice, StudentChoice):
        assert all(field.description for field in model.model_fields.values())


@given(plain, st.dictionaries(st.text(), plain, max_size=3))
@settings(max_examples=200, deadline=None)
def test_yaml_reads_back_equal(value: Any, options: dict[str, Any]) -> None:
    experiment = make(student={"name": "ppo", "options": {**options, "value": value, "text": "1e6"}}, name="123")
    assert experiment_from_yaml_text(to_yaml(experiment), "here") == experiment


def test_tuples_read_back_equal() -> None:
    experiment = make(env={"id": "X", "return_range": (-1, 2.5), "options": {"size": (3, 4)}})
    assert experiment_from_yaml_text(to_yaml(experiment), "here") == experiment


@pytest.mark.parametrize(("file", "budget"), CASES, ids=lambda value: getattr(value, "stem", value))
def test_shipped_experiments_are_valid(file: Path, budget: str | None) -> None:
    experiment = load_experiment(file, {}, budget=budget)
    check_names(experiment)
    assert file.read_text().startswith("# ")
    assert experiment_from_yaml_text(to_yaml(experiment), "again") == experiment


@pytest.mark.parametrize("file", sorted({file for file, budget in CASES if budget}), ids=lambda file: file.stem)
def test_budgets_of_shipped_experiments_rise(file: Path) -> None:
    smoke, laptop, paper = (load_experiment(file, {}, budget=budget) for budget in BUDGETS)
    assert smoke.steps < laptop.steps < paper.steps
    assert smoke.env.id == laptop.env.id == paper.env.id
    assert smoke.name == laptop.name == paper.name
    assert load_experiment(file, {}) == laptop


def test_overrides_are_laid_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "env: X\nsteps: 1e4\nstudent: {name: ppo, options: {gamma: 0.9, n_steps: 8}}\n")
    overrides = {"env": {"options": {"a": 1}}, "student": {"options": {"gamma": 0.5}}, "seed": "3"}
    experiment = load_experiment(file, overrides)
    assert experiment.env == EnvConfig(id="X", options={"a": 1})
    assert experiment.student.options == {"gamma": 0.5, "n_steps": 8}
    assert (experiment.steps, experiment.seed) == (10_000, 3)


def test_another_choice_drops_what_belonged_to_the_one_in_the_file(tmp_path: Path) -> None:
    text = """
env: {id: X, options: {a: 1}, n_envs: 3, mastery_return: 2}
teacher: {preset: tma2021, options: {fit_rate: 99}}
student: {name: ppo, preset: tma2021}
"""
    file = written(tmp_path, text)
    changed = load_experiment(file, {"env": "Y", "teacher": "random", "student": {"name": "sac", "options": {"a": 1}}})
    assert changed.env == EnvConfig(id="Y", n_envs=3)
    assert changed.teacher == TeacherChoice(name="random")
    assert changed.student == StudentChoice(name="sac", options={"a": 1})
    same = load_experiment(file, {"env": "X", "teacher": "alp-gmm", "student": "ppo"})
    assert same == load_experiment(file, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env: X\nsteps: 1\nsteps: 2\n", "line 3: not valid YAML: 'steps' is given twice"),
        ("env: X\nteacher: {name: a, name: b}\n", "line 2"),
        ("env: [\n", "line 2"),
        ("- env\n", "line 1: an experiment is a mapping"),
        ("just text", "a str"),
        ("env: &a X\nname: *a\n", "line 2: not valid YAML: aliases"),
        ("a: " + "[" * 5000, "nested deeper"),
        ("a: " + "{a: " * 5000, "nested deeper"),
        ("env: X\nname: 2024-99-99\n", "cannot be read"),
        ("env: X\nsteps: " + "9" * 5000, "cannot be read"),
        ("env: !!python/object:os.system X\n", "line 1"),
        ("env: X\nname: \x00\n", "line 2"),
        ("env: X\n---\nenv: Y\n", "line 2"),
        ("env: X\nstep: 5\n", "did you mean 'steps'?"),
        ("env: X\n1: 5\n", "setting(s)"),
        ("env: {id: X, options: {1: 2}}\n", "setting(s)"),
        ("env: X\nsteps: .nan\n", "environment steps to train for"),
        ("# nothing\n", "env"),
        ("{", "line 1"),
    ],
)
def test_bad_files_are_told_with_their_line(tmp_path: Path, text: str, expected: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_experiment(file, {})
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    with pytest.raises(UsageError, match="No such file"):
        load_experiment(file, {})
    with pytest.raises(UsageError, match="directory"):
        load_experiment(tmp_path, {})
    file.write_bytes(b"env: X\n\xff\xfe\x80")
    with pytest.raises(UsageError, match="line 2: not a text file"):
        load_experiment(file, {})
    file.write_bytes(b"#" * 2_000_000)
    with pytest.raises(UsageError, match="less than"):
        load_experiment(file, {})


def test_parse_set() -> None:
    assert parse_set(["a.b=1e6", "a.c=3e-4", "d=[1, x]", "e=", "f=a=b", "g=1.5"]) == {
        "a": {"b": 1_000_000, "c": 3e-4},
        "d": [1, "x"],
        "e": None,
        "f": "a=b",
        "g": 1.5,
    }
    assert parse_set(["env=X", "env.n_envs=2"]) == {"env": {"id": "X", "n_envs": 2}}
    assert parse_set(["env=X"], parts={}) == {"env": "X"}


@pytest.mark.parametrize("assignment", ["a", "=1", "a..b=1", ".=1", "", "a=[", "a=*b", ".".join("a" * 99) + "=1"])
def test_bad_assignments(assignment: str) -> None:
    with pytest.raises(UsageError):
        parse_set([assignment])


def test_differing_fields() -> None:
    one = make(steps=1000, student={"options": {"gamma": 0.9}})
    other = make(steps=2000, student={"options": {"n_steps": 5}})
    assert differing_fields(one, one) == []
    assert differing_fields(one, other) == [
        "student.options.gamma: 0.9 there, unset here",
        "steps: 1000 there, 2000 here",
        "student.options.n_steps: unset there, 5 here",
    ]


def test_run_name() -> None:
    assert run_name(make(seed=3)) == "teachrl-StumpTracks-v0__alp-gmm__ppo__s3"
    assert run_name(make(name="mine")) == "mine"
    assert run_name(make(env="../../x y:z")) == "-..-x-y-z__alp-gmm__ppo__s0"


def test_check_names() -> None:
    check_names(make())
    for wrong in ({"teacher": "alp-gm"}, {"teacher": {"preset": "x"}}, {"teacher": {"options": {"fit": 1}}}):
        with pytest.raises(UsageError):
            check_names(make(**wrong))
    with pytest.raises(UsageError, match="did you mean 'ppo'"):
        check_names(make(student="pppo"))


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, teachrl.config.experiment\n"
        "print({'torch','gymnasium','sklearn','stable_baselines3'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"
