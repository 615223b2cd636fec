"""The generated tracks of Stump Tracks, and the lidar that looks at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from Box2D import b2
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl_envs.box2d.lidar import ANGLES, LIDAR_RANGE, cast_rays
from teachrl_envs.box2d.terrain import GROUND_Y, TERRAIN_STEP, TerrainBuilder, Track, generate_track

tasks = st.fixed_dictionaries({"stump_height": st.floats(-3, 9), "obstacle_spacing": st.floats(0, 6)})
seeds = st.integers(0, 2**32 - 1)


def track(height: float, spacing: float, seed: int = 0) -> Track:
    return generate_track(height, spacing, np.random.default_rng(seed))


def near(value: Any) -> Any:
    return pytest.approx(value, abs=3e-5)  # a few float32 roundings at x = 93


class ClosestHit(b2.rayCastCallback):  # type: ignore[misc]
    fraction = 1.0

    def ReportFixture(self, fixture: Any, point: Any, normal: Any, fraction: float) -> float:
        self.fraction = fraction
        return fraction


# --- the track


def test_spacing_three_gives_25_stumps_and_spacing_zero_a_plateau() -> None:
    assert len(track(1, 3).stumps) == 25
    plateau = track(3, 0)
    x, _, half_width, _ = plateau.stumps.T
    assert x[0] - half_width[0] == pytest.approx(20 * TERRAIN_STEP, abs=1e-5)
    assert x[-1] + half_width[-1] > 200 * TERRAIN_STEP
    assert np.diff(x) == pytest.approx(TERRAIN_STEP + 0.01, abs=2e-5)


def test_heights_are_drawn_around_the_mean_with_a_deviation_of_a_tenth_of_a_step() -> None:
    heights = np.concatenate([track(2, 0, seed).heights for seed in range(20)]) / TERRAIN_STEP
    assert heights.mean() == pytest.approx(2.0, abs=0.01)
    assert heights.std() == pytest.approx(0.1, abs=0.005)


def test_negative_heights_come_out_as_the_floor() -> None:
    assert track(-3, 1).heights == pytest.approx(0.05 * TERRAIN_STEP, abs=1e-6)


@settings(deadline=None)
@given(task=tasks, seed=seeds)
def test_every_track_is_a_row_of_stumps_and_gaps_from_the_pad_to_the_end(task: dict[str, float], seed: int) -> None:
    drawn = track(task["stump_height"], task["obstacle_spacing"], seed)
    x, y, half_width, half_height = drawn.stumps.T
    start, end, gap = 20 * TERRAIN_STEP, 200 * TERRAIN_STEP, max(0.01, task["obstacle_spacing"])
    assert (drawn.heights >= 0.05 * TERRAIN_STEP - 1e-6).all()
    assert y - half_height == near(GROUND_Y)
    assert 2 * half_width == near(TERRAIN_STEP)
    assert x - half_width == near(start + np.arange(len(x)) * (TERRAIN_STEP + gap))
    assert x[-1] - half_width[-1] < end + 3e-5 <= x[-1] + half_width[-1] + gap + 6e-5
    assert drawn.ground[0, 0] == 0.0
    assert drawn.ground[:-1, 1] == near(x - half_width)
    assert drawn.ground[1:, 0] == near(x + half_width)
    assert (np.diff(drawn.faces[:, 0]) >= 0).all()
    assert (np.diff(drawn.faces[:, 2]) >= 0).all()


# --- lidar


@pytest.mark.parametrize("spacing", [0.0, 0.3, 1.0, 6.0])
@pytest.mark.parametrize("height", [0.0, 1.5, 3.0])
def test_rays_agree_with_box2d_from_anywhere_even_from_inside_a_stump(height: float, spacing: float) -> None:
    drawn, world = track(height, spacing), b2.world()
    TerrainBuilder().build(world, drawn)
    rng = np.random.default_rng(0)
    fractions = np.empty(10, np.float32)
    for x, y in rng.uniform([6, GROUND_Y + 0.01], [88, GROUND_Y + 4], (100, 2)).astype(np.float32).tolist():
        cast_rays(drawn.faces, x, y, fractions)
        for angle, fraction in zip(ANGLES, fractions, strict=True):
            hit = ClosestHit()
            end = (x + np.sin(angle) * LIDAR_RANGE, y - np.cos(angle) * LIDAR_RANGE)
            world.RayCast(hit, (x, y), tuple(map(float, end)))
            assert fraction == pytest.approx(hit.fraction, abs=1e-5), (x, y, angle)


@pytest.mark.parametrize(("solid", "rising", "stops"), [(1, 1, True), (1, -1, False), (0, 1, True), (0, -1, True)])
def test_an_edge_stops_a_ray_from_both_sides_and_a_box_from_outside(solid: int, rising: int, stops: bool) -> None:
    fractions = np.empty(10, np.float32)
    cast_rays(np.array([[0.0, -9.0 * rising, 0.0, 9.0 * rising, solid]]), -0.5, 0.0, fractions)
    wall = 0.5 / np.sin(ANGLES[1:]) / LIDAR_RANGE
    assert fractions[1:] == pytest.approx(wall if stops else np.ones(9), rel=1e-5)
    assert fractions[0] == 1.0
