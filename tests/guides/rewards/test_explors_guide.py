"""ExploRS as a guide: what it pays, what it learns from, and that a student gets where it would not have got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow.parquet as pq
import pytest

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import make_env
from teachrl.errors import UsageError
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.guides.registry import make_guide
from teachrl.guides.rewards.reward_network import PlayedEpisode, RewardNetwork
from teachrl.guides.rewards.visits import Visits
from teachrl.training.run import train

CHAIN = EnvConfig(id="teachrl/Chain-v0", options={"right": 2, "left": 2, "slip": 0.0, "max_steps": 5})


def played(env: Any, actions: list[int]) -> list[tuple[float, float]]:
    env.reset(seed=0)
    steps = [env.step(action) for action in actions]
    return [(float(reward), info["own_reward"]) for _, reward, _, _, info in steps]


def test_the_bonus_is_the_published_one_for_what_all_environments_saw() -> None:
    guide: Any = make_guide("explors", {"exploration": 2.0, "largest_bonus": 0.5, "self_supervised": False}, CHAIN)
    first, second = (guide.guided(make_env(CHAIN)) for _ in range(2))
    bonus = [2 / np.sqrt(16 + n) for n in range(5)]
    # To state 3, back to 2 and to 1; the other one the same way; and out on the left, which is terminal.
    assert [paid for paid, _ in played(first, [1, 0, 0])] == pytest.approx([bonus[1]] * 3)
    assert [paid for paid, _ in played(second, [1, 0, 0, 0])] == pytest.approx([*[bonus[2]] * 3, 0.0])
    assert len(guide.visits) == 3


def test_own_rewards_are_paid_too() -> None:
    guide = make_guide("explors", {"exploration": 0.0}, CHAIN)
    env: Any = guide.guided(make_env(CHAIN))
    assert played(env, [1] * 5) == [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1)]


def test_places_can_be_others_than_what_is_observed() -> None:
    options = {"abstraction": "tests.support.abstractions:halves", "self_supervised": False}
    guide: Any = make_guide("explors", options, CHAIN)
    env: Any = guide.guided(make_env(CHAIN))
    assert [paid for paid, _ in played(env, [0, 1, 1])] == pytest.approx([2**-0.5, 3**-0.5, 2**-0.5])
    assert len(guide.visits) == 2


def test_visits_are_counted_by_cells_and_kept() -> None:
    visits = Visits(0.1)
    places = [[0.01, 0.0], [0.09, -0.0], [0.11, 0.0], [-0.01, 0.0], [0.02, 0.05]]
    assert [visits.count(np.array(place)) for place in places] == [1, 2, 1, 1, 3]
    other = Visits(0.1)
    other.restore(visits.state())
    assert [other.count(np.array(place, dtype=np.float32)) for place in places] == [4, 5, 2, 2, 6]
    assert len(Visits(0.1)) == len(Visits(0.1).state()["cells"]) == 0


def episode(action: int, earned: float) -> PlayedEpisode:
    seen = np.eye(3, dtype=np.float32)[[0, 0]]
    return PlayedEpisode(seen, np.full(2, action), np.full(2, earned))


def network() -> RewardNetwork:
    return RewardNetwork(3, 2, np.random.default_rng(0), hidden=16, largest=0.1, rates=(1e-2, 1e-2, 1e-2))


def test_what_earns_more_is_designed_a_reward_for() -> None:
    learner, here = network(), np.eye(3, dtype=np.float32)[0]
    for _ in range(100):
        learner.learn([episode(0, 0.0), episode(1, 1.0)])
    assert 0.05 < learner.reward(here, 1) <= 0.1
    assert -0.1 <= learner.reward(here, 0) < -0.05


def test_nothing_is_designed_before_something_was_earned() -> None:
    learner, here = network(), np.eye(3, dtype=np.float32)[0]
    for _ in range(50):
        learner.learn([episode(0, 0.0), episode(1, 0.0)])
    assert learner.reward(here, 0) == learner.reward(here, 1) == 0


def test_actions_must_be_discrete() -> None:
    settings = EnvConfig(id="teachrl/PointMass-v0")
    with pytest.raises(UsageError, match=r"needs discrete ones; teachrl/PointMass-v0 has Box"):
        make_guide("explors", {}, settings).guided(make_env(settings))


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Blackjack-v1"])
def test_observations_and_actions_of_other_kinds_are_taken(name: str) -> None:
    """Discrete observations, and a tuple of them."""
    settings = EnvConfig(id=name)
    guide: Any = make_guide("explors", {}, settings)
    env = guide.guided(gym.make(name))
    env.action_space.seed(0)
    for seed in range(60):
        env.reset(seed=seed)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            ended = terminated or truncated
        assert np.isfinite(reward)
    guide.update(None)
    assert guide.state()["episodes"] == 60


def chain_returns(guide: Any, folder: Path) -> Any:
    """Own returns of the episodes of PPO on a chain whose end, 30 steps away, chance does not lead to; and judged."""
    options = {"n_steps": 64, "batch_size": 256, "n_epochs": 4, "learning_rate": 1e-3, "ent_coef": 0.01}
    fields: dict[str, Any] = {
        "env": {"id": "teachrl/Chain-v0", "options": {"right": 30, "left": 30, "max_steps": 60}, "n_envs": 8},
        "student": {"name": "ppo", "options": {**options, "normalize_advantage": False}},
        "teacher": "random",
    }
    run = {"steps": 16_000, "evaluate_every": 0, "checkpoint_every": 16_000, "seed": 1, "name": "run"}
    path = train(Experiment.model_validate({**fields, **run, "guide": guide}), folder).path
    return pq.read_table(path / "episodes").sort_by("step")["return"].to_numpy(), evaluate_run(path).mean_return


@pytest.mark.slow
def test_ppo_gets_to_the_far_reward_with_it_and_not_without(tmp_path: Path) -> None:
    returns, judged = chain_returns("explors", tmp_path / "guided")
    assert returns[-50:].mean() > 20
    assert judged > 20
    returns, judged = chain_returns(None, tmp_path / "plain")
    assert returns.max() == judged == 0
