"""The tables of docs/methods/designed_rewards.md: ``python -m benchmarks.designed_rewards``. Minutes on one core.

With the names of tables (``rooms``, ``chain``, ``line``, ``adaptive``, ``ppo``), only those.
"""

import statistics
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tabular_rewards.explors import ExploRSConfig, train_explors
from benchmarks.tabular_rewards.learners import Player, SoftmaxPolicy, TabularEpisode, greedy_policy, q_learning
from teachrl.config.experiment import Experiment
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.guides.rewards.adaptive import AdaptiveDesigner
from teachrl.guides.rewards.exprd import RewardDesigner
from teachrl.training.run import train
from teachrl_envs.tabular.chain import chain
from teachrl_envs.tabular.line_key import BINS, line_key
from teachrl_envs.tabular.mdp import Numbers
from teachrl_envs.tabular.rooms_nav import START, cell, rooms

MOST_EPISODES = 4_000
ROOMS = rooms()
BEST = ROOMS.optimal_values()


def episodes_needed(rewards: Numbers, seed: int) -> int:
    """Until the greedy policy earns 90 % of the best from the start, looked at every ten episodes."""
    reached = [MOST_EPISODES]

    def good(number: int, values: Numbers) -> bool:
        earned = ROOMS.policy_values(greedy_policy(values)) if number % 10 == 0 else np.zeros_like(BEST)
        if earned[cell(*START)] >= 0.9 * BEST[cell(*START)]:
            reached[0] = number
            return True
        return False

    q_learning(ROOMS, rewards, MOST_EPISODES, 50, np.random.default_rng(seed), on_episode=good)
    return reached[0]


def rooms_tables() -> None:
    designs = RewardDesigner(ROOMS).greedy(5)
    for design in designs:
        print(f"budget {len(design.states)}: states {design.states}, informativeness {design.informativeness:.4f}")
    shaped = ROOMS.rewards + ROOMS.discount * ROOMS.transitions @ BEST - BEST[:, None]
    shaped[ROOMS.terminal] = 0
    kinds = {
        "the environment's own": ROOMS.rewards,
        "shaped": shaped,
        "EXPRD, budget 3": designs[3].rewards,
        "EXPRD, budget 5": designs[5].rewards,
        "EXPRD, budget 5, thrift 0.0001": RewardDesigner(ROOMS, thrift=1e-4).greedy(5)[-1].rewards,
    }
    for name, rewards in kinds.items():
        needed = [episodes_needed(rewards, seed) for seed in range(8)]
        print(f"{name}: median {statistics.median(needed):g}, {min(needed)} to {max(needed)} episodes")


def chain_table() -> None:
    kinds = {
        "ExploRS": ExploRSConfig(),
        "self-supervised alone": ExploRSConfig(exploration=0.0),
        "bonus alone": ExploRSConfig(self_supervised=False),
        "neither": ExploRSConfig(self_supervised=False, exploration=0.0),
    }
    for name, config in kinds.items():
        earned = [train_explors(chain(), 10_000, 40, np.random.default_rng(seed), config) for seed in range(3)]
        for low in (4_000, 6_000, 9_000):
            means = ", ".join(f"{one[low : low + 1_000].mean():.2f}" for one in earned)
            print(f"{name}, episodes {low:,} to {low + 1_000:,}: {means}")


def line_table() -> None:
    """Q-learning on the line in 100 bins, from rewards that were designed on it in 20."""
    coarse, fine = line_key(), line_key(5 * BINS)
    values = coarse.optimal_values()
    shaped = coarse.rewards + coarse.discount * coarse.transitions @ values - values[:, None]
    shaped[coarse.terminal] = 0
    designs = RewardDesigner(coarse).greedy(5)
    print(f"line: budget 5, states {designs[-1].states}, informativeness {designs[-1].informativeness:.4f}")
    kinds = {"the environment's own": coarse.rewards, "shaped": shaped, "EXPRD, budget 5": designs[-1].rewards}
    for name, rewards in kinds.items():
        spread = np.concatenate([rewards[: 2 * BINS].repeat(5, axis=0), rewards[2 * BINS :]])
        for episodes in (500, 2_000):
            learnt = [q_learning(fine, spread, episodes, 50, np.random.default_rng(seed)) for seed in range(8)]
            worth = sorted(fine.policy_values(greedy_policy(values))[5 * BINS // 2] for values in learnt)
            print(f"line, {name}, {episodes} episodes: {', '.join(f'{value:.2f}' for value in worth)}")


def adaptive_table() -> None:
    """What REINFORCE earns after 500 episodes in the rooms, from rewards designed once and again and again."""
    designer = AdaptiveDesigner(ROOMS)
    once = designer.design(np.full(ROOMS.rewards.shape, 1 / 4))
    exprd = RewardDesigner(ROOMS).greedy(5)[-1].rewards
    kinds: dict[str, tuple[Numbers, int]] = {
        "own": (ROOMS.rewards, 0),
        "EXPRD, budget 5": (exprd, 0),
        "once": (once, 0),
        "every 50": (once, 50),
        "every 5": (once, 5),
    }
    for name, (rewards, every) in kinds.items():
        worth = [_reinforced(designer, rewards, every, seed) for seed in range(8)]
        print(f"adaptive, {name}: median {statistics.median(worth):.2f}, {min(worth):.2f} to {max(worth):.2f}")


def _reinforced(designer: AdaptiveDesigner, rewards: Numbers, every: int, seed: int) -> float:
    learner, player, rng = SoftmaxPolicy(*rewards.shape, 0.1), Player(ROOMS, 50), np.random.default_rng(seed)
    recent: deque[TabularEpisode] = deque(maxlen=5)
    for number in range(500):
        if every and number % every == 0:
            rewards = designer.design(learner.probabilities)
        recent.append(player.play(learner.probabilities, rng))
        if number % 2:
            paid = [one.returns(ROOMS.discount, rewards[one.states[:-1], one.actions]) for one in recent]
            learner.learn(list(recent), paid)
    return float(ROOMS.policy_values(learner.probabilities)[cell(*START)])


def ppo_table() -> None:
    """What PPO earns at the end of 40,000 steps on a chain whose end is 30 steps away, judged without any help."""
    kinds: dict[str, Any] = {
        "plain": None,
        "explors": {"name": "explors"},
        "bonus alone": {"name": "explors", "options": {"self_supervised": False}},
        "self-supervised alone": {"name": "explors", "options": {"exploration": 0}},
    }
    options = {"n_steps": 64, "batch_size": 256, "n_epochs": 4, "learning_rate": 1e-3, "ent_coef": 0.01}
    fields: dict[str, Any] = {
        "env": {"id": "teachrl/Chain-v0", "options": {"right": 30, "left": 30, "max_steps": 60}, "n_envs": 8},
        "student": {"name": "ppo", "options": {**options, "normalize_advantage": False}},
        "teacher": "random",
        "steps": 40_000,
        "evaluate_every": 0,
    }
    for name, guide in kinds.items():
        earned = []
        for seed in range(5):
            with tempfile.TemporaryDirectory() as folder:
                chosen = Experiment.model_validate({**fields, "guide": guide, "seed": seed})
                earned.append(evaluate_run(train(chosen, Path(folder)).path).mean_return)
        print(f"PPO, {name}: {', '.join(f'{value:.1f}' for value in earned)}")


def main() -> None:
    tables = {"rooms": rooms_tables, "chain": chain_table, "line": line_table, "adaptive": adaptive_table}
    tables["ppo"] = ppo_table
    for name in sys.argv[1:] or tables:
        tables[name]()


if __name__ == "__main__":
    main()
