"""Environments whose whole model is known."""

from __future__ import annotations

from teachrl.config.experiment import EnvConfig
from teachrl.environments import Env
from teachrl.errors import UsageError
from teachrl_envs.tabular.mdp import TabularMDP


def model_of(env: Env, settings: EnvConfig, who: str) -> TabularMDP:
    """The model of an environment that declares it as ``mdp``, with its state as ``state``. Raises `UsageError`."""
    mdp = getattr(env.unwrapped, "mdp", None)
    if not isinstance(mdp, TabularMDP):
        raise UsageError(
            f"{who} needs an environment whose model is known, such as teachrl/RoomsNav-v0, teachrl/Chain-v0 or "
            f"teachrl/LineKey-v0 (an mdp of type TabularMDP and a state); {settings.id} declares none"
        )
    return mdp
