"""Fragments of several workers side by side, as if one had collected them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from teachrl.records.episodes import Array, Episode, Fragment


def merged(fragments: Sequence[Fragment]) -> Fragment:
    """Environments of all fragments, which have as many steps, in order. Arrays are new ones; episodes are left out."""
    first = fragments[0]
    offsets = [0, *accumulate(fragment.n_envs for fragment in fragments)]

    def beside(name: str, axis: int) -> Array:
        return np.concatenate([getattr(fragment, name) for fragment in fragments], axis)

    return Fragment(
        observations=beside("observations", 1),
        actions=beside("actions", 1),
        rewards=beside("rewards", 1),
        terminated=beside("terminated", 1),
        truncated=beside("truncated", 1),
        episode_starts=beside("episode_starts", 1),
        last_observations=beside("last_observations", 0),
        last_starts=beside("last_starts", 0),
        final_observations={
            (t, i + offset): observation
            for fragment, offset in zip(fragments, offsets, strict=False)
            for (t, i), observation in fragment.final_observations.items()
        },
        extras={name: np.concatenate([f.extras[name] for f in fragments], axis=1) for name in first.extras},
        memory=None if first.memory is None else beside("memory", 0),
        last_memory=None if first.last_memory is None else beside("last_memory", 0),
    )


def in_order(fragments: Sequence[Fragment]) -> list[Episode]:
    """The episodes of all, as they ended."""
    episodes = (episode for fragment in fragments for episode in fragment.episodes)
    return sorted(episodes, key=lambda episode: (episode.step, episode.env_index))
