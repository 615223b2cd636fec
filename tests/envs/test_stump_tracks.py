"""Stump Tracks: tasks, physics against Gymnasium's own BipedalWalker, endings, replay, pictures."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.box2d.bipedal_walker import BipedalWalker, BipedalWalkerHeuristics
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl_envs import TaskError
from teachrl_envs.box2d.stump_tracks import StumpTracks
from teachrl_envs.box2d.terrain import GROUND_Y, Track

FINISH = 190 * 14 / 30
IDLE = np.zeros(4, np.float32)
tasks = st.fixed_dictionaries({"stump_height": st.floats(-3, 9), "obstacle_spacing": st.floats(0, 6)})
seeds = st.integers(0, 2**32 - 1)


def task(height: float, spacing: float) -> dict[str, Any]:
    return {"task": {"stump_height": height, "obstacle_spacing": spacing}}


def bodies(world: StumpTracks | SlowWalker) -> list[Any]:
    return [world.hull, *world.legs] if isinstance(world, BipedalWalker) else [world.walker.hull, *world.walker.legs]


def states(world: StumpTracks | SlowWalker) -> list[tuple[float, ...]]:
    return [(*b.position, b.angle, *b.linearVelocity, b.angularVelocity) for b in bodies(world)]


def shift(env: StumpTracks, distance: float) -> None:
    for body in bodies(env):
        body.position = (body.position.x + distance, body.position.y)


class SlowWalker(BipedalWalker):
    """Gymnasium's walker, with its step, its SWIG ray casts and one static body per piece, on a given track."""

    def __init__(self, track: Track) -> None:
        super().__init__()
        self.track = track

    def _generate_clouds(self) -> None:
        """The clouds would draw from the random generator before the push does."""

    def _generate_terrain(self, hardcore: bool) -> None:
        self.terrain = []
        for left, right in self.track.ground.tolist():
            self.fd_edge.shape.vertices = [(left, GROUND_Y), (right, GROUND_Y)]
            self.terrain.append(self.world.CreateStaticBody(fixtures=self.fd_edge))
        x, y, half_width, half_height = self.track.stumps.T.astype(np.float32)
        left, right, low, high = x - half_width, x + half_width, y - half_height, y + half_height
        for corners in np.stack([left, low, right, low, right, high, left, high], axis=1).reshape(-1, 4, 2).tolist():
            self.fd_polygon.shape.vertices = [tuple(corner) for corner in corners]
            self.terrain.append(self.world.CreateStaticBody(fixtures=self.fd_polygon))


def heuristic_pilot() -> Any:
    """Gymnasium's heuristic, which walks, with an action array of its own instead of the class's."""
    pilot = BipedalWalkerHeuristics()
    pilot.a = np.zeros(4)
    return pilot


# --- the environment and its tasks


def test_gymnasiums_checker_has_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make("teachrl/StumpTracks-v0").unwrapped)


