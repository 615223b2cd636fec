"""The tables of docs/methods/designed_rewards.md: ``python -m benchmarks.designed_rewards``. Minutes on one core."""

import statistics

import numpy as np

from teachrl.guides.rewards.explors import ExploRSConfig, train_explors
from teachrl.guides.rewards.exprd import RewardDesigner
from teachrl.guides.rewards.tabular_learners import greedy_policy, q_learning
from teachrl_envs.tabular.chain import chain
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


def main() -> None:
    rooms_tables()
    chain_table()


if __name__ == "__main__":
    main()
