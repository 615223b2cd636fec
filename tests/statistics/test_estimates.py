"""Means with Student's interval, and what no statistic takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_over_runs
from teachrl.statistics.curves import mean_curve, sample_efficiency
from teachrl.statistics.estimates import Estimate, mean_over_runs
from teachrl.statistics.improvement import probability_of_improvement
from teachrl.statistics.profiles import performance_profile
from teachrl.statistics.significance import welch_tests

SCORES = np.random.default_rng(0).random((5, 4))


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


def estimates(runs: int) -> dict[str, list[Estimate]]:
    """Everything that can have an interval, from so many runs of one method against five of another."""
    rng, few = np.random.default_rng(0), SCORES[:runs]
    curves = [([0, 1, 2, 3], row) for row in few]
    return {
        "mean": [mean_over_runs(few[:, 0])],
        "bootstrap": [bootstrap_over_runs(few, interquartile_mean, rng, 50)],
        "bootstrap of tasks": [bootstrap_over_runs(few, np.median, rng, 50, resample_tasks=True)],
        "improvement": [probability_of_improvement(few, SCORES, rng, 50)],
        "improvement of the other": [probability_of_improvement(SCORES, few, rng, 50)],
        "profile": performance_profile(few, [0.2, 0.5], rng, 50),
        "mean curve": mean_curve(curves, [0, 1.5]),
        "sample efficiency": sample_efficiency(few[:, :, None] * [1, 2], rng, 50),
        "welch": [test.difference for test in welch_tests({"few": few[:, 0], "many": SCORES[:, 0]})],
    }


@pytest.mark.parametrize("runs", [1, 2])
def test_fewer_than_three_runs_never_give_an_interval(runs: int) -> None:
    with_three = estimates(3)
    for name, given in estimates(runs).items():
        assert [e.interval for e in given] == [None] * len(given), name
        assert all(np.isfinite(e.value) for e in given), name
        assert all(e.interval is not None for e in with_three[name]), name
    assert mean_over_runs([1]).to_json() == {"value": 1.0, "interval": None}


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.5, float("nan")])
@pytest.mark.parametrize("runs", [2, 5])
def test_a_confidence_is_a_share(confidence: float, runs: int) -> None:
    rng, scores = np.random.default_rng(0), SCORES[:runs]
    calls: list[Callable[..., Any]] = [
        partial(mean_over_runs, scores[:, 0]),
        partial(bootstrap_over_runs, scores, np.mean, rng),
        partial(probability_of_improvement, scores, scores, rng),
        partial(performance_profile, scores, [0.5], rng),
        partial(welch_tests, {"one": scores[:, 0], "two": scores[:, 1]}),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"as 0.95 does"):
            call(confidence=confidence)


def test_what_has_no_statistics_is_an_error() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"of shape \(n,\), one at least; got shape \(0,\)"):
        mean_over_runs([])
    with pytest.raises(UsageError, match="1 of 2 are NaN or infinite"):
        mean_over_runs([1.0, np.nan])
    with pytest.raises(UsageError, match=r"\(runs, tasks\), one at least; got shape \(1,\)"):
        bootstrap_over_runs([1.0], np.mean, rng)
    with pytest.raises(UsageError, match="makes no array"):
        bootstrap_over_runs([[1.0, 2.0], [1.0]], np.mean, rng)
    with pytest.raises(UsageError, match=r"\(runs, tasks, n\)"):
        sample_efficiency(SCORES, rng)
