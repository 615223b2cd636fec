"""States of gymnasium's MuJoCo environments, and of everything built on `MujocoEnv`: exact to the bit.

Saved is MuJoCo's integration state (positions, velocities, time, activations, controls, the solver's warm start) and,
behind it, where the bodies were in the last physics step. Observation and reward may read the latter
(``get_body_com``), and after a step they lag one physics step behind the positions of the joints.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter

INTEGRATION = mujoco.mjtState.mjSTATE_INTEGRATION


def save(env: Any) -> SimulatorState:
    """Shape ``(size of the integration state + 6 * bodies,)``."""
    model, data = env.model, env.data
    size = mujoco.mj_stateSize(model, INTEGRATION)
    state = np.empty(size + data.xpos.size + data.xipos.size)
    mujoco.mj_getState(model, data, state[:size], INTEGRATION)
    state[size:] = np.concatenate([data.xpos, data.xipos], axis=None)
    return state


def restore(env: Any, state: SimulatorState) -> None:
    """Put the state back, and derive from it what MuJoCo derives (contacts, sensors, frames)."""
    model, data = env.model, env.data
    size = mujoco.mj_stateSize(model, INTEGRATION)
    mujoco.mj_setState(model, data, state[:size], INTEGRATION)
    mujoco.mj_forward(model, data)  # leaves the integration state as it is, the warm start too
    bodies = state[size:].reshape(2, *data.xpos.shape)
    data.xpos[:], data.xipos[:] = bodies[0], bodies[1]


MUJOCO = SnapshotAdapter(save, restore)
