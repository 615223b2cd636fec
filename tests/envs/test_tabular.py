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
from teachrl_envs.tabular.mdp import TabularMDP
from teachrl_envs.tabular.rooms_nav import GOAL, RIGHT, START, WRONG_EXIT, cell, rooms

NAMES = ["teachrl/RoomsNav-v0", "teachrl/Chain-v0"]


@pytest.mark.parametrize("name", NAMES)
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
    with pytest.raises(ValueError, match="max_steps"):
        gym.make("teachrl/Chain-v0", max_steps=0)
