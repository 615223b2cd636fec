"""States of Box2D worlds: teachrl_envs' Stump Tracks, gymnasium's BipedalWalker and LunarLander. Nearly exact.

Saved are the bodies' positions and velocities, what touches what, and the reward's memory. Box2D's solver also keeps
the impulses of the last step at each contact and joint, from which it starts the next, and for how long each body has
been at rest; pybox2d neither shows nor takes them. docs/results/snapshots.md says how much that changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teachrl.starts.adapters.registry import SimulatorState, SnapshotAdapter

NUMBERS_A_BODY = 6


def save_stump_tracks(env: Any) -> SimulatorState:
    """Five bodies, the two feet, whether the hull touched anything, the return so far, the shaping potential."""
    walker = env.walker
    memory = [walker.contacts.fallen, env.episode_return, env.shaping]
    return _saved([walker.hull, *walker.legs], walker.legs[1::2], walker.contacts.feet, memory)


def restore_stump_tracks(env: Any, state: SimulatorState) -> None:
    """Put the walker back onto its track."""
    walker = env.walker
    feet, memory = _put_back(env.world, [walker.hull, *walker.legs], walker.legs[1::2], state)
    walker.contacts.feet[:] = feet
    fallen, env.episode_return, env.shaping = memory
    walker.contacts.fallen |= bool(fallen)


def save_bipedal_walker(env: Any) -> SimulatorState:
    """Five bodies, the two feet, whether the hull touched anything, the shaping potential."""
    feet = env.legs[1::2]
    return _saved([env.hull, *env.legs], feet, _grounded(feet), [env.game_over, env.prev_shaping])


def restore_bipedal_walker(env: Any, state: SimulatorState) -> None:
    """Put the walker back onto its terrain."""
    feet = env.legs[1::2]
    flags, (fallen, env.prev_shaping) = _put_back(env.world, [env.hull, *env.legs], feet, state)
    env.game_over |= bool(fallen)
    _ground(feet, flags)


def save_lunar_lander(env: Any) -> SimulatorState:
    """Three bodies, the two legs, whether the lander touched anything, the shaping potential, the wind's two phases."""
    wind = [env.wind_idx, env.torque_idx] if env.enable_wind else [0, 0]
    return _saved([env.lander, *env.legs], env.legs, _grounded(env.legs), [env.game_over, env.prev_shaping, *wind])


def restore_lunar_lander(env: Any, state: SimulatorState) -> None:
    """Put the lander back above its moon."""
    flags, (fallen, env.prev_shaping, *wind) = _put_back(env.world, [env.lander, *env.legs], env.legs, state)
    env.game_over |= bool(fallen)
    env.wind_idx, env.torque_idx = (int(phase) for phase in wind)
    _ground(env.legs, flags)


def _saved(
    bodies: Sequence[Any], feet: Sequence[Any], flags: Sequence[bool], memory: Sequence[float]
) -> SimulatorState:
    numbers: list[float] = []
    for body in bodies:
        numbers += [*body.position, body.angle, *body.linearVelocity, body.angularVelocity]
    return np.array([*numbers, *(_touches(foot) for foot in feet), *flags, *memory], dtype=np.float64)


def _put_back(
    world: Any, bodies: Sequence[Any], feet: Sequence[Any], state: SimulatorState
) -> tuple[list[bool], list[float]]:
    """Place the bodies. Returns whether each foot counts as on the ground, and the memory."""
    parts = np.split(state, np.cumsum([NUMBERS_A_BODY * len(bodies), len(feet), len(feet)]))
    for body, (x, y, angle, vx, vy, spin) in zip(bodies, parts[0].reshape(-1, NUMBERS_A_BODY).tolist(), strict=True):
        body.transform = ((x, y), angle)
        body.linearVelocity, body.angularVelocity = (vx, vy), spin
    world.Step(0.0, 0, 0)  # no time passes, but Box2D finds what touches now and tells the listener
    before, flags, memory = (part.tolist() for part in parts[1:])
    # A flag follows Box2D's last event. Between the save and what touches now, which Box2D would have told of in the
    # next step, there may be one.
    now = [_touches(foot) for foot in feet]
    return [bool(f) if n == b else n > b for f, b, n in zip(flags, before, now, strict=True)], memory


def _touches(body: Any) -> int:
    return sum(edge.contact.touching for edge in body.contacts)


def _grounded(feet: Sequence[Any]) -> list[bool]:
    return [foot.ground_contact for foot in feet]


def _ground(feet: Sequence[Any], flags: Sequence[bool]) -> None:
    for foot, flag in zip(feet, flags, strict=True):
        foot.ground_contact = flag


STUMP_TRACKS = SnapshotAdapter(save_stump_tracks, restore_stump_tracks)
BIPEDAL_WALKER = SnapshotAdapter(save_bipedal_walker, restore_bipedal_walker)
LUNAR_LANDER = SnapshotAdapter(save_lunar_lander, restore_lunar_lander)
