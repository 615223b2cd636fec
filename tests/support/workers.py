"""Experiments that several workers share."""

from __future__ import annotations

from typing import Any

from teachrl.config.experiment import Experiment
from tests.support.runs import experiment

MAZE = {"id": "teachrl/Maze-v0", "n_envs": 4, "options": {"height": 4, "width": 4, "walls": 4, "max_steps": 12}}
SMALL_LSTM = {"name": "ppo-lstm", "options": {"n_steps": 32, "hidden_size": 16, "n_minibatches": 1}}


def shared(student: Any, env: Any = "teachrl/PointMass-v0", **changes: Any) -> Experiment:
    """An experiment with two workers of two environments each."""
    where = env if isinstance(env, dict) else {"id": env, "n_envs": 4}
    plain = experiment(student).model_dump()
    return Experiment.model_validate({**plain, "env": where, "workers": 2, **changes})


def in_ray(chosen: Experiment, **workers: Any) -> Experiment:
    fields = chosen.model_dump()
    return Experiment.model_validate({**fields, "backend": "ray", "workers": {"count": 2, **workers}})
