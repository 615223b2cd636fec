"""Budgets of an experiment's file: which one counts, and what wins over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachrl.config.experiment import EnvConfig, StudentChoice, to_yaml
from teachrl.config.loading import load_experiment
from teachrl.errors import UsageError

TEXT = """
env: X
teacher: {name: plr, options: {capacity: 9}}
student: {name: ppo, options: {gamma: 0.9, n_steps: 8}}
steps: 1e4
budgets:
  smoke: {env: {n_envs: 2, options: {size: 3}}, student: {options: {n_steps: 4}}, steps: 10}
  laptop: {steps: 100, teacher: {preset: dcd60}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "e.yaml"
    path.write_text(TEXT)
    return path


def test_a_budget_is_laid_deep_over_the_rest(file: Path) -> None:
    experiment = load_experiment(file, {}, budget="smoke")
    assert experiment.env == EnvConfig(id="X", n_envs=2, options={"size": 3})
    assert experiment.student == StudentChoice(name="ppo", options={"gamma": 0.9, "n_steps": 4})
    assert experiment.steps == 10
    assert "budgets" not in to_yaml(experiment)


def test_laptop_unless_another_is_chosen(file: Path) -> None:
    assert load_experiment(file, {}) == load_experiment(file, {}, budget="laptop")
    assert load_experiment(file, {}).steps == 100


def test_overrides_win_over_the_budget(file: Path) -> None:
    overrides = {"steps": 5, "student": {"options": {"n_steps": 1}}}
    experiment = load_experiment(file, overrides, budget="smoke")
    assert (experiment.steps, experiment.env.n_envs) == (5, 2)
    assert experiment.student.options == {"gamma": 0.9, "n_steps": 1}


def test_another_teacher_does_not_get_what_the_budget_had_for_the_one_in_the_file(file: Path) -> None:
    teacher = load_experiment(file, {"teacher": "random"}).teacher
    assert (teacher.name, teacher.preset, teacher.options) == ("random", "default", {})


def test_an_unknown_budget_names_those_of_the_file(file: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown budget of .*'smok'; did you mean 'smoke'\? Known: laptop, smoke"):
        load_experiment(file, {}, budget="smok")


def test_a_file_whose_budgets_lack_laptop_asks_for_one(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("env: X\nbudgets: {tiny: {steps: 1}}\n")
    with pytest.raises(UsageError, match="Known: tiny"):
        load_experiment(path, {})


@pytest.mark.parametrize("text", ["env: X\n", "env: X\nbudgets: {}\n"])
def test_a_file_without_budgets_has_none_to_choose(tmp_path: Path, text: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(text)
    assert load_experiment(path, {}).env.id == "X"
    with pytest.raises(UsageError, match="has no budgets"):
        load_experiment(path, {}, budget="smoke")
    with pytest.raises(UsageError, match="has no budgets"):
        load_experiment(None, {"env": "X"}, budget="smoke")


@pytest.mark.parametrize("budgets", ["3", "smoke", "[smoke]", "{smoke: 3}", "{laptop: }", "null"])
def test_budgets_that_are_no_settings(tmp_path: Path, budgets: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(f"env: X\nbudgets: {budgets}\n")
    with pytest.raises(UsageError, match="budgets are a mapping of names to settings"):
        load_experiment(path, {})


def test_a_wrong_setting_within_a_budget_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("env: X\nbudgets: {laptop: {step: 1}}\n")
    with pytest.raises(UsageError, match="did you mean 'steps'"):
        load_experiment(path, {})
