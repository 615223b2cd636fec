"""Existing environments made parameterised: by setting parameters, and by building anew."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from teachrl_envs.parameterize import ConstructedEnv, ParameterizedEnv
from teachrl_envs.tasks import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskError

POLES = BoxTaskSpace({"gravity": (5.0, 15.0), "length": (0.25, 2.0)})
MOONS = BoxTaskSpace({"gravity": (-11.0, -2.0), "wind_power": (0.0, 20.0)})
EARTH = {"gravity": 9.8, "length": 0.5}


def set_pole(env, task):
    env.gravity, env.length = task["gravity"], task["length"]
    env.polemass_length = env.masspole * env.length


def cartpole(**kwargs):
    return ParameterizedEnv(gymnasium.make("CartPole-v1"), POLES, set_pole, **kwargs)


def land(gravity, wind_power):
    return gymnasium.make("LunarLander-v3", gravity=gravity, wind_power=wind_power, enable_wind=True)


def moon(**kwargs):
    return ConstructedEnv(land, MOONS, **kwargs)


def play(env, seed, task, steps=60):
    options = None if task is None else {"task": task}
    observation, _ = env.reset(seed=seed, options=options)
    record, actions = [observation.tolist()], np.random.default_rng(0)
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(int(actions.integers(env.action_space.n)))
        record.append((observation.tolist(), float(reward), terminated, truncated))
        if terminated or truncated:
            break
    return record


class Corridor(gymnasium.Env):
    """Records what happens to it. Its width is its observation space, its options are seen by everyone."""

    def __init__(self, length=1, width=1):
        self.length = length
        self.observation_space = spaces.MultiDiscrete([9] * width)
        self.action_space = spaces.Discrete(2)
        self.closed = False

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        drawn = self.np_random.integers(9, size=self.observation_space.shape)
        return drawn, {"options": options, "length": self.length}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}

    def close(self):
        self.closed = True


# ParameterizedEnv


def test_parameters_are_in_place_before_the_reset():
    def set_length(env, task):
        env.length = task["length"]

    env = ParameterizedEnv(Corridor(), BoxTaskSpace({"length": (1, 9)}, integer=["length"]), set_length)
    assert env.reset(options={"task": {"length": 7}})[1] == {"options": None, "length": 7, "task": {"length": 7}}


def test_cartpole_with_its_usual_parameters_is_cartpole():
    plain = gymnasium.make("CartPole-v1")
    assert play(cartpole(), 3, EARTH) == play(plain, 3, None)
    assert play(cartpole(), 3, {"gravity": 15.0, "length": 2.0}) != play(plain, 3, None)


def test_an_episode_depends_only_on_seed_task_and_actions():
    used = cartpole()
    for seed in range(4):
        play(used, seed, POLES.task(POLES.sample(np.random.default_rng(seed), 1)[0]))
    assert play(used, 5, EARTH) == play(cartpole(), 5, EARTH)


def test_without_a_task_the_default_is_played_again():
    env = cartpole()
    assert env.default_task == {"gravity": 10.0, "length": 1.125}
    env.reset(seed=0, options={"task": EARTH})
    _, info = env.reset()
    assert info["task"] == env.default_task
    assert (env.unwrapped.gravity, env.unwrapped.polemass_length) == (10.0, 0.1 * 1.125)
    info["task"]["gravity"] = 0.0
    assert env.default_task["gravity"] == 10.0
    assert cartpole(default_task=EARTH).reset()[1]["task"] == EARTH


def test_a_wrong_task_leaves_the_environment_alone():
    env = cartpole()
    env.reset(options={"task": EARTH})
    with pytest.raises(TaskError, match=r"gravity must be a number in \[5, 15\]; got 1"):
        env.reset(options={"task": {"gravity": 1, "length": 0.5}})
    assert env.unwrapped.gravity == 9.8
    with pytest.raises(TaskError, match="gravity must be"):
        cartpole(default_task={"gravity": 1, "length": 0.5})


def test_other_options_are_passed_on():
    env = ParameterizedEnv(Corridor(), DiscreteTaskSpace(2), lambda env, task: None)
    for options, passed in [
        (None, None),
        ({}, None),
        ({"task": {"task": 1}}, None),
        ({"task": {"task": 1}, "x": 3, "y": None}, {"x": 3, "y": None}),
        ({"x": 3}, {"x": 3}),
    ]:
        assert env.reset(options=options)[1]["options"] == passed


def test_a_nested_task_cannot_be_spoilt_by_whoever_gets_it():
    def greedy(env, task):
        task["a"]["x"] = None

    env = ParameterizedEnv(Corridor(), ProductTaskSpace({"a": BoxTaskSpace({"x": (0.0, 1.0)})}), greedy)
    for _ in range(2):
        assert env.reset()[1]["task"] == env.default_task == {"a": {"x": 0.5}}


def test_the_attributes_that_teachers_read():
    env = cartpole(return_range=(0.0, 500.0), mastery_return=475.0)
    assert (env.task_space, env.return_range, env.mastery_return) == (POLES, (0.0, 500.0), 475.0)
    assert (cartpole().return_range, cartpole().mastery_return) == (None, None)


def test_the_spec_makes_the_same_environment():
    again = gymnasium.make(cartpole(default_task=EARTH).spec)
    assert play(again, 3, None) == play(cartpole(), 3, EARTH)


# ConstructedEnv


def test_lunar_lander_with_the_task_as_arguments_is_lunar_lander():
    task = {"gravity": -4.0, "wind_power": 12.0}
    env = moon()
    assert env.spec.kwargs["gravity"] == env.default_task["gravity"] == -6.5
    for seed in range(2):
        play(env, seed, MOONS.task(MOONS.sample(np.random.default_rng(seed), 1)[0]))
    assert play(env, 5, task) == play(land(**task), 5, None) == play(moon(), 5, task)
    assert env.reset(options={"task": task})[1]["task"] == task
    assert env.spec.kwargs["gravity"] == -4.0


def corridor(**kwargs):
    made = []

    def make(length, width=1):
        made.append(Corridor(length, width))
        return made[-1]

    return ConstructedEnv(make, BoxTaskSpace({"length": (1, 9)}, integer=["length"]), **kwargs), made


def test_a_new_environment_is_built_only_for_another_task():
    env, made = corridor(default_task={"length": 2})
    for length in (2, 2, 5, 5, 2):
        assert env.reset(options={"task": {"length": length}, "x": 1})[1] == {
            "options": {"x": 1},
            "length": length,
            "task": {"length": length},
        }
    assert [e.length for e in made] == [2, 5, 2]
    assert [e.closed for e in made] == [True, True, False]
    env.close()
    assert made[-1].closed


def test_one_seeded_reset_determines_all_later_episodes():
    def observations(lengths):
        env, _ = corridor()
        first, _ = env.reset(seed=4, options={"task": {"length": 1}})
        later = [env.reset(options={"task": {"length": length}})[0] for length in lengths]
        return np.concatenate([first, *later]).tolist()

    assert observations([2, 2, 3, 1, 5, 5, 6]) == observations([1] * 7)
    assert len(set(observations([1] * 7))) > 1


def test_the_spaces_keep_their_seeds():
    def actions(lengths):
        env, _ = corridor()
        env.action_space.seed(0)
        drawn = []
        for length in lengths:
            env.reset(seed=0, options={"task": {"length": length}})
            drawn.append(int(env.action_space.sample()))
        return drawn

    assert actions(range(1, 9)) == actions([1] * 8)


def test_a_task_that_changes_the_spaces_is_an_error():
    made = []

    def make(width):
        made.append(Corridor(width=width))
        return made[-1]

    env = ConstructedEnv(make, BoxTaskSpace({"width": (1, 3)}, integer=["width"]), default_task={"width": 1})
    env.reset(seed=0)
    with pytest.raises(TaskError, match=r"task {'width': 2} changes the observation_space: expected .*, got "):
        env.reset(options={"task": {"width": 2}})
    assert [e.closed for e in made] == [False, True]
    assert env.reset()[1]["task"] == {"width": 1}


def test_a_constructor_that_fails_leaves_the_environment_alone():
    def make(length):
        if length == 3:
            raise RuntimeError("no corridor of length 3")
        return Corridor(length)

    env = ConstructedEnv(make, BoxTaskSpace({"length": (1, 3)}, integer=["length"]))
    with pytest.raises(RuntimeError, match="length 3"):
        env.reset(options={"task": {"length": 3}})
    assert env.reset(options={"task": {"length": 2}})[1]["length"] == 2


@pytest.mark.parametrize("build", [cartpole, moon])
@pytest.mark.filterwarnings("ignore:.*")
def test_gymnasium_finds_nothing_wrong(build):
    check_env(build(), skip_render_check=True, skip_close_check=True)
