"""Banks from Minari data sets: states that are in the data, and refusals where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from teachrl.config.experiment import EnvConfig
from teachrl.environments import make_env
from teachrl.errors import UsageError
from teachrl.starts.adapters.registry import adapter_for
from teachrl.starts.minari import snapshots_of_minari

HOPPER = EnvConfig(id="Hopper-v5")


def recorded(monkeypatch: pytest.MonkeyPatch, folder: Path, with_states: bool = True) -> str:
    """Three episodes of a random policy, as a data set."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
    env = gym.make("Hopper-v5")
    env.action_space.seed(0)
    place = folder / "tests" / "hopper-v0" / "data"
    place.mkdir(parents=True)
    storage = MinariStorage.new(place, env_spec=env.spec, data_format="hdf5")
    storage.update_metadata({"dataset_id": "tests/hopper-v0", "minari_version": "0.5.4"})
    storage.update_episodes([episode(env, seed, with_states) for seed in (1, 2, 3)])
    return "tests/hopper-v0"


def episode(env: Any, seed: int, with_states: bool) -> EpisodeBuffer:
    data = env.unwrapped.data
    observations, states = [env.reset(seed=seed)[0]], [(data.qpos.copy(), data.qvel.copy())]
    actions, outcomes = [], []
    while not outcomes or not any(outcomes[-1][1:]):
        actions.append(env.action_space.sample())
        observation, *outcome, _ = env.step(actions[-1])
        observations.append(observation)
        outcomes.append(outcome)
        states.append((data.qpos.copy(), data.qvel.copy()))
    rewards, terminations, truncations = map(np.array, zip(*outcomes, strict=True))
    positions, velocities = map(np.stack, zip(*states, strict=True))
    return EpisodeBuffer(
        observations=np.stack(observations),
        actions=np.stack(actions),
        rewards=rewards,
        terminations=terminations,
        truncations=truncations,
        infos={"qpos": positions, "qvel": velocities} if with_states else {"height": positions[:, 1]},
    )


@pytest.mark.parametrize("by", ["id", "folder"])
def test_restored_states_go_on_as_recorded(by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = recorded(monkeypatch, tmp_path)
    bank = snapshots_of_minari(HOPPER, name if by == "id" else str(tmp_path / name), episodes=2, every=3)
    episodes = list(minari.load_dataset(name).iterate_episodes([0, 1]))
    assert len(bank) == sum(len(range(0, len(e.rewards), 3)) for e in episodes)
    assert bank.provenance["policy"] == {"minari": name}
    env = make_env(HOPPER)
    adapter = adapter_for(env)
    first = episodes[0]
    for i, t in enumerate(range(0, len(first.rewards), 3)):
        env.reset(seed=7)
        adapter.restore(env.unwrapped, bank.states[i])
        assert bank.elapsed[i] == t
        assert (bank.observations[i] == first.observations[t]).all()
        assert bank.returns[i] == pytest.approx(first.rewards[:t].sum())
        observation, reward, *_ = env.step(first.actions[t])
        assert observation == pytest.approx(first.observations[t + 1], abs=1e-9)
        assert reward == pytest.approx(first.rewards[t], abs=1e-9)
    env.close()
    assert np.isnan(bank.values).all()


def test_other_data_sets_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = recorded(monkeypatch, tmp_path, with_states=False)
    with pytest.raises(UsageError, match="carries no states: its infos have no qpos"):
        snapshots_of_minari(HOPPER, name)
    with pytest.raises(UsageError, match="recorded in Hopper-v5, and here is Walker2d-v5"):
        snapshots_of_minari(EnvConfig(id="Walker2d-v5"), name)
    with pytest.raises(UsageError, match=r"cannot be read.*minari list local"):
        snapshots_of_minari(HOPPER, "tests/walker-v0")
