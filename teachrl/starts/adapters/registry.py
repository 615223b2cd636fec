"""How the state of a simulator is saved and put back: two functions for each kind of environment.

A snapshot's seed and task say everything about an episode's first state, so a reset on them brings back terrain,
mission and objects. What is saved here is what the episode has changed since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl_envs.specs import ENV_SPECS

SimulatorState = NDArray[np.float64]
"""Shape ``(size,)``, the same size for every state of one environment."""


@dataclass(frozen=True)
class SnapshotAdapter:
    """How to save and restore the state of one kind of environment.

    ``save(env.unwrapped)`` gives everything that decides what comes next, but for the random generator, and changes
    nothing. ``restore(env.unwrapped, state)`` is called after ``env.reset`` on the snapshot's own task and with its own
    seed, and need not restore what that reset has already made as it was. ``observe(env.unwrapped)``, where it is
    given, says that a state also makes sense after a reset with another task and seed, and is the observation then.
    """

    save: Callable[[Any], SimulatorState]
    restore: Callable[[Any, SimulatorState], None]
    observe: Callable[[Any], NDArray[Any]] | None = None


# Base class: module and name of its adapter, loaded when such an environment first turns up.
BUILT_IN = {
    "gymnasium.envs.mujoco.mujoco_env:MujocoEnv": "teachrl.starts.adapters.mujoco:MUJOCO",
    "gymnasium.envs.classic_control.cartpole:CartPoleEnv": "teachrl.starts.adapters.classic_control:CLASSIC_CONTROL",
    "gymnasium.envs.classic_control.pendulum:PendulumEnv": "teachrl.starts.adapters.classic_control:CLASSIC_CONTROL",
    "gymnasium.envs.classic_control.mountain_car:MountainCarEnv": (
        "teachrl.starts.adapters.classic_control:CLASSIC_CONTROL"
    ),
    "gymnasium.envs.classic_control.continuous_mountain_car:Continuous_MountainCarEnv": (
        "teachrl.starts.adapters.classic_control:CLASSIC_CONTROL"
    ),
    "gymnasium.envs.classic_control.acrobot:AcrobotEnv": "teachrl.starts.adapters.classic_control:CLASSIC_CONTROL",
    "gymnasium.envs.box2d.bipedal_walker:BipedalWalker": "teachrl.starts.adapters.box2d:BIPEDAL_WALKER",
    "gymnasium.envs.box2d.lunar_lander:LunarLander": "teachrl.starts.adapters.box2d:LUNAR_LANDER",
    "minigrid.envs.babyai.core.roomgrid_level:RoomGridLevel": "teachrl.starts.adapters.babyai:BABYAI",
    "minigrid.minigrid_env:MiniGridEnv": "teachrl.starts.adapters.minigrid:MINIGRID",
    **{spec.entry_point: spec.snapshot_adapter for spec in ENV_SPECS if spec.snapshot_adapter is not None},
}
_registered: dict[type, SnapshotAdapter] = {}


def register_snapshots(
    env_class: type,
    save: Callable[[Any], SimulatorState],
    restore: Callable[[Any, SimulatorState], None],
    observe: Callable[[Any], NDArray[Any]] | None = None,
) -> None:
    """Say how the state of your own environment is saved and restored. See `SnapshotAdapter` for the functions.

    ``env_class`` is the class of ``env.unwrapped``. The functions hold for its subclasses too, unless these have their
    own, and win over built-in ones for the same class. Raises `UsageError` when ``env_class`` is not a class or a
    function cannot be called.
    """
    if not isinstance(env_class, type):
        raise UsageError(f"register_snapshots needs the class of env.unwrapped; got {env_class!r}")
    for name, function in (("save", save), ("restore", restore), ("observe", observe)):
        if not callable(function) and not (name == "observe" and function is None):
            raise UsageError(f"register_snapshots needs a function as {name}; got {function!r}")
    _registered[env_class] = SnapshotAdapter(save, restore, observe)


def adapter_for(env: gym.Env[Any, Any]) -> SnapshotAdapter:
    """The adapter for ``env``, found by the class of ``env.unwrapped``, then by its bases, nearest first.

    Raises `UsageError` for an environment that nobody has said how to save.
    """
    kind = type(env.unwrapped)
    for base in kind.__mro__:
        if base in _registered:
            return _registered[base]
        place = BUILT_IN.get(f"{base.__module__}:{base.__qualname__}")
        if place is not None:
            module, _, name = place.partition(":")
            adapter: SnapshotAdapter = getattr(import_module(module), name)
            return adapter
    raise UsageError(
        f"nobody has said how the state of {kind.__module__}.{kind.__qualname__} is saved. Say it with two functions: "
        f"teachrl.starts.adapters.registry.register_snapshots({kind.__qualname__}, save, restore), where save(env) "
        "gives a float64 vector and restore(env, vector) puts it back (docs/adding_an_environment.md)"
    )
