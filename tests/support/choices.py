"""Environments whose task is a choice."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

import teachrl.environments  # noqa: F401  (registers teachrl/Teaching-v0)


def make_choices() -> Any:
    from teachrl_envs import DiscreteTaskSpace, ParameterizedEnv

    env = gym.make("CartPole-v1", max_episode_steps=20)
    space = DiscreteTaskSpace(["weak", "strong"], name="push")

    def apply(cartpole: Any, task: dict[str, Any]) -> None:
        cartpole.force_mag = {"weak": 5.0, "strong": 15.0}[task["push"]]

    return ParameterizedEnv(env, space, apply, return_range=(0.0, 20.0))


def make_without_range() -> Any:
    env: Any = make_choices()
    env.return_range = None
    return env
