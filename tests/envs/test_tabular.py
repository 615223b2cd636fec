"""Environments whose model is known: they play it, and its best values are what they should be."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import teachrl_envs  # noqa: F401  (registers teachrl/...)
from teachrl_envs.tabular.chain import chain
from teachrl_envs.tabular.line_key import BINS, LEFT, PICK, line_key
from teachrl_envs.tabular.line_key import RIGHT as TO_THE_RIGHT
from teachrl_envs.tabular.mdp import TabularMDP
from teachrl_envs.tabular.rooms_nav import GOAL, RIGHT, START, WRONG_EXIT, cell, rooms

NAMES = ["teachrl/RoomsNav-v0", "teachrl/Chain-v0"]
LINE_KEY = "teachrl/LineKey-v0"


def line_key_env(**options: Any) -> Any:
    return gym.make(LINE_KEY, disable_env_checker=True, **options).unwrapped


@pytest.mark.parametrize("name", [*NAMES, LINE_KEY])
def test_gymnasium_finds_nothing_wrong(name: str) -> None:
    check_env(gym.make(name, disable_env_checker=True).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_played_is_the_model(name: str) -> None:
    env: Any = gym.make(name, disable_env_checker=True).unwrapped
    mdp, rng = env.mdp, np.random.default_rng(0)
    counts = np.zeros_like(mdp.transitions)
    env.reset(seed=0)
    for _ in range(60_000):
        before, action = env.state, int(rng.integers(mdp.rewards.shape[1]))
        seen, reward, terminated, truncated, _ = env.step(action)
        assert reward == mdp.rewards[before, action]
        assert seen.argmax() == env.state
        assert terminated == mdp.terminal[env.state]
        counts[before, action, env.state] += 1
        if terminated or truncated:
            env.reset()
    visits = counts.sum(axis=-1)
    often = visits > 500
    assert often.sum() > 20
    found = counts[often] / visits[often][:, None]
    assert np.abs(found - mdp.transitions[often]).max() < 0.06


def test_the_best_values_of_the_rooms_are_the_papers() -> None:
    mdp = rooms()
    values = mdp.optimal_values()
    assert values[cell(*START)] == pytest.approx(6.00, abs=0.005)
    optimal = mdp.optimal_actions()
    assert optimal[cell(*GOAL)].tolist() == [False, False, False, True]
    assert not optimal[cell(*WRONG_EXIT), 1:3].any()
    policy = np.eye(4)[(values[:, None] - mdp.action_values(values)).argmin(axis=1)]
    assert mdp.policy_values(policy) == pytest.approx(values, abs=1e-9)
    assert RIGHT == 3


def test_along_the_chain_the_way_right_is_best_and_pays_less_than_14() -> None:
    mdp = chain()
    assert (mdp.optimal_actions().argmax(axis=1)[1:] == 1).all()
    assert mdp.optimal_values()[0] == 0


def test_the_model_of_the_line_is_the_line_in_bins() -> None:
    env, rng = line_key_env(), np.random.default_rng(0)
    counts, paid = np.zeros_like(env.mdp.transitions), np.zeros_like(env.mdp.rewards)
    env.reset(seed=0)
    for _ in range(40_000):
        env.reset()
        env.position, env.has_key = rng.random(), rng.random() < 0.5
        before, action = env.state, int(rng.integers(3))
        seen, reward, terminated, _, info = env.step(action)
        assert env.observation_space.contains(seen)
        assert terminated == env.mdp.terminal[env.state] == info["success"]
        counts[before, action, env.state] += 1
        paid[before, action] += reward
    visits = counts.sum(axis=-1)
    assert visits[:-1].min() > 200  # of every state but the end
    found = counts[:-1] / visits[:-1, :, None]
    assert np.abs(found - env.mdp.transitions[:-1]).max() < 0.12
    assert np.abs(found - env.mdp.transitions[:-1]).mean() < 1.6e-3
    assert paid[:-1] / visits[:-1] == pytest.approx(env.mdp.rewards[:-1])


def test_finer_models_of_the_line_say_the_same() -> None:
    coarse, fine = (line_key(bins).optimal_values()[bins // 2] for bins in (BINS, 5 * BINS))
    assert coarse == pytest.approx(fine, rel=0.05)


def test_on_the_line_the_key_comes_first() -> None:
    best = line_key().optimal_values()
    policy = line_key().action_values(best).argmax(axis=1)
    assert policy[3:BINS].tolist() == [PICK] + [LEFT] * (BINS - 4)
    assert set(policy[BINS:-1].tolist()) == {TO_THE_RIGHT}
    env = line_key_env(slip=0.0)
    env.reset(seed=0)
    went = [env.step(TO_THE_RIGHT)[1] for _ in range(8)]
    assert not any(went)  # at the goal without the key
    env.reset(seed=0)
    for action in [PICK, *[LEFT] * 5, PICK, *[TO_THE_RIGHT] * 11]:
        seen, reward, terminated, _, _ = env.step(action)
        assert (reward, terminated) == (0.0, False)
    assert seen[1] == 1
    _, reward, terminated, truncated, info = env.step(TO_THE_RIGHT)
    assert (reward, terminated, truncated, info["success"]) == (10.0, True, False, True)
    with pytest.raises(ResetNeeded):
        env.step(LEFT)


def test_episodes_on_the_line_follow_from_seed_and_actions() -> None:
    actions = np.random.default_rng(0).integers(3, size=30).tolist()
    played = []
    for _ in range(2):
        env = line_key_env()
        played.append([env.reset(seed=7)[0], *(env.step(action)[0] for action in actions)])
    assert np.array_equal(*played)
    assert env.reset(seed=8)[0] == pytest.approx([0.5, 0])


def test_wrong_models_are_refused() -> None:
    mdp = chain(2, 2)
    with pytest.raises(ValueError, match="add up to 1"):
        TabularMDP(mdp.transitions * 0.9, mdp.rewards, 0.9, mdp.start, mdp.terminal)
    with pytest.raises(ValueError, match="shape"):
        TabularMDP(mdp.transitions[:3], mdp.rewards, 0.9, mdp.start, mdp.terminal)
    with pytest.raises(ValueError, match="terminal state"):
        mdp.with_rewards(np.ones_like(mdp.rewards))
    with pytest.raises(ValueError, match="discount"):
        TabularMDP(mdp.transitions, mdp.rewards, 1.0, mdp.start, mdp.terminal)


def test_wrong_use_is_refused() -> None:
    env: Any = gym.make("teachrl/Chain-v0", disable_env_checker=True).unwrapped
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        env.step(2)
    for name in ("teachrl/Chain-v0", LINE_KEY):
        with pytest.raises(ValueError, match="max_steps"):
            gym.make(name, max_steps=0)
    with pytest.raises(ValueError, match="slip"):
        line_key_env(slip=1.5)
    env = line_key_env()
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="from 0 to 2"):
        env.step(3)
