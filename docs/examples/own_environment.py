"""CartPole whose pole length and gravity are the task: ``--env docs.examples.own_environment:make_cartpole``."""

from typing import Any

import gymnasium

from teachrl_envs import BoxTaskSpace, ParameterizedEnv


def make_cartpole(render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
    def apply(env: Any, task: dict[str, float]) -> None:
        env.length, env.gravity = task["length"], task["gravity"]
        env.polemass_length = env.masspole * env.length  # CartPole derives it once, in its constructor

    space = BoxTaskSpace({"length": (0.25, 1.0), "gravity": (5.0, 15.0)})
    env = gymnasium.make("CartPole-v1", render_mode=render_mode)
    return ParameterizedEnv(env, space, apply, return_range=(0.0, 500.0), mastery_return=475.0)
