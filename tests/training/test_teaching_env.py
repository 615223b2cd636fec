"""Teaching as an environment: whole students inside, the same numbers from the same seed, and it can be learnt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import teachrl.environments  # noqa: F401  (registers teachrl/Teaching-v0)
from docs.examples import learned_teacher
from teachrl.config.experiment import EnvConfig
from teachrl.errors import UsageError

ROOT = Path(__file__).parents[2]
ROW = {"id": "teachrl/Hypercubes-v0", "options": {"dimensions": 1, "cells": 2}}
TINY_PPO = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 32, "n_epochs": 1}}


def teaching(**options: Any) -> Any:
    return gym.make("teachrl/Teaching-v0", **options)


def play(env: Any, seed: int | None, decisions: int) -> list[tuple[Any, ...]]:
    """All that an episode gives, under actions that depend on the seed of the action space alone."""
    env.action_space.seed(3)
    log: list[tuple[Any, ...]] = [(env.reset(seed=seed)[0].tolist(),)]
    for _ in range(decisions):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        log.append((observation.tolist(), reward, terminated, truncated, info))
    return log


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch": 3, "memory": 2, "reward": "mastery_gain", "evaluate_every": 2},
        {"env": "tests.support.own_classes:Trap", "student": TINY_PPO, "reward": "final_mastery", "evaluate_every": 0},
        {"env": "tests.support.choices:make_choices", "student": TINY_PPO, "batch": 2},
    ],
    ids=["default", "batch", "ppo", "choices"],
)
def test_gymnasium_finds_nothing_wrong_and_the_seed_decides_all(options: dict[str, Any]) -> None:
    env = teaching(decisions=4, **options)
    check_env(env.unwrapped, skip_render_check=True)
    first = play(env, 5, 4)
    assert first == play(teaching(decisions=4, **options), 5, 4)
    assert [entry[2] for entry in first[1:]] == [False, False, False, True]
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    env.close()


def test_students_of_one_environment_differ_and_begin_anew() -> None:
    env = teaching(env="tests.support.own_classes:make_cartpole", student=TINY_PPO, decisions=2)
    first, second = play(env, 5, 2), play(env, None, 2)
    assert first != second
    assert first == play(env, 5, 2)
    assert first[-1][-1]["steps"] >= 128  # two whole fragments
    env.close()


def test_a_choice_is_an_action_of_its_own() -> None:
    one = teaching(env="tests.support.choices:make_choices", student=TINY_PPO, decisions=2)
    assert one.action_space == gym.spaces.Discrete(2)
    one.reset(seed=0)
    observation, _, _, _, info = one.step(1)
    assert observation[1:3] == pytest.approx([1.0, 0.75])  # a task, the second of two
    assert observation[4] == 0.5  # nobody knows what success is
    assert "mastered_percent" not in info
    two = teaching(env="tests.support.choices:make_choices", student=TINY_PPO, batch=2, decisions=2)
    assert two.action_space == gym.spaces.MultiDiscrete([2, 2])
    with pytest.raises(UsageError, match="mastery_return"):
        teaching(env="tests.support.choices:make_choices", student=TINY_PPO, reward="final_mastery")


def test_the_observation_shows_the_last_tasks_newest_first() -> None:
    env = teaching(env=ROW, batch=2, memory=3, decisions=4)
    env.reset(seed=0)
    assert env.step(np.array([0.2, 0.3], dtype=np.float32))[0].tolist() == pytest.approx(
        [0.25, 1, 0.3, 0.01, 0, 1, 0.2, 0, 0, 0, 0, 0, 0]
    )
    observation = env.step(np.array([0.4, 7.0], dtype=np.float32))[0]
    assert observation.tolist() == pytest.approx([0.5, 1, 1, 0, 0, 1, 0.4, 0.02, 0, 1, 0.3, 0.01, 0])
    for bad in ([0.1], [0.1, float("nan")]):
        with pytest.raises(ValueError, match="an action is in Box"):
            env.unwrapped.step(np.array(bad, dtype=np.float32))


def test_learning_progress_is_the_change_since_the_nearest_task() -> None:
    env = teaching(env=ROW, decisions=20)
    env.reset(seed=0)
    rewards = [env.step(np.array([0.1], dtype=np.float32))[1] for _ in range(10)]
    assert rewards[:6] == [0.0] * 6
    # Of equal tasks the earliest counts as nearest: competence n/100 at the n-th visit, 0 at the first.
    assert rewards[6:] == pytest.approx([0.06, 0.07, 0.08, 0.09])
    assert env.step(np.array([0.9], dtype=np.float32))[1] == pytest.approx(0.0)  # locked: no return, as at the first


def test_mastery_rewards_are_shares_of_the_test_set() -> None:
    gains, finals = [], []
    for reward, log in (("mastery_gain", gains), ("final_mastery", finals)):
        env = teaching(env=ROW, batch=40, decisions=5, evaluate_every=2, reward=reward)
        env.reset(seed=0)
        for task in (0.1, 0.1, 0.9, 0.9, 0.9):
            *_, info = step = env.step(np.full(40, task, dtype=np.float32))
            log.append(step[1])
    share = info["mastered_percent"] / 100
    assert share == 1.0
    assert gains[0] == gains[2] == 0.0
    assert 0.3 < gains[1] < 0.7  # the first of the two cells
    assert sum(gains) == pytest.approx(1.0)
    assert finals == [0, 0, 0, 0, 1.0]


def test_every_task_is_played_by_whichever_copy_is_free() -> None:
    env = teaching(
        env={"id": "tests.support.own_classes:Trap", "n_envs": 2}, student=TINY_PPO, batch=25, decisions=1, memory=25
    )
    env.reset(seed=0)
    tasks = np.linspace(0, 1, 25, dtype=np.float32)
    rows = env.step(tasks)[0][1:].reshape(25, 4)
    assert rows[::-1, 1] == pytest.approx(tasks)
    assert (rows[:, 0] == 1).all()
    assert rows[:, 2] == pytest.approx(1.0)  # every episode of this environment returns ten of ten


def test_failed_tasks_are_left_out_and_do_not_block() -> None:
    trap = {"id": "tests.support.own_classes:Trap", "options": {"fault": "step"}, "on_error": "skip"}
    env = teaching(env=trap, student=TINY_PPO, batch=2, decisions=2)
    env.reset(seed=0)
    observation = env.step(np.array([0.9, 0.1], dtype=np.float32))[0]
    assert observation[1:3] == pytest.approx([1.0, 0.1])
    assert not observation[5:].any()


def test_settings_that_cannot_work_say_what_to_do() -> None:
    with pytest.raises(UsageError, match="did you mean 'decisions'"):
        teaching(decision=3)
    with pytest.raises(UsageError, match="return_range"):
        teaching(env={"id": "tests.support.choices:make_without_range"}, student=TINY_PPO)
    with pytest.raises(UsageError, match="no task_space"):
        teaching(env="CartPole-v1", student=TINY_PPO)
    with pytest.raises(UsageError, match="unknown student"):
        teaching(student="simulate").reset()
    assert teaching(env=EnvConfig(id="teachrl/Hypercubes-v0")).unwrapped.settings.env.n_envs == 8


def test_a_learnt_teacher_beats_random_tasks() -> None:
    env = learned_teacher.make_teaching()
    random = np.mean([learned_teacher.play(env, None, seed) for seed in range(10)])
    learnt = learned_teacher.play(env, learned_teacher.learn(env), seed=0)
    assert learnt > random + 0.4
    env.close()


def test_the_page_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/teaching_environment.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert (ROOT / "docs/examples/learned_teacher.py").read_text(encoding="utf-8") in blocks
    (ppo,) = [block for block in blocks if "PPO" in block]
    assert ppo.count("total_timesteps=100_000") == 1
    names: dict[str, Any] = {}
    exec(ppo.replace("total_timesteps=100_000", "total_timesteps=128"), names)
    assert names["teacher"].num_timesteps >= 128
    for field in learned_teacher.make_teaching().unwrapped.settings.model_dump():
        assert f"`{field}`" in page, field
