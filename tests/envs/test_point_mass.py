"""The gate task: its equations, written out a second time, and what an environment owes its users."""

import copy
import math
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from teachrl_envs.point_mass import PointMass
from teachrl_envs.tasks import TaskError

OPEN = {"gate_position": 0.0, "gate_width": 8.0}


def reference_step(state, action, task, noise):
    """One step straight from the equations: state ``(x, vx, y, vy)``, noise in the units of an acceleration."""
    position, velocity = state[[0, 2]], state[[1, 3]]
    stuck = False
    for sub_noise in noise:
        acceleration = 1.5 * np.clip(action, -10, 10) - task.get("friction", 0.0) * velocity + sub_noise
        new_position = np.clip(position + 0.01 * velocity, -4, 4)
        new_velocity = velocity + 0.01 * acceleration
        if position[1] != 0 and position[1] * new_position[1] <= 0 and new_position[1] != 0:
            along = position[1] / (position[1] - new_position[1])
            crossing = (1 - along) * position[0] + along * new_position[0]
            if abs(crossing - task["gate_position"]) > task["gate_width"] / 2:
                position, velocity, stuck = np.array([crossing, 0.0]), np.zeros(2), True
                break
        position, velocity = new_position, new_velocity
    distance = np.linalg.norm(np.array([0.0, -3.0]) - position)
    state = np.array([position[0], velocity[0], position[1], velocity[1]])
    return state, np.exp(-0.6 * distance), stuck, distance < 0.25


def play(env, task, seed, actions):
    """Everything that comes out of one episode."""
    observation, info = env.reset(seed=seed, options={"task": task})
    record = [observation.tolist(), info]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        record.append((observation.tolist(), reward, terminated, truncated, info))
        if terminated:
            break
    return record


def steer(env, task, seed=0):
    """Steer to the gate's middle, through it, to the goal. Returns whether the point was stuck, and the last info."""
    env.reset(seed=seed, options={"task": task})
    terminated, info = False, {}
    for _ in range(100):
        x, vx, y, vy = env.unwrapped.state
        aim = (task["gate_position"], 1.0 if abs(x - task["gate_position"]) > 0.05 else -1.0) if y > 0 else (0.0, -3.0)
        action = 4.0 * (np.array(aim) - (x, y)) - 3.5 * np.array([vx, vy])
        *_, terminated, _, info = env.step(action.astype(np.float32))
        if terminated:
            break
    return terminated, info


