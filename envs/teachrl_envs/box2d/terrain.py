"""The track of Stump Tracks: flat ground with stumps on it, as numbers, and as one static body of a Box2D world.

Lengths are world units (30 pixels each) unless they are said to be in terrain steps of 14 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from Box2D import b2
from numpy.typing import NDArray

SCALE = 30.0  # pixels per world unit
TERRAIN_STEP = 14 / SCALE
TRACK_END = 200 * TERRAIN_STEP  # no further stump begins beyond it
FINISH_X = 190 * TERRAIN_STEP
START_PAD = 20 * TERRAIN_STEP  # flat ground before the first stump
GROUND_Y = 400 / SCALE / 4
FRICTION = 2.5
HEIGHT_NOISE = 0.1  # standard deviation around the task's mean height, in terrain steps
MIN_HEIGHT = 0.05  # in terrain steps; heights that come out negative therefore mean (nearly) flat ground
MIN_GAP = 0.01  # what is left between two stumps when the spacing is 0

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """One generated track.

    All numbers are rounded to float32, the precision of Box2D, so that they are where the physics has them.

    Attributes:
        stumps: shape ``(n, 4)``, from left to right: centre x, centre y, half width, half height of each box.
        ground: shape ``(n + 1, 2)``, left and right end of each piece of level ground: the pad, then one per gap.
        faces: shape ``(3 n + 1, 5)``, every face that a ray going forward and down can hit, from left to right:
            ``x1, y1, x2, y2, solid``. The outside is on the left of the way from point 1 to point 2; ``solid`` is 1 for
            the face of a box, which stops only rays that come from outside, and 0 for a thin edge, which stops all.
    """

    stumps: FloatArray
    ground: FloatArray
    faces: FloatArray

    @property
    def heights(self) -> FloatArray:
        """Heights of the stumps above the ground, shape ``(n,)``."""
        return 2 * self.stumps[:, 3]


def generate_track(stump_height: float, obstacle_spacing: float, rng: np.random.Generator) -> Track:
    """Draw a track: after the start pad, a stump and a gap in turn until the end of the track is passed.

    Args:
        stump_height: mean height in terrain steps; each stump is ``max(0.05, N(stump_height, 0.1))`` steps high and one
            step wide.
        obstacle_spacing: length of the gap after every stump; below 0.01 it counts as 0.01.
        rng: the only source of chance; one normal number is drawn per stump.
    """
    gap = max(MIN_GAP, obstacle_spacing)
    count = math.ceil((TRACK_END - START_PAD) / (TERRAIN_STEP + gap))
    heights = np.maximum(MIN_HEIGHT, rng.normal(stump_height, HEIGHT_NOISE, count)) * TERRAIN_STEP
    stumps = np.empty((count, 4), dtype=np.float32)
    stumps[:, 0] = START_PAD + TERRAIN_STEP / 2 + np.arange(count) * (TERRAIN_STEP + gap)
    stumps[:, 1] = GROUND_Y + heights / 2
    stumps[:, 2] = TERRAIN_STEP / 2
    stumps[:, 3] = heights / 2
    left, right = stumps[:, 0] - stumps[:, 2], stumps[:, 0] + stumps[:, 2]
    ground = np.empty((count + 1, 2))
    ground[0, 0], ground[1:, 0] = 0.0, right
    ground[:-1, 1], ground[-1, 1] = left, np.float32(float(right[-1]) + gap)
    return Track(stumps.astype(np.float64), ground, _faces(left, right, stumps[:, 1] + stumps[:, 3], ground))


def _faces(left: NDArray[Any], right: NDArray[Any], top: NDArray[Any], ground: FloatArray) -> FloatArray:
    """The rows of `Track.faces`: pad, then per stump its left face, its top and the ground behind it."""
    level = float(np.float32(GROUND_Y))
    faces = np.empty((1 + 3 * len(left), 5))
    for rows, x1, y1, x2, y2, solid in (
        (faces[0::3], ground[:, 0], level, ground[:, 1], level, 0.0),
        (faces[1::3], left, level, left, top, 1.0),
        (faces[2::3], left, top, right, top, 1.0),
    ):
        for column, value in enumerate((x1, y1, x2, y2, solid)):
            rows[:, column] = value
    return faces


class TerrainBuilder:
    """Puts tracks into worlds. It reuses its shapes, since pybox2d never frees one: a builder serves one thread."""

    def __init__(self) -> None:
        self._edge = b2.edgeShape(vertices=[(0, 0), (1, 0)])
        self._box = b2.polygonShape(box=(1, 1))
        self._edge_fixture = b2.fixtureDef(shape=self._edge, friction=FRICTION)
        self._box_fixture = b2.fixtureDef(shape=self._box, friction=FRICTION)

    def build(self, world: Any, track: Track) -> None:
        """Add the track to a `b2World`, as the fixtures of one static body: cheaper to make than a body per piece."""
        body = world.CreateStaticBody()
        for left, right in track.ground.tolist():
            self._edge.vertex1 = (left, GROUND_Y)
            self._edge.vertex2 = (right, GROUND_Y)
            body.CreateFixture(self._edge_fixture)
        for x, y, half_width, half_height in track.stumps.tolist():
            self._box.SetAsBox(half_width, half_height, (x, y), 0.0)
            body.CreateFixture(self._box_fixture)
