"""Fills a bank from a Minari data set whose episodes carry the simulator's states: MuJoCo's ``qpos`` and ``qvel``.

The warm start of MuJoCo's solver is not in such data, so what follows on a state may differ in the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.envs.mujoco import MujocoEnv

from teachrl.config.experiment import EnvConfig
from teachrl.environments import Env, EnvironmentFacts, environment_facts, make_env
from teachrl.errors import UsageError
from teachrl.starts.adapters.registry import SnapshotAdapter, adapter_for
from teachrl.starts.bank import Bank, provenance
from teachrl.starts.collecting import Taken, bank_of, best_of, check_counts

INSTALL = "reading Minari data sets needs the extra: pip install 'teachrl[minari]'"


def snapshots_of_minari(
    settings: EnvConfig, name: str, episodes: int = 10, every: int = 10, best: int | None = None
) -> Bank:
    """A bank along the first ``episodes`` episodes of a data set: its id, if it is on this disk, or its folder.

    Raises `UsageError` when it cannot be read, is of another environment, or carries no states.
    """
    check_counts(every, best)
    data = _open(name)
    env = make_env(settings)
    try:
        facts = environment_facts(env, settings)
        _check(env, facts, settings, name, data)
        adapter = adapter_for(env)
        taken = [_taken(env, adapter, facts, episode, every) for episode in _first(data, episodes)]
        info = provenance(settings, env, facts, {"minari": str(data.spec.dataset_id)})
        return bank_of(best_of(taken, best), None, info, facts)
    finally:
        env.close()


def _open(name: str) -> Any:
    try:
        import minari
    except ImportError:
        raise UsageError(INSTALL) from None
    try:
        folder = Path(name) / "data"
        return minari.MinariDataset(folder) if folder.is_dir() else minari.load_dataset(name)
    except ImportError as error:
        raise UsageError(f"{INSTALL} ({error})") from None
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"Minari data set {name!r} cannot be read: {error}. `minari list local` tells which are on this disk, and "
            "`minari download` fetches others"
        ) from None


def _check(env: Env, facts: EnvironmentFacts, settings: EnvConfig, name: str, data: Any) -> None:
    made_in = None if data.spec.env_spec is None else data.spec.env_spec.id
    if made_in != settings.id:
        raise UsageError(f"Minari data set {name!r} was recorded in {made_in}, and here is {settings.id}")
    if not isinstance(env.unwrapped, MujocoEnv):
        raise UsageError(
            f"of Minari data sets, states can be read for MuJoCo's environments; {settings.id} is another. Episodes "
            "with seeds and actions can be played again: --demonstrations"
        )
    shape, seen = facts.observation_space.shape, data.spec.observation_space.shape
    if shape != seen:
        raise UsageError(f"Minari data set {name!r} has observations of shape {seen}, {settings.id} of {shape}")


def _first(data: Any, episodes: int) -> Iterator[Any]:
    for episode in data.iterate_episodes(range(min(episodes, data.total_episodes))):
        missing = [key for key in ("qpos", "qvel") if key not in (episode.infos or {})]
        if missing:
            raise UsageError(
                f"Minari data set {data.spec.dataset_id} carries no states: its infos have no "
                + " and no ".join(missing)
            )
        yield episode


def _taken(env: Env, adapter: SnapshotAdapter, facts: EnvironmentFacts, episode: Any, every: int) -> Taken:
    length = len(episode.rewards)
    taken = Taken(facts.task_space.low.copy(), 0, length=length, total=float(np.sum(episode.rewards)))
    returns = np.concatenate([[0.0], np.cumsum(episode.rewards)])
    env.reset(seed=0)
    bare: Any = env.unwrapped
    for t in range(0, length, every):
        bare.set_state(np.asarray(episode.infos["qpos"][t]), np.asarray(episode.infos["qvel"][t]))
        taken.states.append(adapter.save(bare))
        taken.observations.append(np.array(episode.observations[t]))
        taken.elapsed.append(t)
        taken.returns.append(float(returns[t]))
    if facts.mastery_return is not None:
        taken.success = float(taken.total > facts.mastery_return)
    return taken
