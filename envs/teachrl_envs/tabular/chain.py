"""A long corridor with a reward at its far end, which blind search next to never finds."""

from __future__ import annotations

import numpy as np

from teachrl_envs.tabular.mdp import TabularEnv, TabularMDP

LEFT, RIGHT = range(2)


def chain(right: int = 20, left: int = 40, slip: float = 0.05, discount: float = 0.99) -> TabularMDP:
    """The model: state 0 is the end on the left, episodes begin in ``left``, the last one pays for going right."""
    states = left + right + 1
    transitions, rewards = np.zeros((states, 2, states)), np.zeros((states, 2))
    transitions[0, :, 0] = 1
    for state in range(1, states):
        ways = (state - 1, min(state + 1, states - 1))
        for action in (LEFT, RIGHT):
            transitions[state, action, ways[action]] += 1 - slip / 2
            transitions[state, action, ways[1 - action]] += slip / 2
    rewards[states - 1, RIGHT] = 1.0
    start = np.zeros(states)
    start[left] = 1
    return TabularMDP(transitions, rewards, discount, start, np.arange(states) == 0)


class Chain(TabularEnv):
    """Go right ``right`` times, and then on against the wall: ``teachrl/Chain-v0``.

    **Action.** ``Discrete(2)``: 0 left, 1 right; with probability ``slip`` a random one is taken instead.
    **Observation.** 1 at the state, of ``left + right + 1``. **Reward.** 1 for going right at the right end, where the
    agent stays; the left end ends the episode. After ``max_steps`` it is truncated.

    Source: the chain of Devidze et al. 2022 (ExploRS, NeurIPS), in the size of the authors' code.
    """

    def __init__(
        self,
        right: int = 20,
        left: int = 40,
        slip: float = 0.05,
        max_steps: int = 40,
        render_mode: str | None = None,
    ) -> None:
        if min(right, left) < 1:
            raise ValueError(f"right and left must be 1 or more; got {right} and {left}")
        super().__init__(chain(right, left, slip), max_steps, render_mode)
        self.return_range = (0.0, float(max_steps))
