"""The walker's rangefinder: ten rays against the faces of the track, in compiled code.

The rays mean what `b2World.RayCast` means: a thin edge stops a ray from either side, a box stops a ray that enters it
and not one that starts inside. Casting them through Box2D's Python callbacks costs more than the physics.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from teachrl_envs.box2d.terrain import SCALE

RAYS = 10
LIDAR_RANGE = 160 / SCALE  # world units
ANGLES = [1.5 * i / RAYS for i in range(RAYS)]  # from straight down, turning forward
RAY_VECTORS = np.array([(math.sin(a) * LIDAR_RANGE, -math.cos(a) * LIDAR_RANGE) for a in ANGLES])


def _cast_rays(faces: NDArray[np.float64], x: float, y: float, fractions: NDArray[np.float32]) -> None:
    first, last = 0, len(faces)
    while first < last:  # to the first face that does not lie wholly behind the rays
        middle = (first + last) // 2
        if faces[middle, 2] < x:
            first = middle + 1
        else:
            last = middle
    for ray in range(RAYS):
        dx, dy = RAY_VECTORS[ray, 0], RAY_VECTORS[ray, 1]
        nearest = 1.0
        for i in range(first, len(faces)):
            ax, ay = faces[i, 0] - x, faces[i, 1] - y
            if ax > nearest * dx:  # faces are sorted: this one and all others begin beyond the nearest hit
                break
            ex, ey = faces[i, 2] - faces[i, 0], faces[i, 3] - faces[i, 1]
            cross = dx * ey - dy * ex  # > 0 when the ray comes from the outside
            if cross == 0.0 or (cross < 0.0 and faces[i, 4] != 0.0):
                continue
            along_ray, along_face = (ax * ey - ay * ex) / cross, (ax * dy - ay * dx) / cross
            if 0.0 <= along_ray < nearest and 0.0 <= along_face <= 1.0:
                nearest = along_ray
        fractions[ray] = nearest


# Called rather than used as a decorator, which would hide the signature from the type checker.
cast_rays: Callable[[NDArray[np.float64], float, float, NDArray[Any]], None] = njit(cache=True)(_cast_rays)
"""``cast_rays(faces, x, y, fractions)`` writes how far each ray from ``(x, y)`` gets, as a fraction of `LIDAR_RANGE`.

``faces`` is `Track.faces`, sorted from left to right; ``fractions`` is a float32 array of shape ``(10,)`` that receives
numbers in [0, 1], 1 where a ray hits nothing."""
