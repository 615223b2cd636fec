"""Designed rewards: the published numbers, what they leave as it is, and what they do to learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.tabular_rewards.explors import ExploRSConfig, train_explors
from benchmarks.tabular_rewards.learners import greedy_policy, q_learning
from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import make_env
from teachrl.errors import TeachrlError, UsageError
from teachrl.factory.environment import training_env
from teachrl.factory.student import load_values
from teachrl.guides.registry import make_guide
from teachrl.guides.rewards.exprd import RewardDesigner, facility_location
from teachrl.training.run import train
from teachrl_envs.tabular.chain import chain
from teachrl_envs.tabular.mdp import TabularMDP
from teachrl_envs.tabular.rooms_nav import GATES, cell, rooms

INFORMATIVENESS = [-0.1611, -0.1033, -0.0958, -0.0873, -0.0804, -0.0735]
DOORWAYS = {cell(x, y) for gate in GATES for x, y in ((gate, 2), (2, gate))}
ROOMS = rooms()
DESIGNER = RewardDesigner(ROOMS)


@pytest.fixture(scope="module")
def designs() -> Any:
    return DESIGNER.greedy(5)


def test_informativeness_is_the_published_one_for_every_budget(designs: Any) -> None:
    assert [design.informativeness for design in designs] == pytest.approx(INFORMATIVENESS, abs=3e-4)


def test_the_states_are_the_wrong_exit_and_the_doorways(designs: Any) -> None:
    states = designs[-1].states
    assert states[0] == cell(0, 0)
    assert set(states[1:]) <= DOORWAYS
    assert [len(design.states) for design in designs] == list(range(6))


def test_rewards_are_where_they_may_be(designs: Any) -> None:
    design = designs[3]
    rewarded = set(np.flatnonzero(np.abs(design.rewards).max(axis=1) > 1e-9).tolist())
    assert rewarded <= {*design.states, *DESIGNER.goals}
    assert np.abs(design.rewards).max() <= 10 + 1e-9


def test_what_is_best_under_them_is_best_in_truth(designs: Any) -> None:
    true = ROOMS.optimal_values()
    for design in designs:
        assert DESIGNER.is_invariant(design.rewards)
        redesigned = ROOMS.with_rewards(design.rewards)
        policy = greedy_policy(redesigned.action_values(redesigned.optimal_values()))
        assert ROOMS.policy_values(policy) == pytest.approx(true, abs=1e-6)


def test_the_gaps_are_those_of_the_reference() -> None:
    gaps = DESIGNER.gaps[np.isfinite(DESIGNER.gaps)]
    assert (gaps.min(), np.median(gaps), gaps.max()) == pytest.approx((0.0009, 0.354, 4.57), abs=5e-3)


def test_shaping_by_the_optimal_values_is_as_informative_as_can_be() -> None:
    values = ROOMS.optimal_values()
    shaped = ROOMS.rewards + ROOMS.discount * ROOMS.transitions @ values - values[:, None]
    shaped[ROOMS.terminal] = 0
    assert DESIGNER.informativeness(shaped) == pytest.approx(0, abs=1e-9)
    assert DESIGNER.is_invariant(shaped)
    assert DESIGNER.informativeness(ROOMS.rewards) == pytest.approx(INFORMATIVENESS[0], abs=1e-4)


def test_an_action_that_is_as_good_must_not_be_made_better() -> None:
    start, fork, end = range(3)
    transitions, rewards = np.zeros((3, 2, 3)), np.zeros((3, 2))
    transitions[start, 0, end] = transitions[start, 1, fork] = 1
    transitions[fork, :, end] = transitions[end, :, end] = 1
    rewards[start, 0], rewards[fork] = 1.0, 0.5  # out at once is best; at the fork both ways are alike
    mdp = TabularMDP(transitions, rewards, 0.9, np.eye(3)[start], np.arange(3) == end)
    lure = rewards.copy()
    lure[fork, 1] = 2.0
    lured = mdp.with_rewards(lure).optimal_actions()[start]
    assert lured.tolist() == [False, True]
    assert RewardDesigner(mdp).is_invariant(rewards)
    assert not RewardDesigner(mdp).is_invariant(lure)


def test_a_prior_can_decide_where_rewards_are() -> None:
    wanted = cell(5, 6)
    prior = facility_location(np.eye(50)[wanted][None].repeat(50, 0))  # only this state is welcome
    (_, design) = DESIGNER.greedy(1, prior, weight=100.0)
    assert design.states == (wanted,)


def test_thrift_makes_them_smaller_at_next_to_no_loss(designs: Any) -> None:
    thrifty = RewardDesigner(ROOMS, thrift=1e-5).design(designs[2].states)
    assert np.abs(thrifty.rewards).sum() < np.abs(designs[2].rewards).sum()
    assert thrifty.informativeness > designs[2].informativeness - 1e-3


def test_rounding_takes_no_solution_away() -> None:
    RewardDesigner(ROOMS, thrift=1e-3).design((0, 9, 15, 8))


def test_rewards_that_cannot_be_are_said_to_be_none() -> None:
    with pytest.raises(TeachrlError, match="leave the optimal policy as it is"):
        RewardDesigner(ROOMS, largest=0.01).design(())


def test_shaping_is_learnt_from_sooner() -> None:
    start, values = cell(1, 1), ROOMS.optimal_values()
    shaped = ROOMS.rewards + ROOMS.discount * ROOMS.transitions @ values - values[:, None]
    shaped[ROOMS.terminal] = 0

    def episodes_needed(rewards: Any, seed: int) -> int:
        reached = [1_000]

        def good(number: int, learnt: Any) -> bool:
            if number % 10 == 0 and ROOMS.policy_values(greedy_policy(learnt))[start] >= 0.9 * values[start]:
                reached[0] = number
                return True
            return False

        q_learning(ROOMS, rewards, 1_000, 50, np.random.default_rng(seed), on_episode=good)
        return reached[0]

    plain = [episodes_needed(ROOMS.rewards, seed) for seed in range(3)]
    assert max(episodes_needed(shaped, seed) for seed in range(3)) < min(plain)


def test_explors_learns_the_chain_and_the_plain_learner_does_not() -> None:
    earned = train_explors(chain(), 10_000, 40, np.random.default_rng(0), until=lambda mean: mean > 13)
    assert earned[-100:].mean() > 13
    plain = ExploRSConfig(self_supervised=False, exploration=0.0)
    assert train_explors(chain(), 3_000, 40, np.random.default_rng(0), plain)[-1000:].mean() < 0.01


SETTINGS = EnvConfig(id="teachrl/RoomsNav-v0")


def test_potentials_add_up_to_what_they_began_with() -> None:
    env = make_guide("potential", {"discount": 0.95, "scale": 2.0}, SETTINGS).guided(make_env(SETTINGS))
    values, rng = ROOMS.optimal_values(), np.random.default_rng(0)
    ends = set()
    for seed in range(40):
        env.reset(seed=seed)
        total, factor, terminated, truncated = 0.0, 1.0, False, False
        while not (terminated or truncated):
            _, reward, terminated, truncated, info = env.step(int(rng.integers(4)))
            total += factor * (float(reward) - info["own_reward"])
            factor *= 0.95
        last = 0.0 if terminated else values[env.unwrapped.state]  # type: ignore[attr-defined]
        assert total == pytest.approx(2 * (factor * last - values[cell(1, 1)]))
        ends.add(terminated)
    assert ends == {True, False}


def test_exprd_pays_its_own_rewards_and_tells_the_environments() -> None:
    guide: Any = make_guide("exprd", {"budget": 1}, SETTINGS)
    env: Any = guide.guided(make_env(SETTINGS))
    assert guide.design.states == (cell(0, 0),)
    env.reset(seed=0)
    for action in (1, 2, 1, 2, 1, 2):
        state = env.unwrapped.state
        _, reward, terminated, _, info = env.step(action)
        assert reward == guide.design.rewards[state, action]
        assert info["own_reward"] == 0
        if terminated:
            return


def test_exprd_pays_for_the_key_on_the_line() -> None:
    settings = EnvConfig(id="teachrl/LineKey-v0")
    guide: Any = make_guide("exprd", {"budget": 2}, settings)
    env: Any = guide.guided(make_env(settings))
    assert set(guide.design.states) == {2, 3}  # where the key is
    env.reset(seed=0)
    assert env.step(2)[1] == 0
    env.unwrapped.position = 0.13
    _, reward, _, _, info = env.step(2)
    assert reward > 4
    assert info["own_reward"] == 0


def experiment(guide: Any, **fields: Any) -> Experiment:
    student = {"name": "ppo", "options": {"n_steps": 64, "batch_size": 64, "n_epochs": 2}}
    common = {"teacher": "random", "steps": 1024, "evaluate_every": 0, "name": "run"}
    env = {"id": "teachrl/RoomsNav-v0", "n_envs": 2}
    return Experiment.model_validate({"env": env, "student": student, "guide": guide, **common, **fields})


@pytest.mark.parametrize("guide", ["potential", {"name": "exprd", "options": {"budget": 0}}])
def test_returns_are_the_environments_own(guide: Any, tmp_path: Path) -> None:
    train(experiment(guide), tmp_path)
    assert set(pq.read_table(tmp_path / "run" / "episodes")["return"].to_pylist()) <= {0.0, 10.0}
    where = training_env(experiment(guide), load_values)
    assert not hasattr(where.evaluation_env.make(), "_potential")


def test_values_of_a_student_can_be_the_potential(tmp_path: Path) -> None:
    train(experiment(None), tmp_path)
    guide = make_guide("potential", {"values": str(tmp_path / "run")}, SETTINGS)
    guide.load_values = load_values
    env = guide.guided(make_env(SETTINGS))
    env.reset(seed=0)
    assert float(env.step(3)[1]) != 0
    chain_env = EnvConfig(id="teachrl/Chain-v0")
    guide = make_guide("potential", {"values": str(tmp_path / "run")}, chain_env)
    guide.load_values = load_values
    with pytest.raises(UsageError, match="here is"):
        guide.guided(make_env(chain_env))


@pytest.mark.parametrize("guide", ["potential", "exprd"])
def test_models_that_nobody_knows_are_asked_for(guide: str) -> None:
    settings = EnvConfig(id="CartPole-v1")
    with pytest.raises(UsageError, match=r"whose model is known.*CartPole-v1 declares none"):
        make_guide(guide, {}, settings).guided(make_env(settings))