def test_the_registration_limits_an_episode_to_2000_steps() -> None:
    assert gym.spec("teachrl/StumpTracks-v0").max_episode_steps == 2000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stump_height": 3.5, "obstacle_spacing": 1.0}, r"stump_height must be a number in \[0, 3\]; got 3.5"),
        ({"stump_height": 1.0, "obstacle_spacing": -1.0}, r"obstacle_spacing must be a number in \[0, 6\]; got -1"),
        ({"stump_height": 1.0}, "'obstacle_spacing' is missing"),
        ({"stump_heigth": 1.0, "obstacle_spacing": 1.0}, "did you mean 'stump_height'"),
    ],
)
def test_a_wrong_task_is_an_error_that_names_parameter_and_range(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        StumpTracks().reset(options={"task": wrong})


def test_reset_reports_the_task_in_use() -> None:
    env = StumpTracks()
    assert env.reset(options=task(1.5, 2.0))[1] == task(1.5, 2.0)
    assert env.reset()[1] == {"task": {"stump_height": 0.0, "obstacle_spacing": 6.0}}
    assert env.reset(options={})[1] == {"task": StumpTracks.default_task}


def test_the_two_other_task_spaces_of_the_benchmark_can_be_had() -> None:
    unfeasible, trivial = StumpTracks(max_stump_height=9), StumpTracks(min_stump_height=-3)
    assert unfeasible.reset(options=task(9.0, 6.0))[1] == task(9.0, 6.0)
    assert trivial.reset(options=task(-3.0, 0.0))[1] == task(-3.0, 0.0)
    assert not StumpTracks().task_space.contains({"stump_height": 9.0, "obstacle_spacing": 6.0})
    with pytest.raises(TaskError, match="stump_height: the lower bound 4 is above"):
        StumpTracks(min_stump_height=4)


@pytest.mark.parametrize("bounds", [{}, {"min_stump_height": 1.0}, {"max_obstacle_spacing": 2.0}])
def test_the_default_task_belongs_to_the_task_space(bounds: dict[str, Any]) -> None:
    env = StumpTracks(**bounds)
    assert env.task_space.contains(env.default_task)
    assert StumpTracks.task_space.contains(StumpTracks.default_task)


# --- physics, rewards and senses


@pytest.mark.parametrize(
    ("height", "spacing", "seed", "noise"),
    [
        (0.0, 6.0, 0, 0.0),
        (0.0, 4.36, 56, 0.1),
        (0.6, 1.5, 1, 0.1),
        (0.9, 2.8, 57, 0.1),
        (0.3, 0.0, 2, 1.0),
        (3.0, 0.5, 3, 1.0),
    ],
)
def test_bodies_move_bit_for_bit_as_in_gymnasium(height: float, spacing: float, seed: int, noise: float) -> None:
    env, rng, pilot = StumpTracks(), np.random.default_rng(seed), heuristic_pilot()
    observation, _ = env.reset(seed=seed, options=task(height, spacing))
    slow = SlowWalker(env.track)
    expected, _ = slow.reset(seed=seed)
    for _ in range(400):
        assert states(env) == states(slow)
        assert observation == pytest.approx(expected, abs=1e-5)
        action = (pilot.step_heuristic(observation) + noise * rng.normal(size=4)).astype(np.float32)
        observation, reward, terminated, truncated, _ = env.step(action)
        expected, slow_reward, slow_terminated, _, _ = slow.step(action)
        assert reward == pytest.approx(float(slow_reward), abs=1e-5)
        assert terminated == slow_terminated
        assert not truncated
        if terminated:
            break


@settings(deadline=None)  # the first example may have to compile the lidar
@given(task=tasks, seed=seeds)
def test_observations_stay_within_the_observation_space(task: dict[str, float], seed: int) -> None:
    env, rng = StumpTracks(min_stump_height=-3, max_stump_height=9), np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed, options={"task": task})
    for _ in range(20):
        assert env.observation_space.contains(observation)
        observation, *_ = env.step(rng.choice([-1, 1], 4).astype(np.float32))


def test_commands_beyond_one_count_as_one() -> None:
    env = StumpTracks()
    played = []
    for command in (1.0, 7.0):
        env.reset(seed=0)
        played.append((env.step(np.full(4, command, np.float32))[1], states(env)))
    assert played[0] == played[1]


@pytest.mark.parametrize("action", [np.full(4, np.nan, np.float32), np.zeros(3, np.float32), np.zeros(5, np.float32)])
def test_a_malformed_action_is_an_error_before_it_reaches_the_physics(action: np.ndarray) -> None:
    env = StumpTracks()
    env.reset(seed=0)
    before = states(env)
    with pytest.raises(ValueError, match=r"four numbers in \[-1, 1\]"):
        env.step(action)
    assert states(env) == before


# --- endings and success


def test_falling_costs_a_hundred_and_ends_the_episode() -> None:
    env = StumpTracks()
    env.reset(seed=0)
    for _ in range(500):
        _, reward, terminated, _, info = env.step(np.array([1, 1, 1, -1], np.float32))
        if terminated:
            break
        assert reward > -10
    assert (reward, terminated, info) == (-100.0, True, {"success": False})


