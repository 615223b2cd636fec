"""SB3 students: settings are checked, truncation is bootstrapped, PPO learns exactly as in SB3's own loop."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

from teachrl.errors import UsageError
from teachrl.records.episodes import Fragment
from teachrl.students.base import StudentContext
from teachrl.students.registry import make_student

BOX = gym.spaces.Box(-1, 1, (3,), np.float32)
ACTIONS = gym.spaces.Box(-2, 2, (1,), np.float32)
NO_MEMORY = np.zeros((1, 0), dtype=np.float32)


def context(actions: gym.Space[Any] = ACTIONS, n_envs: int = 2) -> StudentContext:
    return StudentContext(BOX, actions, n_envs, seed=0, total_steps=1000)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("ppo", {"n_step": 5}, "did you mean 'n_steps'"),
        ("ppo", {"seed": 5}, "set by the run itself"),
        ("ppo", {"learning_rate": "quick"}, "lin_X"),
        ("ppo", {"policy_kwargs": {"activation_fn": "tahn"}}, "not a class of torch.nn"),
        ("ppo", {"policy_kwargs": 3}, "is a mapping"),
        ("ppo", {"policy": "NoPolicy"}, "NoPolicy"),
        ("ppo", {"n_steps": "many"}, "PPO cannot be built"),
        ("sac", {"train_freq": [1, "episode"]}, "number of vector steps"),
        ("td3", {"noise_type": "pink"}, "noise_type"),
        ("dqn", {}, "needs actions in Discrete"),
    ],
)
def test_wrong_options_are_explained(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_student(name, context(), options=options)


def test_unknown_student_and_preset() -> None:
    with pytest.raises(UsageError, match="did you mean 'ppo'"):
        make_student("ppoo", context())
    with pytest.raises(UsageError, match="tma2021"):
        make_student("ppo", context(), preset="tma2020")


def test_linear_schedule_falls_to_zero() -> None:
    student = make_student("ppo", context(), options={"learning_rate": "lin_0.1", "n_steps": 50})
    schedule = student.model.lr_schedule  # type: ignore[attr-defined]
    assert [schedule(1.0), schedule(0.5), schedule(0.0)] == pytest.approx([0.1, 0.05, 0.0])


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_presets_of_the_benchmark_can_be_built(name: str) -> None:
    student = make_student(name, context(n_envs=1), preset="tma2021", options={"device": "cpu"})
    assert student.discount == 0.99
    assert student.fragment_steps == {"ppo": 20_000, "sac": 10}[name]


@pytest.mark.parametrize("name", ["ppo", "sac", "td3", "dqn"])
def test_deterministic_acting_changes_nothing(name: str) -> None:
    actions = gym.spaces.Discrete(3) if name == "dqn" else ACTIONS
    student = make_student(name, context(actions), options={} if name == "ppo" else {"buffer_size": 100})
    observations = np.full((2, 3), 0.5, dtype=np.float32)
    before = torch.get_rng_state()
    first = student.act(observations, NO_MEMORY, deterministic=True).actions
    assert np.array_equal(first, student.act(observations, NO_MEMORY, deterministic=True).actions)
    assert torch.equal(before, torch.get_rng_state())


def fragment(student: Any, terminated: bool) -> Fragment:
    steps, n = student.fragment_steps, 1
    observations = np.zeros((steps, n, 3), dtype=np.float32)
    decisions = [student.act(o, NO_MEMORY) for o in observations]
    ends = np.zeros((steps, n), dtype=bool)
    ends[-1] = True
    starts = np.zeros((steps, n), dtype=bool)
    starts[0] = True
    extras = {key: np.stack([d.extras[key] for d in decisions]) for key in decisions[0].extras}
    final = np.full(3, 0.7, dtype=np.float32)
    nothing = np.zeros_like(ends)
    return Fragment(
        observations,
        np.stack([d.actions for d in decisions]),
        np.ones((steps, n)),
        ends if terminated else nothing,
        nothing if terminated else ends,
        starts,
        np.zeros((n, 3), dtype=np.float32),
        np.ones(n, dtype=bool),
        {(steps - 1, 0): final},
        extras,
    )


@pytest.mark.parametrize("terminated", [True, False])
def test_ppo_bootstraps_what_was_cut_off_and_not_what_ended(terminated: bool) -> None:
    student: Any = make_student("ppo", context(n_envs=1), options={"n_steps": 4, "batch_size": 4, "n_epochs": 1})
    played = fragment(student, terminated)
    value = float(student._values(np.full((1, 3), 0.7, dtype=np.float32))[0])
    student.learn(played)
    expected = 1.0 if terminated else 1.0 + student.discount * value
    assert student.model.rollout_buffer.rewards.reshape(-1)[-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("terminated", [True, False])
def test_replay_marks_time_outs_and_keeps_the_last_state(terminated: bool) -> None:
    options = {"train_freq": 4, "buffer_size": 50, "learning_starts": 100}
    student: Any = make_student("sac", context(n_envs=1), options=options)
    student.learn(fragment(student, terminated))
    buffer = student.model.replay_buffer
    assert buffer.dones[:4, 0].tolist() == [0, 0, 0, 1]
    assert buffer.timeouts[:4, 0].tolist() == [0, 0, 0, 0 if terminated else 1]
    assert np.allclose(buffer.next_observations[3, 0], 0.7)


def test_ppo_learns_the_same_weights_as_sb3s_own_loop() -> None:
    """Same seeds, same environment, no curriculum: our road must be SB3's road, bit for bit."""
    settings = {"n_steps": 64, "batch_size": 32, "n_epochs": 2}
    env = make_vec_env("CartPole-v1", 1, seed=0)
    observation = env.reset()
    ours: Any = make_student("ppo", StudentContext(env.observation_space, env.action_space, 1, 0, 64), options=settings)
    rows: dict[str, list[Any]] = {"o": [], "a": [], "r": [], "te": [], "tr": [], "s": [], "x": []}
    starts, finals = np.ones(1, dtype=bool), {}
    for t in range(64):
        decision = ours.act(observation, NO_MEMORY)
        following, reward, done, infos = env.step(decision.actions)
        cut = np.array([infos[0].get("TimeLimit.truncated", False)])
        for key, row in zip(
            rows, (observation, decision.actions, reward, done & ~cut, cut, starts, decision), strict=True
        ):
            rows[key].append(row)
        if done[0]:
            finals[t, 0] = infos[0]["terminal_observation"]
        observation, starts = following, done
    extras = {key: np.stack([d.extras[key] for d in rows["x"]]) for key in rows["x"][0].extras}
    o, a, r, te, tr, s = (np.stack(rows[key]) for key in ("o", "a", "r", "te", "tr", "s"))
    ours.learn(Fragment(o, a, r.astype(float), te, tr, s, observation, starts, finals, extras))
    theirs = PPO("MlpPolicy", make_vec_env("CartPole-v1", 1, seed=0), seed=0, device="cpu", **settings)
    theirs.learn(64)
    for name, value in theirs.policy.state_dict().items():
        assert torch.equal(value, ours.model.policy.state_dict()[name]), name
