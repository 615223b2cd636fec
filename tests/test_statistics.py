"""Statistics against worked values and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.statistics import (
    bootstrap_over_runs,
    conditional_value_at_risk,
    interquartile_mean,
    mean_over_runs,
    worst,
)


def test_students_interval_of_a_worked_example() -> None:
    # Mean 3, standard deviation sqrt(2.5), and 2.776 is the 97.5 % quantile with four degrees of freedom.
    estimate = mean_over_runs([1, 2, 3, 4, 5])
    half = 2.7764451 * np.sqrt(2.5 / 5)
    assert estimate.value == 3
    assert estimate.interval == pytest.approx((3 - half, 3 + half))
    assert estimate.to_json() == {"value": 3.0, "interval": pytest.approx([3 - half, 3 + half])}
    narrow = mean_over_runs([1, 2, 3, 4, 5], confidence=0.5).interval
    assert narrow == pytest.approx((3 - 0.7406971 * np.sqrt(0.5), 3 + 0.7406971 * np.sqrt(0.5)))


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(2.0, 3.0, size=(2000, 4))
    covered = 0
    for sample in samples:
        low, high = mean_over_runs(sample, confidence=0.8).interval or (0, 0)
        covered += low <= 2.0 <= high
    assert covered / len(samples) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([5], 5), ([0, 1, 2, 100], 1.5), ([0, 1, 2, 3, 100], 2), ([[0, 9, 2, 3], [4, 5, 6, 7]], 4.5)],
)
def test_interquartile_mean_leaves_out_a_quarter_on_each_side(scores: list[float], expected: float) -> None:
    assert interquartile_mean(scores) == pytest.approx(expected)


def test_the_bootstrap_against_all_possible_draws() -> None:
    scores = np.array([[0.0, 10.0], [1.0, 20.0], [5.0, 60.0]])
    columns = [list(itertools.product(scores[:, task], repeat=3)) for task in range(2)]
    exact = [np.mean([one, two]) for one in columns[0] for two in columns[1]]
    estimate = bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), draws=20_000, confidence=0.8)
    assert estimate.value == scores.mean()
    assert estimate.interval == pytest.approx(np.quantile(exact, [0.1, 0.9]), abs=0.4)


def test_scores_never_move_to_another_task() -> None:
    scores = np.array([[0.0, 100.0]] * 3)
    assert bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), draws=50).interval == (50.0, 50.0)


def test_two_runs_give_no_interval() -> None:
    assert mean_over_runs([1, 2]).interval is None
    assert mean_over_runs([1]).value == 1
    scores = np.array([[1.0, 2.0], [3.0, 4.0]])
    estimate = bootstrap_over_runs(scores, interquartile_mean, np.random.default_rng(0))
    assert (estimate.value, estimate.interval) == (2.5, None)


def test_the_same_generator_gives_the_same_interval() -> None:
    scores = np.random.default_rng(1).random((5, 8))
    one, two, other = (
        bootstrap_over_runs(scores, interquartile_mean, np.random.default_rng(seed), draws=200) for seed in (0, 0, 1)
    )
    assert one == two != other


def test_the_worst_are_chosen_by_one_set_of_episodes_and_judged_by_another() -> None:
    selection, estimates = [0.5, 0.1, 0.9, 0.1], [0.6, 0.2, 0.0, 0.4]
    assert worst(selection, 0.5).tolist() == [1, 3]
    assert conditional_value_at_risk(selection, estimates, 0.5) == pytest.approx(0.3)
    assert conditional_value_at_risk(selection, estimates, 0.25) == pytest.approx(0.2)
    assert conditional_value_at_risk(selection, estimates, 1.0) == pytest.approx(0.3)


def test_chosen_by_their_own_episodes_the_worst_look_too_bad() -> None:
    rng = np.random.default_rng(0)
    one, two = (rng.binomial(10, 0.7, size=2000) / 10 for _ in range(2))
    assert conditional_value_at_risk(one, one, 0.05) < 0.45
    assert conditional_value_at_risk(one, two, 0.05) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(("n", "share", "count"), [(100, 0.07, 7), (100, 0.001, 1), (1000, 0.001, 1), (10, 0.11, 2)])
def test_a_share_takes_enough_levels_and_no_more(n: int, share: float, count: int) -> None:
    assert len(worst(np.zeros(n), share)) == count


def test_what_has_no_statistics_is_an_error() -> None:
    for share in (0, 1.5, -0.1):
        with pytest.raises(UsageError, match="a share of the levels is above 0"):
            worst([1.0], share)
    with pytest.raises(UsageError, match=r"of shape \(n,\)"):
        mean_over_runs([])
    with pytest.raises(UsageError, match="finite"):
        mean_over_runs([1.0, np.nan])
    with pytest.raises(UsageError, match=r"\(runs, tasks\)"):
        bootstrap_over_runs([1.0], np.mean, np.random.default_rng(0))