@pytest.mark.parametrize("dimensions", [2, 3])
def test_steps_agree_with_the_equations(dimensions):
    env = PointMass(dimensions)
    rng = np.random.default_rng(dimensions)
    ends = set()
    for episode in range(60):
        task = env.task_space.task(env.task_space.sample(rng, 1)[0])
        env.reset(seed=episode, options={"task": task})
        noise_source = copy.deepcopy(env.np_random)
        state, push = np.array([0.0, 0.0, 3.0, 0.0]), rng.uniform(-12, 12, 2)
        for step in range(100):
            if step % 10 == 0:
                push = rng.uniform(-12, 12, 2)
            action = push + rng.normal(0, 2, 2)
            expected = reference_step(state, action, task, 0.05 * noise_source.standard_normal((10, 2)))
            observation, reward, terminated, truncated, info = env.step(action)
            state = expected[0]
            np.testing.assert_allclose(env.state, state, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(observation, np.array([*env.state, *task.values()], dtype=np.float32))
            assert abs(reward - expected[1]) < 1e-12
            assert (terminated, truncated, info) == (expected[2], False, {"success": expected[3]})
            ends.add(terminated)
            if terminated:
                break
    assert ends == {False, True}


def test_every_way_through_the_wall_is_checked():
    env = PointMass()
    shut = {"gate_position": 3.5, "gate_width": 0.5}
    _, *down = zip(*play(env, shut, 0, [(0.0, -10.0)] * 100)[2:], strict=True)
    assert down[1][-1]
    assert not any(down[1][:-1])
    assert env.state[1:].tolist() == [0.0, 0.0, 0.0]
    assert down[0][-1] == pytest.approx(math.exp(-0.6 * math.hypot(env.state[0], 3.0)))
    # From below: through the open gate, then sideways and up into the wall.
    env.reset(seed=0, options={"task": {"gate_position": 0.0, "gate_width": 1.0}})
    terminated, lowest = False, 0.0
    for action in [(0.0, -10.0)] * 10 + [(10.0, 10.0)] * 40:
        _, _, terminated, _, _ = env.step(np.array(action))
        lowest = min(lowest, env.state[2])
        if terminated:
            break
    assert terminated
    assert lowest < -1
    assert env.state[0] > 0.5


def test_the_goal_is_reached_and_does_not_end_the_episode():
    env = PointMass(3)
    for task in ({**OPEN, "friction": 0.0}, {**OPEN, "friction": 4.0}, env.default_task):
        stuck, info = steer(env, task)
        assert (stuck, info) == (False, {"success": True})


def test_returns_stay_within_the_range():
    env = gymnasium.make("teachrl/PointMass-v0")
    env.reset(seed=0, options={"task": OPEN})
    rewards = [env.step(np.zeros(2, dtype=np.float32))[1] for _ in range(100)]
    low, high = env.unwrapped.return_range
    assert low < sum(rewards) <= high
    assert all(0 < reward <= 1 for reward in rewards)


def test_an_episode_depends_only_on_seed_task_and_actions():
    actions = np.random.default_rng(0).uniform(-10, 10, (100, 2)).astype(np.float32)
    fresh, used = PointMass(3), PointMass(3)
    for seed in range(5):
        steer(used, used.task_space.task(used.task_space.sample(np.random.default_rng(seed), 1)[0]), seed)
    task = {"gate_position": 1.0, "gate_width": 3.0, "friction": 0.5}
    assert play(fresh, task, 7, actions) == play(used, task, 7, actions)
    assert play(fresh, task, 7, actions) != play(fresh, task, 8, actions)


def test_the_seed_also_determines_later_episodes():
    def two_episodes():
        env = PointMass()
        play(env, OPEN, 3, [(1.0, 0.0)] * 5)
        return play(env, OPEN, None, [(1.0, 0.0)] * 5)

    assert two_episodes() == two_episodes()


def test_the_task_in_use_is_reported_and_does_not_stick():
    env = PointMass(3)
    task = {"gate_position": -1.0, "gate_width": 2.0, "friction": 3.0}
    assert env.reset(seed=0, options={"task": task})[1] == {"task": task}
    observation, info = env.reset(seed=0)
    assert info == {"task": env.default_task}
    assert env.default_task == {"gate_position": 2.5, "gate_width": 0.5, "friction": 0.0}
    info["task"]["gate_width"] = 5.0
    assert env.default_task["gate_width"] == 0.5
    np.testing.assert_array_equal(observation, np.array([0, 0, 3, 0, 2.5, 0.5, 0], dtype=np.float32))


def test_the_task_can_be_hidden():
    env = PointMass(3, observe_task=False)
    observation, _ = env.reset(seed=0)
    assert observation.tolist() == [0, 0, 3, 0]
    assert env.step(np.zeros(2))[0].shape == env.observation_space.shape == (4,)


def test_friction_is_a_parameter_in_three_dimensions_only():
    assert PointMass().task_space.names == ("gate_position", "gate_width")
    with pytest.raises(TaskError, match="unknown task parameter 'friction'"):
        PointMass().reset(options={"task": {**OPEN, "friction": 1.0}})
    with pytest.raises(TaskError, match="'friction' is missing"):
        PointMass(3).reset(options={"task": OPEN})
    with pytest.raises(TaskError, match=r"gate_width must be a number in \[0\.5, 8\]; got 0\.4"):
        PointMass().reset(options={"task": {**OPEN, "gate_width": 0.4}})


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_papers_distributions_are_cut_to_the_dimensions(dimensions):
    env = PointMass(dimensions)
    assert env.target_mean.tolist() == [2.5, 0.5, 0.0][:dimensions]
    assert env.target_std.tolist() == [4e-3, 3.75e-3, 2e-3][:dimensions]
    assert env.initial_mean.tolist() == [0.0, 4.25, 2.0][:dimensions]
    assert env.initial_std.tolist() == [2.0, 1.875, 1.0][:dimensions]
    assert PointMass.target_mean.shape == (3,)


def test_steps_out_of_turn_and_wrong_actions_are_errors():
    env = PointMass()
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.zeros(2))
    env.reset(seed=0, options={"task": OPEN})
    for action in (0.0, np.zeros(3), np.zeros((1, 2))):
        with pytest.raises(ValueError, match=r"an action has shape \(2,\); got shape"):
            env.step(action)
    for action in ([np.nan, 0.0], [0.0, np.nan]):
        with pytest.raises(ValueError, match="must not contain NaN"):
            env.step(np.array(action))
    assert env.state.tolist() == [0.0, 0.0, 3.0, 0.0]
    env.step(np.array([np.inf, -np.inf]))  # clipped like any other
    assert env.state[1] == pytest.approx(1.5, abs=0.1)
    env.reset(seed=0, options={"task": {"gate_position": 4.0, "gate_width": 0.5}})
    while not env.step(np.array([0.0, -10.0]))[2]:
        pass
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(2))


def test_wrong_constructor_arguments_are_errors():
    with pytest.raises(ValueError, match="context_dimensions must be 2 or 3"):
        PointMass(4)
    with pytest.raises(ValueError, match="render_mode must be None or 'rgb_array'"):
        PointMass(render_mode="human")


def test_the_picture_shows_wall_gate_goal_and_point():
    env = PointMass(render_mode="rgb_array")
    env.reset(seed=0, options={"task": {"gate_position": 2.0, "gate_width": 2.0}})
    image = env.render()
    assert (image.shape, image.dtype) == ((400, 400, 3), np.uint8)
    white, wall = [255, 255, 255], [40, 40, 40]
    assert image[200, 300].tolist() == white  # the gate's middle, x = 2
    assert image[200, 200].tolist() == wall
    assert image[200, 390].tolist() == wall
    assert image[350, 200].tolist() not in (white, wall)  # the goal
    assert image[50, 200].tolist() not in (white, wall, image[350, 200].tolist())  # the point
    env.step(np.array([10.0, -10.0]))
    assert not np.array_equal(env.render(), image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert PointMass().render() is None


@pytest.mark.parametrize("kwargs", [{}, {"context_dimensions": 3}, {"observe_task": False}])
@pytest.mark.filterwarnings("ignore:.*(symmetric and normalized|infinity).*")
def test_gymnasium_finds_nothing_wrong(kwargs):
    env = gymnasium.make("teachrl/PointMass-v0", render_mode="rgb_array", **kwargs)
    assert env.spec.max_episode_steps == 100
    check_env(env.unwrapped)
