"""Rewards for the student as it is now: what is maximised, what stays as it is, and what it does to learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.tabular_rewards.learners import Player, SoftmaxPolicy, greedy_policy
from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import make_env
from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.registry import make_guide
from teachrl.guides.rewards.adaptive import AdaptiveDesigner, visits
from teachrl.guides.rewards.exprd import RewardDesigner
from teachrl.training.run import train
from teachrl_envs.tabular.chain import chain
from teachrl_envs.tabular.line_key import line_key
from teachrl_envs.tabular.mdp import TabularMDP
from teachrl_envs.tabular.rooms_nav import START, cell, rooms

ROOMS = rooms()
DESIGNER = AdaptiveDesigner(ROOMS)
UNIFORM = np.full(ROOMS.rewards.shape, 1 / 4)
SETTINGS = EnvConfig(id="teachrl/RoomsNav-v0")


def any_policy(seed: int) -> Any:
    return np.random.default_rng(seed).dirichlet(np.ones(4), size=50)


def test_visits_are_those_of_episodes() -> None:
    policy, rng = any_policy(0), np.random.default_rng(1)
    counted = np.zeros(50)
    for _ in range(2_000):
        episode = Player(ROOMS, 200).play(policy, rng)
        left = episode.states[:-1]
        counted += np.bincount(left, 0.95 ** np.arange(len(left)), minlength=50)
    assert visits(ROOMS, policy) == pytest.approx(counted / counted.sum(), abs=0.01)
    assert visits(ROOMS, policy)[-1] == 0


def test_informativeness_is_the_published_sum() -> None:
    policy, rewards = any_policy(0), np.random.default_rng(1).normal(size=(50, 4))
    values = ROOMS.optimal_values()
    advantages = ROOMS.action_values(values) - values[:, None]
    best = np.eye(4)[RewardDesigner(ROOMS).policy]
    mine, teachers = visits(ROOMS, policy), visits(ROOMS, 0.6 * best + 0.1)
    total = 0.0
    for s in range(50):
        for a in range(4):
            gained = advantages[s, a] - policy[s] @ advantages[s]
            shown = rewards[s, a] - policy[s] @ rewards[s]
            total += policy[s, a] * mine[s] * teachers[s] * policy[s, a] * gained * shown
    assert DESIGNER.informativeness(rewards, policy) == pytest.approx(total)


@pytest.mark.parametrize("seed", range(3))
def test_no_invariant_rewards_are_more_informative(seed: int) -> None:
    policy = any_policy(seed)
    found = DESIGNER.informativeness(DESIGNER.design(policy), policy)
    others = [DESIGNER.design(any_policy(seed + 10)), DESIGNER.design(UNIFORM), ROOMS.rewards]
    assert all(found > DESIGNER.informativeness(rewards, policy) for rewards in others)
    most = DESIGNER.informativeness(AdaptiveDesigner(ROOMS, thrift=0.0).design(policy), policy)
    assert 0.99 * most <= found <= most * (1 + 1e-6)


@pytest.mark.parametrize("mdp", [ROOMS, chain(), line_key()], ids=["rooms", "chain", "line"])
def test_what_is_best_under_them_is_best_in_truth(mdp: TabularMDP) -> None:
    designer, actions = AdaptiveDesigner(mdp), mdp.rewards.shape[1]
    for seed in range(3):
        policy = np.random.default_rng(seed).dirichlet(np.ones(actions), size=len(mdp.rewards))
        rewards = designer.design(policy)
        assert designer.is_invariant(rewards)
        assert np.abs(rewards).max() <= 10 + 1e-9
        redesigned = mdp.with_rewards(rewards)  # which refuses rewards in the end
        best = greedy_policy(redesigned.action_values(redesigned.optimal_values()))
        assert mdp.policy_values(best) == pytest.approx(mdp.optimal_values(), abs=1e-6)


def test_thrift_makes_them_smaller_at_next_to_no_loss() -> None:
    lavish, thrifty = (AdaptiveDesigner(ROOMS, thrift=thrift).design(UNIFORM) for thrift in (0.0, 0.01))
    assert np.abs(thrifty).sum() < 0.95 * np.abs(lavish).sum()
    assert DESIGNER.informativeness(thrifty, UNIFORM) > 0.99 * DESIGNER.informativeness(lavish, UNIFORM)


def test_bounds_that_are_too_small_are_said_to_be() -> None:
    with pytest.raises(TeachrlError, match="allow larger ones"):
        AdaptiveDesigner(ROOMS, largest=0.01).design(UNIFORM)


def value_after(episodes: int, seed: int, rewards: Any, every: int | None) -> float:
    """What a REINFORCE learner truly earns from the start after so many episodes."""
    learner, player, rng = SoftmaxPolicy(50, 4, 0.1), Player(ROOMS, 50), np.random.default_rng(seed)
    recent: list[Any] = []
    for number in range(episodes):
        if every is not None and number % every == 0:
            rewards = DESIGNER.design(learner.probabilities)
        recent = [*recent, player.play(learner.probabilities, rng)][-5:]
        if number % 2:
            paid = [one.returns(ROOMS.discount, rewards[one.states[:-1], one.actions]) for one in recent]
            learner.learn(recent, paid)
    return float(ROOMS.policy_values(learner.probabilities)[cell(*START)])


def test_they_are_learnt_from_sooner_than_others() -> None:
    adapted = value_after(400, 0, None, 50)
    assert adapted > value_after(400, 0, DESIGNER.design(UNIFORM), None) + 0.5
    assert value_after(400, 0, ROOMS.rewards, None) < 0.5 < adapted


def test_the_guide_designs_for_what_the_student_does() -> None:
    guide: Any = make_guide("adaptive", {"every": 100}, SETTINGS)
    env: Any = guide.guided(make_env(SETTINGS))
    assert (guide.rewards == DESIGNER.design(UNIFORM)).all()
    first = guide.rewards.copy()
    taken, ended = np.zeros((50, 4)), True
    for _ in range(100):
        if ended:
            env.reset(seed=0)
        state = env.unwrapped.state
        _, reward, terminated, truncated, info = env.step(3)
        taken[state, 3] += 1
        ended = terminated or truncated
        assert reward == first[state, 3]
        assert info["own_reward"] == 0
    guide.update(Fragmentary(60))
    assert (guide.rewards == first).all()
    guide.update(Fragmentary(40))
    policy = (taken + 0.25) / (taken.sum(axis=1, keepdims=True) + 1)
    assert (guide.rewards == DESIGNER.design(policy)).all()
    assert (guide.rewards != first).any()


class Fragmentary:
    """As much of a fragment as the guide looks at."""

    def __init__(self, steps: int) -> None:
        self.rewards = np.zeros((steps, 1))


def test_returns_are_the_environments_own(tmp_path: Path) -> None:
    student = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 64, "n_epochs": 2}}
    env = {"id": "teachrl/RoomsNav-v0", "n_envs": 2}
    fields = {"env": env, "student": student, "guide": "adaptive", "teacher": "random", "evaluate_every": 0}
    train(Experiment.model_validate({**fields, "steps": 1024, "name": "run"}), tmp_path)
    assert set(pq.read_table(tmp_path / "run" / "episodes")["return"].to_pylist()) <= {0.0, 10.0}


def test_models_that_nobody_knows_are_asked_for() -> None:
    settings = EnvConfig(id="CartPole-v1")
    with pytest.raises(UsageError, match=r"guide adaptive needs.*whose model is known.*CartPole-v1 declares none"):
        make_guide("adaptive", {}, settings).guided(make_env(settings))
