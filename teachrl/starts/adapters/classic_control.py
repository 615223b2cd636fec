"""States of gymnasium's classic control: CartPole, Pendulum, MountainCar, MountainCarContinuous, Acrobot. Exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter


def save(env: Any) -> SimulatorState:
    """The environment's ``state``, and a last number: 1 where the environment computes in single precision."""
    values = np.asarray(env.state)
    return np.append(values.astype(np.float64), values.dtype == np.float32)


def restore(env: Any, state: SimulatorState) -> None:
    """Put ``state`` back in its own precision: the continuous MountainCar computes on in that of its state."""
    env.state = state[:-1].astype(np.float32 if state[-1] else np.float64)


CLASSIC_CONTROL = SnapshotAdapter(save, restore)
