"""The stratified bootstrap against loops and against all possible draws."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from teachrl.errors import UsageError
from teachrl.statistics import bootstrap
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_estimates, bootstrap_over_runs

SCORES = np.random.default_rng(1).random((5, 8))


def median_of_tasks_means(scores: NDArray[np.float64]) -> float:
    return float(np.median(scores.mean(axis=0)))


def test_the_bootstrap_against_all_possible_draws() -> None:
    scores = np.array([[0.0, 10.0], [1.0, 20.0], [5.0, 60.0]])
    columns = [list(itertools.product(scores[:, task], repeat=3)) for task in range(2)]
    exact = [np.mean([one, two]) for one in columns[0] for two in columns[1]]
    estimate = bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), draws=20_000, confidence=0.8)
    assert estimate.value == scores.mean()
    assert estimate.interval == pytest.approx(np.quantile(exact, [0.1, 0.9]), abs=0.4)


def test_drawn_tasks_against_all_possible_draws() -> None:
    scores = np.array([[0.0, 10.0], [1.0, 20.0], [5.0, 60.0]])
    columns = [list(itertools.product(scores[:, task], repeat=3)) for task in range(2)]
    tasks = itertools.product(range(2), repeat=2)
    exact = [np.mean([one, two]) for a, b in tasks for one in columns[a] for two in columns[b]]
    estimate = bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), 20_000, 0.8, resample_tasks=True)
    assert estimate.interval == pytest.approx(np.quantile(exact, [0.1, 0.9]), abs=0.4)


@pytest.mark.parametrize("statistic", [interquartile_mean, np.mean, np.median, np.max, median_of_tasks_means])
def test_many_draws_at_once_are_the_draws_of_a_loop(statistic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = np.random.default_rng(3)
    runs, tasks = SCORES.shape
    drawn = [statistic(SCORES[loop.integers(runs, size=(runs, tasks)), np.arange(tasks)]) for _ in range(101)]
    expected = tuple(np.quantile(drawn, [0.05, 0.95]))
    for at_once in (1, 7 * SCORES.size, 10**6):
        monkeypatch.setattr(bootstrap, "SCORES_AT_ONCE", at_once)
        rng = np.random.default_rng(3)
        assert bootstrap_over_runs(SCORES, statistic, rng, 101, 0.9).interval == pytest.approx(expected, rel=1e-12)
        assert rng.bit_generator.state == loop.bit_generator.state


def test_drawn_tasks_are_the_draws_of_a_loop() -> None:
    loop = np.random.default_rng(3)
    runs, tasks = SCORES.shape
    chosen = loop.integers(tasks, size=(50, 1, tasks))
    run = loop.integers(runs, size=(50, runs, tasks))
    drawn = []
    for k in range(50):
        draw = [[SCORES[run[k, i, j], chosen[k, 0, j]] for j in range(tasks)] for i in range(runs)]
        drawn.append(median_of_tasks_means(np.array(draw)))
    rng = np.random.default_rng(3)
    estimate = bootstrap_over_runs(SCORES, median_of_tasks_means, rng, 50, 0.9, resample_tasks=True)
    assert estimate.interval == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])))


def test_methods_are_drawn_on_the_same_tasks() -> None:
    # The second is the first plus 1, and runs do not differ: on the same tasks the difference is always 1.
    first = np.tile(np.arange(6.0), (4, 1))

    def difference(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([(two - one[:, :3]).mean(axis=(1, 2)), one.mean(axis=(1, 2))], axis=-1)

    rng = np.random.default_rng(0)
    paired, alone = bootstrap_estimates(difference, [first, first[:3] + 1], rng, 200, resample_tasks=True)
    assert paired.interval == (1.0, 1.0)
    assert alone.interval is not None
    assert alone.interval[0] < 2 < 3 < alone.interval[1]


@pytest.mark.parametrize(("runs", "low", "high"), [(3, 0.80, 0.92), (12, 0.91, 0.97)])
def test_intervals_cover_what_they_should_and_with_few_runs_less(runs: int, low: float, high: float) -> None:
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        interval = bootstrap_over_runs(rng.normal(size=(runs, 10)), interquartile_mean, rng, draws=300).interval
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert low < covered / 400 < high


def test_scores_never_move_to_another_task() -> None:
    scores = np.array([[0.0, 100.0]] * 3)
    assert bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), draws=50).interval == (50.0, 50.0)
    with_tasks = bootstrap_over_runs(scores, np.mean, np.random.default_rng(0), draws=200, resample_tasks=True)
    assert with_tasks.interval == (0.0, 100.0)


@pytest.mark.parametrize("resample_tasks", [False, True])
def test_the_same_generator_gives_the_same_interval(resample_tasks: bool) -> None:
    one, two, other = (
        bootstrap_over_runs(SCORES, interquartile_mean, np.random.default_rng(seed), 200, resample_tasks=resample_tasks)
        for seed in (0, 0, 1)
    )
    assert one == two != other


def test_fifty_thousand_draws_are_computed_together_and_quickly() -> None:
    scores, seen = np.random.default_rng(0).random((10, 20)), list[int]()

    def watched(scores: NDArray[np.float64], axis: Any = None) -> Any:
        seen.append(len(scores) if axis is not None else 0)
        return interquartile_mean(scores, axis=axis)

    start = time.process_time()
    bootstrap_over_runs(scores, watched, np.random.default_rng(0), draws=50_000)
    assert time.process_time() - start < 2
    assert sum(seen) == 50_001  # the scores as they are, and the draws
    assert len(seen) < 500


def test_a_bootstrap_that_makes_no_sense_is_an_error() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="one draw at least; got 0"):
        bootstrap_over_runs(SCORES, np.mean, rng, draws=0)

    def forgets_the_axis(scores: NDArray[np.float64], axis: Any = None) -> float:
        return float(scores.mean())

    with pytest.raises(UsageError, match=r"takes axis gives one value a draw"):
        bootstrap_over_runs(SCORES, forgets_the_axis, rng)
