"""Welch's test, Holm's correction and Hedges' g against published and worked values."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from teachrl.errors import UsageError
from teachrl.statistics.significance import hedges_g, holm_correction, welch_tests

# Examples with p values of 15 digits, from https://rosettacode.org/wiki/Welch%27s_t-test.
PUBLISHED = [
    (
        "27.5 21.0 19.0 23.6 17.0 17.9 16.9 20.1 21.9 22.6 23.1 19.6 19.0 21.7 21.4",
        "27.1 22.0 20.8 23.4 23.4 23.5 25.8 22.0 24.8 20.2 21.9 22.1 22.9 20.5 24.4",
        0.021378001462867,
    ),
    (
        "17.2 20.9 22.6 18.1 21.7 21.4 23.5 24.2 14.7 21.8",
        "21.5 22.8 21.0 23.0 21.6 23.6 22.5 20.7 23.4 21.8 20.7 21.7 21.5 22.5 23.6 21.5 22.5 23.5 21.5 21.8",
        0.148841696605327,
    ),
    (
        "19.8 20.4 19.6 17.8 18.5 18.9 18.3 18.9 19.5 22.0",
        "28.2 26.6 20.1 23.3 25.2 22.1 17.7 27.6 20.6 13.7 23.2 17.5 20.6 18.0 23.9 21.6 24.3 20.4 24.0 13.2",
        0.0359722710297968,
    ),
]
scores = st.integers(-1000, 1000).map(lambda n: n / 8)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split()]


@pytest.mark.parametrize(("first", "second", "p"), PUBLISHED)
def test_welchs_test_of_published_examples(first: str, second: str, p: float) -> None:
    one, two = numbers(first), numbers(second)
    (test,) = welch_tests({"one": one, "two": two})
    assert test.p == pytest.approx(p, rel=1e-12)
    assert test.p_holm == test.p
    (back,) = welch_tests({"two": two, "one": one})
    assert (back.first, back.second, back.p) == ("two", "one", pytest.approx(test.p))
    assert (back.t, back.effect) == (pytest.approx(-(test.t or 0)), pytest.approx(-(test.effect or 0)))


def test_welchs_test_by_hand() -> None:
    # Means 2 and 6, variances 1 and 16 over three runs each: t = -4 / sqrt(17 / 3),
    # and (17 / 3)^2 / ((1 / 3)^2 / 2 + (16 / 3)^2 / 2) = 578 / 257 degrees of freedom.
    (test,) = welch_tests({"a": [1, 2, 3], "b": [2, 6, 10]})
    assert test.difference.value == -4
    assert test.t == pytest.approx(-4 / math.sqrt(17 / 3))
    assert test.degrees_of_freedom == pytest.approx(578 / 257)
    assert test.difference.interval is not None
    assert np.mean(test.difference.interval) == pytest.approx(-4)
    assert json.loads(json.dumps(test.to_json()))["difference"]["interval"] == list(test.difference.interval)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's, about its own moments
@given(st.lists(scores, min_size=3, max_size=8), st.lists(scores, min_size=3, max_size=8))
def test_welchs_test_is_scipys(one: list[float], two: list[float]) -> None:
    (test,) = welch_tests({"one": one, "two": two}, 0.9)
    if test.p is None:
        assert len(set(one)) == len(set(two)) == 1
        return
    expected = stats.ttest_ind(one, two, equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert (test.t, test.degrees_of_freedom) == pytest.approx((expected.statistic, expected.df), rel=1e-6)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert test.difference.interval == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_the_interval_ends_at_zero_where_p_is_what_confidence_leaves() -> None:
    one, two, p = PUBLISHED[0]
    (test,) = welch_tests({"one": numbers(one), "two": numbers(two)}, confidence=1 - p)
    assert test.difference.interval is not None
    assert test.difference.interval[1] == pytest.approx(0, abs=1e-9)


def test_few_runs_are_said_and_leave_the_other_pairs_alone() -> None:
    rng = np.random.default_rng(0)
    methods = {"a": rng.normal(0, 1, 5), "few": [1.0, 2.0], "b": rng.normal(1, 1, 6), "c": rng.normal(0, 2, 5)}
    tests = {(test.first, test.second): test for test in welch_tests(methods)}
    pairs = [("a", "few"), ("a", "b"), ("a", "c"), ("few", "b"), ("few", "c"), ("b", "c")]
    assert list(tests) == pairs
    without = {(test.first, test.second): test for test in welch_tests({k: methods[k] for k in ("a", "b", "c")})}
    for pair, test in tests.items():
        if "few" in pair:
            assert (test.t, test.p, test.p_holm, test.effect, test.difference.interval) == (None,) * 5
            assert "it needs 3 runs of each method" in test.note
        else:
            assert test == without[pair]
    assert "5 and 2 runs" in tests["a", "few"].note


def test_runs_without_any_spread_have_no_test() -> None:
    same, constant = welch_tests({"a": [1, 1, 1], "b": [2, 2, 2], "c": [1, 2, 4]})[:2]
    assert (same.p, same.effect, same.difference.value) == (None, None, -1)
    assert "gave the same" in same.note
    # Without spread in a, all that is uncertain is c: the test of one sample against 1, with two degrees of freedom.
    expected = stats.ttest_1samp([1, 2, 4], 1)
    assert (constant.t, constant.degrees_of_freedom) == (pytest.approx(-expected.statistic), pytest.approx(2))
    assert (constant.p, constant.note) == (pytest.approx(expected.pvalue), "")
    (tiny,) = welch_tests({"a": [0, 0, 1e-200], "b": [0.1, 0.1, 0.1]})
    assert (tiny.p, tiny.effect) == (None, None)


def test_too_few_methods_are_an_error() -> None:
    with pytest.raises(UsageError, match="two methods at least; got alone"):
        welch_tests({"alone": [1, 2, 3]})
    with pytest.raises(UsageError, match="scores of 'b' are finite numbers"):
        welch_tests({"a": [1, 2, 3], "b": []})


def test_welchs_test_rejects_equals_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(0)
    samples = [(rng.normal(0, 1, 5), rng.normal(0, 4, 10)) for _ in range(1500)]
    p = [test.p for one, two in samples for test in welch_tests({"a": one, "b": two}) if test.p is not None]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.025)


def test_holms_correction_of_a_textbook_example() -> None:
    # The example in Wikipedia's article on the method: at 0.05 the first and the fourth are rejected.
    assert holm_correction([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_correction([]) == []
    assert holm_correction([0.9, 0.8]) == [1, 1]


@given(probabilities, st.floats(0.001, 0.999))
def test_holms_correction_rejects_what_his_steps_reject(p: list[float], level: float) -> None:
    rejected = set[int]()
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        if p[index] * (len(p) - rank) > level:
            break
        rejected.add(int(index))
    assert {i for i, corrected in enumerate(holm_correction(p)) if corrected <= level} == rejected


@given(probabilities)
def test_holms_correction_keeps_the_order_between_the_plain_and_bonferronis(p: list[float]) -> None:
    corrected = holm_correction(p)
    assert all(one <= two <= min(1, one * len(p)) for one, two in zip(p, corrected, strict=True))
    assert (np.diff(np.array(corrected)[np.argsort(p)]) >= 0).all()


def test_p_values_are_shares() -> None:
    for wrong in ([0.5, 1.5], [-0.1], [float("nan")], [[0.5]]):
        with pytest.raises(UsageError, match="p values are numbers from 0 to 1"):
            holm_correction(wrong)


def test_hedges_g_by_hand() -> None:
    # Means 3 and 5, both variances 2.5, eight degrees of freedom: J = 6 / (2 * gamma(3.5)) = 0.9027.
    g = hedges_g([1, 2, 3, 4, 5], [3, 4, 5, 6, 7])
    assert g == pytest.approx(-2 / math.sqrt(2.5) * 3 / math.gamma(3.5))
    assert g == pytest.approx(-2 / math.sqrt(2.5) * 0.9027, abs=1e-4)


def test_hedges_g_is_unbiased_where_cohens_d_is_not() -> None:
    rng = np.random.default_rng(0)
    ones, twos = rng.normal(1, 1, (20_000, 3)), rng.normal(0, 1, (20_000, 3))
    assert np.mean([hedges_g(one, two) for one, two in zip(ones, twos, strict=True)]) == pytest.approx(1, abs=0.03)


def test_an_effect_size_needs_spread() -> None:
    for one, two in (([1.0], [1.0, 2.0]), ([1.0, 1.0], [2.0, 2.0])):
        with pytest.raises(UsageError, match="two runs of each method and some spread"):
            hedges_g(one, two)
