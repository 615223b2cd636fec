"""Replay across experiments: a part of each batch comes from what an earlier run has stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from teachrl.records.episodes import Array


class EarlierReplay(ReplayBuffer):
    """SB3's replay buffer, of whose batches a fixed ``share`` is drawn uniformly from the rows of an earlier run.

    ``earlier`` has arrays ``(rows, environments, ...)`` as `ReplayBuffer` has them. Source: Tirumala et al. 2023,
    "Replay across Experiments" (arXiv 2311.15951).
    """

    def __init__(self, *args: Any, earlier: Mapping[str, Array], share: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._earlier = {name: array.reshape(-1, *array.shape[2:]) for name, array in earlier.items()}
        self._share = share

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """A batch, the earlier run's rows behind the fresh ones."""
        old = round(self._share * batch_size)
        fresh = super().sample(batch_size - old, env)
        # From the global generator as SB3's own rows, whose state is in the checkpoint.
        rows = np.random.randint(len(self._earlier["rewards"]), size=old)  # noqa: NPY002
        picked = {name: self.to_torch(array[rows]) for name, array in self._earlier.items()}
        ended = picked["dones"] * (1 - picked["timeouts"])
        return fresh._replace(
            observations=torch.cat([fresh.observations, picked["observations"]]),
            actions=torch.cat([fresh.actions, picked["actions"]]),
            next_observations=torch.cat([fresh.next_observations, picked["next_observations"]]),
            dones=torch.cat([fresh.dones, ended[:, None]]),
            rewards=torch.cat([fresh.rewards, picked["rewards"][:, None]]),
        )
