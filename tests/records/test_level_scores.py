"""Scores of levels against cases computed by hand, and oracle regret against mazes that are really played."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import teachrl_envs  # noqa: F401  (registers the environments)
from teachrl.records.episodes import Episode, Fragment
from teachrl.records.level_scores import (
    SCORES,
    FragmentValues,
    RoundResult,
    learnability,
    max_monte_carlo,
    oracle_regret,
    positive_value_loss,
    round_result,
    same_levels,
    value_l1,
)

ONE, BOTH = np.array([0]), np.array([0, 1])


def episode(env_index: int, value: float, success: bool | None = None) -> Episode:
    return Episode(np.zeros(1), value, value, 1, success, True, "", 0, env_index, 0, 0, 0)


def fragment(rewards: Any, terminated: Any = (), truncated: Any = (), final: Any = None) -> Fragment:
    """Of shape ``(T, N)``; the steps at which episodes end are given as pairs (step, environment)."""
    rewards = np.array(rewards, dtype=np.float64)
    ends = [np.zeros(rewards.shape, dtype=np.bool_) for _ in range(2)]
    for array, places in zip(ends, (terminated, truncated), strict=True):
        for place in places:
            array[place] = True
    seen = np.zeros((*rewards.shape, 1))
    starts = np.zeros(rewards.shape, dtype=np.bool_)
    return Fragment(seen, seen, rewards, *ends, starts, seen[0], starts[0], final or {})


def played(advantages: Any = ((0.0,),), values: Any = ((0.0,),), *episodes: Episode) -> RoundResult:
    return RoundResult(np.array(values, dtype=np.float64), np.array(advantages, dtype=np.float64), episodes)


def advantages(values: Any, last: Any, discount: float, gae_lambda: float, final: Any = None, **ends: Any) -> Any:
    values = np.array(values, dtype=np.float64)
    estimates = FragmentValues(values, np.array(last), final or {})
    return (
        round_result(fragment(np.ones(values.shape), **ends), estimates, discount, gae_lambda).advantages[:, 0].tolist()
    )


def test_advantages_are_those_of_generalised_advantage_estimation() -> None:
    # Errors from the end: 1 + 0.5 * 8 - 2 = 3; 1 + 0.5 * 2 - 4 = -2; carried with 0.5 * 0.5.
    assert advantages([[4.0], [2.0]], [8.0], 0.5, 0.5) == [-2 + 0.25 * 3, 3.0]


def test_a_terminated_episode_ends_in_nothing() -> None:
    assert advantages([[4.0], [2.0]], [8.0], 0.5, 0.5, terminated=[(1, 0)]) == [-2 + 0.25 * -1, -1.0]
    # What comes after the end does not leak into what came before.
    assert advantages([[4.0], [2.0]], [8.0], 0.5, 0.5, terminated=[(0, 0)]) == [-3.0, 3.0]


def test_a_truncated_episode_goes_on_with_the_value_of_its_own_last_observation() -> None:
    cut = advantages([[4.0], [2.0]], [8.0], 0.5, 0.5, {(0, 0): 6.0}, truncated=[(0, 0)])
    assert cut == [1 + 0.5 * 6 - 4, 3.0]  # neither 2, the value after the reset, nor 0
    both = advantages([[4.0], [2.0]], [8.0], 0.5, 0.5, {(0, 0): 6.0}, truncated=[(0, 0)], terminated=[(0, 0)])
    assert both[0] == -3.0


def test_the_end_of_the_fragment_is_a_truncation_too() -> None:
    assert advantages([[4.0]], [8.0], 0.5, 0.5) == [1 + 0.5 * 8 - 4]
    # At the very last step the episode's own observation counts, and not the first one of the next episode.
    assert advantages([[4.0]], [8.0], 0.5, 0.5, {(0, 0): 6.0}, truncated=[(0, 0)]) == [1 + 0.5 * 6 - 4]


def test_value_losses_are_means_over_all_steps_of_a_level() -> None:
    seen = played([[1.0, -4.0], [-3.0, 2.0]])
    assert positive_value_loss(seen, ONE) == 0.5
    assert value_l1(seen, ONE) == 2.0
    # The same level in both environments has one score, over all its steps.
    assert positive_value_loss(seen, BOTH) == 0.75
    assert value_l1(seen, BOTH) == 2.5


def test_max_monte_carlo_takes_the_best_return_that_the_level_ever_paid() -> None:
    seen = played([[0.0, 0.0]] * 2, [[0.2, 0.4], [0.0, 0.6]], episode(0, 0.5), episode(1, 0.9), episode(0, 0.3))
    assert max_monte_carlo(seen, ONE) == pytest.approx(0.5 - 0.1)
    assert max_monte_carlo(seen, BOTH) == pytest.approx(0.9 - 0.3)
    assert max_monte_carlo(seen, ONE, best_return=0.8) == pytest.approx(0.8 - 0.1)
    assert max_monte_carlo(seen, ONE, best_return=0.1) == pytest.approx(0.5 - 0.1)
    nothing_ended = played([[0.0]], [[0.25]])
    assert max_monte_carlo(nothing_ended, ONE) is None
    assert max_monte_carlo(nothing_ended, ONE, best_return=-1.0) == -1.25


@pytest.mark.parametrize(("successes", "expected"), [([True] * 3, 0.0), ([False], 0.0), ([True, False], 0.25),
                                                     ([True, False, False, False], 0.1875)])  # fmt: skip
def test_learnability_is_highest_where_half_the_episodes_succeed(successes: list[bool], expected: float) -> None:
    seen = played([[0.0, 0.0]], [[0.0, 0.0]], *(episode(0, 0.0, s) for s in successes), episode(1, 0.0, True))
    assert learnability(seen, ONE) == pytest.approx(expected)


def test_learnability_of_a_level_is_over_all_environments_and_only_over_episodes_that_ended() -> None:
    seen = played([[0.0, 0.0]], [[0.0, 0.0]], episode(0, 0.0, True), episode(1, 0.0, False))
    assert learnability(seen, BOTH) == 0.25
    assert learnability(seen, np.array([2])) is None
    assert learnability(played([[0.0]], [[0.0]], episode(0, 0.0)), ONE) is None


def test_every_score_takes_the_same_arguments() -> None:
    seen = played([[1.0]], [[0.5]], episode(0, 1.0, True))
    assert {name: score.compute(seen, ONE, 2.0) for name, score in SCORES.items()} == {
        "positive_value_loss": 1.0,
        "value_l1": 1.0,
        "max_monte_carlo": 1.5,
        "learnability": 0.0,
        "oracle_regret": 1.0,
    }
    assert {name: score.needs for name, score in SCORES.items() if score.needs is not None} == {
        "learnability": "success",
        "oracle_regret": "optimal_return",
    }


def test_equal_levels_are_found_in_order() -> None:
    tasks = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    assert [e.tolist() for e in same_levels(tasks)] == [[0, 2], [1], [3]]


def way_to_the_goal(space: Any, vector: Any) -> list[int]:
    """The fewest actions, by a search of its own: over whole mazes, turned and stepped one action at a time."""
    level = space.level(vector)
    start = (level.agent // level.width, level.agent % level.width, level.direction)
    queue, came_by = deque([start]), {start: []}
    while queue:
        row, column, direction = state = queue.popleft()
        ahead = (row + (0, 1, 0, -1)[direction], column + (1, 0, -1, 0)[direction])
        free = 0 <= ahead[0] < level.height and 0 <= ahead[1] < level.width and not level.walls[ahead]
        if free and ahead[0] * level.width + ahead[1] == level.goal:
            return [*came_by[state], 2]
        turns = [(row, column, (direction - 1) % 4), (row, column, (direction + 1) % 4)]
        for action, following in enumerate([*turns, (*ahead, direction) if free else state]):
            if following not in came_by:
                came_by[following] = [*came_by[state], action]
                queue.append(following)
    raise AssertionError("the maze cannot be solved")


def test_oracle_regret_is_zero_for_who_goes_the_shortest_way_and_positive_for_who_turns_once_more() -> None:
    env = gym.make("teachrl/Maze-v0", height=5, width=5, max_steps=40)
    space = env.unwrapped.task_space  # type: ignore[attr-defined]
    levels = space.sample(np.random.default_rng(0), 40)
    for vector in levels[space.is_solvable(levels)][:10]:
        way, optimal = way_to_the_goal(space, vector), float(space.optimal_return(vector[None])[0])
        for detour, regret in (([], 0.0), ([0, 1], 2 * 0.9 / 40)):
            env.reset(seed=0, options={"task": space.task(vector)})
            total, ended = 0.0, False
            for action in [*detour, *way]:
                assert not ended
                _, reward, ended, _, _ = env.step(np.int64(action))
                total += float(reward)
            assert ended
            found = oracle_regret(played([[0.0]], [[0.0]], episode(0, total)), ONE, optimal)
            assert found == pytest.approx(regret, abs=1e-12)


def test_oracle_regret_is_of_the_mean_return_and_unknown_while_nothing_ended() -> None:
    seen = played([[0.0, 0.0]], [[0.0, 0.0]], episode(0, 0.5), episode(0, 0.0), episode(1, 1.0))
    assert oracle_regret(seen, ONE, 0.9) == pytest.approx(0.65)
    assert oracle_regret(seen, np.array([2]), 0.9) is None
    assert oracle_regret(seen, ONE, None) is None
