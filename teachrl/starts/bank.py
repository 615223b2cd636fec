"""A bank of snapshots: simulator states along the episodes of some policy, in one file, with where they come from.

Source: SnapshotRL (2024), with a state vector and the observation in place of a copy of the whole environment.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachrl.config.experiment import EnvConfig
from teachrl.config.yaml_files import plain
from teachrl.environments import Env, EnvironmentFacts
from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_tree, write_tree
from teachrl.tasks.spaces import Vector
from teachrl.versions import versions

FORMAT = 1
# Where a class of the environment comes from, and the package that decides how it goes on from a state: another version
# may read the same numbers otherwise.
SIMULATORS = {
    "gymnasium": "gymnasium",
    "gymnasium.envs.mujoco": "mujoco",
    "gymnasium.envs.box2d": "box2d",
    "minigrid": "minigrid",
    "teachrl_envs": "teachrl",
    "teachrl_envs.box2d": "box2d",
}


@dataclass(frozen=True)
class Bank:
    """``N`` snapshots, in the order in which they were taken, of ``E`` episodes.

    * ``states (N, size)``: simulator states, as the environment's adapter saves them.
    * ``observations (N, *observation)``: what was observed there; it is given back, never computed anew.
    * ``tasks (N, task size)`` and ``seeds (N,)``: of the reset that began the episode.
    * ``elapsed (N,)``: steps since then; ``returns (N,)``: sum of the rewards since then.
    * ``values (N,)``: the policy's estimate of the discounted return from here on, NaN where it has none.
    * ``episodes (N,)``: which of the episodes, from 0.
    * ``episode_returns``, ``episode_lengths``, ``episode_successes (E,)``: how these ended; success is 1, 0, or NaN
      where the environment does not tell.

    ``provenance`` is JSON: format, environment with options and task space, versions, and the policy with its steps.
    """

    states: NDArray[np.float64]
    observations: NDArray[Any]
    tasks: Vector
    seeds: NDArray[np.int64]
    elapsed: NDArray[np.int64]
    returns: NDArray[np.float64]
    values: NDArray[np.float64]
    episodes: NDArray[np.int64]
    episode_returns: NDArray[np.float64]
    episode_lengths: NDArray[np.int64]
    episode_successes: NDArray[np.float64]
    provenance: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.states)

    @property
    def remaining(self) -> NDArray[np.int64]:
        """Steps from each snapshot to the end of its episode, shape ``(N,)``."""
        return self.episode_lengths[self.episodes] - self.elapsed

    def save(self, path: Path) -> None:
        """Write the bank as one ``.npz``, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            write_tree(temporary, {field.name: getattr(self, field.name) for field in fields(self)})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def provenance(settings: EnvConfig, env: Env, facts: EnvironmentFacts, policy: Mapping[str, Any]) -> dict[str, Any]:
    """What a bank for this environment says of itself; ``policy`` tells who played."""
    modules = {base.__module__ for base in type(env.unwrapped).__mro__}
    packages = {name for place, name in SIMULATORS.items() if any(f"{m}.".startswith(f"{place}.") for m in modules)}
    return {
        "format": FORMAT,
        "env": settings.id,
        "options": plain(settings.options),
        "task_space": facts.task_space.to_json(),
        "versions": {name: version for name, version in versions().items() if name in packages},
        "policy": dict(policy),
    }


def load_bank(path: Path, settings: EnvConfig, env: Env, facts: EnvironmentFacts) -> Bank:
    """Read a bank for an environment. Raises `UsageError` for a file that is none, or is another environment's."""
    if not path.is_file():
        raise UsageError(f"there is no bank of snapshots at {path}; `teachrl snapshots RUN -o {path}` makes one")
    try:
        tree = read_tree(path)
        bank = Bank(**{field.name: tree[field.name] for field in fields(Bank)})
        info = dict(bank.provenance)
        if info["format"] != FORMAT:
            raise UsageError(f"{path} is a bank of format {info['format']}; this version reads {FORMAT}: make it anew")
    except (TeachrlError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path} is no bank of snapshots: {error}") from None
    for name, expected in provenance(settings, env, facts, {}).items():
        if name not in ("format", "policy") and info.get(name) != expected:
            raise UsageError(_difference(path, name, info.get(name), expected))
    _check_arrays(bank, path, facts)
    return bank


def _difference(path: Path, name: str, there: Any, here: Any) -> str:
    if name == "versions" and isinstance(there, Mapping):
        there, here = ({k: side.get(k) for k in here if there.get(k) != here.get(k)} for side in (there, here))
    return (
        f"{path} was made for another environment: {name} is {there} there and {here} here. Snapshots only mean "
        "something where they were taken; make the bank anew with `teachrl snapshots`"
    )


def _check_arrays(bank: Bank, path: Path, facts: EnvironmentFacts) -> None:
    n, episodes = len(bank.states), len(bank.episode_returns)
    shapes = {
        "states": (n, bank.states.shape[-1]),
        "observations": (n, *(facts.observation_space.shape or ())),
        "tasks": (n, facts.task_space.size),
        **dict.fromkeys(("seeds", "elapsed", "returns", "values", "episodes"), (n,)),
        **dict.fromkeys(("episode_returns", "episode_lengths", "episode_successes"), (episodes,)),
    }
    for name, shape in shapes.items():
        if getattr(bank, name).shape != shape:
            raise UsageError(f"{path}: {name} has the shape {getattr(bank, name).shape}; expected {shape}")
    if n == 0 or not np.isfinite(bank.states).all() or not ((bank.episodes >= 0) & (bank.episodes < episodes)).all():
        raise UsageError(f"{path} holds no snapshots that could be restored; make it anew with `teachrl snapshots`")