def test_leaving_the_track_backwards_counts_as_a_fall() -> None:
    env = StumpTracks()
    env.reset(seed=0)
    shift(env, -env.walker.hull.position.x - 0.5)
    assert env.step(IDLE)[1:3] == (-100.0, True)


def test_the_finish_ends_the_episode_without_a_bonus() -> None:
    env = StumpTracks()
    env.reset(seed=0)
    start = env.walker.hull.position.x
    shift(env, FINISH - 0.05 - start)
    assert not env.step(IDLE)[2]
    shift(env, 0.1)
    before, angle = env.walker.hull.position.x - 0.1, abs(env.walker.hull.angle)
    _, reward, terminated, truncated, info = env.step(IDLE)
    hull = env.walker.hull
    assert (hull.position.x > FINISH, terminated, truncated) == (True, True, False)
    assert reward == pytest.approx(130 / 30 * (hull.position.x - before) - 5 * (abs(hull.angle) - angle), abs=1e-5)
    assert env.episode_return == pytest.approx(130 / 30 * (hull.position.x - start), abs=1)
    assert info["success"]


def test_success_means_a_return_strictly_above_the_mastery_return() -> None:
    env = StumpTracks()
    assert env.mastery_return == 230.0
    env.reset(seed=0)
    _, reward, *_ = env.step(IDLE)
    for mastery, success in [(reward, False), (np.nextafter(reward, -np.inf), True), (reward + 1, False)]:
        env.mastery_return = mastery
        env.reset(seed=0)
        assert env.step(IDLE)[4] == {"success": success}


# --- replay


def play(env: StumpTracks, seed: int, options: dict[str, Any], steps: int = 150) -> list[Any]:
    rng = np.random.default_rng(seed)
    record: list[Any] = [env.reset(seed=seed, options=options)[0].tobytes()]
    for _ in range(steps):
        observation, reward, terminated, _, _ = env.step(rng.uniform(-1, 1, 4).astype(np.float32))
        record.append((observation.tobytes(), reward, terminated, states(env)))
    return record


@pytest.mark.parametrize("options", [task(0.0, 6.0), task(1.0, 0.3), task(3.0, 0.0)])
def test_an_episode_replays_exactly_whatever_was_played_before(options: dict[str, Any]) -> None:
    env = StumpTracks()
    first = play(env, 5, options)
    play(env, 6, task(2.0, 1.0))
    env.reset()
    env.step(IDLE)
    assert play(env, 5, options) == first
    assert play(StumpTracks(max_stump_height=9), 5, options) == first


def test_without_a_seed_the_next_track_is_another_and_the_sequence_follows_the_first_seed() -> None:
    def heights() -> list[list[float]]:
        env = StumpTracks()
        return [env.reset(seed=seed)[0].tolist() + env.track.heights.tolist() for seed in (4, None, None)]

    first = heights()
    assert first == heights()
    assert first[0] != first[1] != first[2]


def test_under_one_seed_every_task_starts_with_the_same_push() -> None:
    env = StumpTracks()
    senses = [env.reset(seed=9, options=options)[0][:14].tolist() for options in (task(0, 6), task(3, 0))]
    assert senses[0] == senses[1]


# --- pictures


def test_a_picture_shows_walker_and_stumps() -> None:
    env = gym.make("teachrl/StumpTracks-v0", render_mode="rgb_array")
    pictures: list[Any] = []
    for height in (0.0, 3.0):
        env.reset(seed=0, options=task(height, 1.0))
        pictures.append(env.render())
    flat, tall = pictures
    assert (flat.shape, flat.dtype) == ((400, 600, 3), np.uint8)
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) > 8
    assert (flat != tall).any(axis=2).sum() > 1000
    env.close()


def test_human_mode_shows_a_window_and_returns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = StumpTracks(render_mode="human")
    env.reset(seed=0)
    env.step(IDLE)
    assert env.render() is None
    env.close()


def test_rendering_without_a_mode_says_what_to_do() -> None:
    env = StumpTracks()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match='render_mode="rgb_array"'):
        assert env.render() is None
