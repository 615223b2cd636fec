"""The level buffer: who is replayed how often, who has to go, and that nothing is lost in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachrl.files import read_tree, write_tree
from teachrl.teachers.level_replay.level_buffer import (
    LevelBuffer,
    Origin,
    ReplayRule,
    draw,
    offer,
    replay_probabilities,
    score_weights,
)

BY_SCORE = ReplayRule("rank", temperature=1.0, staleness_coefficient=0.0)


def buffer_of(scores: Any, capacity: int | None = None) -> LevelBuffer:
    """Level ``[i]`` with score ``scores[i]`` and number ``i``."""
    buffer = LevelBuffer.empty(capacity or len(scores), 1)
    for i, score in enumerate(scores):
        offer(buffer, BY_SCORE, np.array([float(i)]), score, score, Origin(i))
    return buffer


def played_last(scores: Any, clock: int, last: Any) -> LevelBuffer:
    buffer = buffer_of(scores)
    buffer.clock, buffer.last_played[:] = clock, last
    return buffer


def test_rank_goes_by_place_and_not_by_size() -> None:
    weights = score_weights(np.array([5.0, 1e9, 7.0]), ReplayRule("rank", temperature=1.0))
    assert weights == pytest.approx(np.array([1 / 3, 1, 1 / 2]) / (1 + 1 / 2 + 1 / 3))


def test_temperature_divides_the_exponent() -> None:
    weights = score_weights(np.array([0.0, 1.0]), ReplayRule("rank", temperature=0.5))
    assert weights == pytest.approx([1 / 5, 4 / 5])  # (1/2)^2 to 1^2: neither (1/2)^0.5 nor (1/2)/0.5
    weights = score_weights(np.array([1.0, 2.0]), ReplayRule("power", temperature=0.5))
    assert weights == pytest.approx([1 / 5, 4 / 5])


def test_equal_scores_have_ranks_in_the_order_of_the_rows() -> None:
    weights = score_weights(np.array([2.0, 2.0, 3.0]), ReplayRule("rank", temperature=1.0))
    assert weights == pytest.approx(np.array([1 / 2, 1 / 3, 1]) / (1 + 1 / 2 + 1 / 3))


@pytest.mark.parametrize("scores", [[0.5, -np.inf, 0.25], [0.5, -1.0, 0.25]])
def test_scores_below_zero_are_the_last_in_rank_and_nothing_by_power(scores: list[float]) -> None:
    by_rank = score_weights(np.array(scores), ReplayRule("rank", temperature=1.0))
    assert by_rank == pytest.approx(np.array([1, 1 / 3, 1 / 2]) / (1 + 1 / 2 + 1 / 3))
    assert score_weights(np.array(scores), ReplayRule("power", temperature=1.0)) == pytest.approx([2 / 3, 0, 1 / 3])


def test_power_is_uniform_when_no_score_is_positive() -> None:
    assert score_weights(np.array([-1.0, -np.inf, 0.0, -2.0]), ReplayRule("power")) == pytest.approx([0.25] * 4)


def test_top_k_shares_alike_among_the_highest() -> None:
    scores = np.array([1.0, 4.0, 3.0, 2.0])
    assert score_weights(scores, ReplayRule("top_k", top_k=2)) == pytest.approx([0, 0.5, 0.5, 0])
    assert score_weights(scores, ReplayRule("top_k", top_k=9)) == pytest.approx([0.25] * 4)


def test_uniform_asks_for_no_score() -> None:
    assert score_weights(np.array([1.0, 9.0]), ReplayRule("uniform")) == pytest.approx([0.5, 0.5])


def test_staleness_has_its_share() -> None:
    buffer = played_last([1.0, 2.0], clock=4, last=[1, 3])  # not played for 3 and for 1 draws
    probabilities = replay_probabilities(buffer, ReplayRule("rank", temperature=1.0, staleness_coefficient=0.3))
    assert probabilities == pytest.approx([0.7 / 3 + 0.3 * 3 / 4, 0.7 * 2 / 3 + 0.3 / 4])


def test_staleness_is_shared_alike_when_all_were_just_played() -> None:
    rule = ReplayRule("rank", temperature=1.0, staleness_coefficient=1.0)
    assert replay_probabilities(buffer_of([1.0, 2.0, 3.0, 4.0]), rule) == pytest.approx([0.25] * 4)


def test_a_single_level_is_always_replayed() -> None:
    buffer = buffer_of([-3.0], capacity=10)
    draws = draw(buffer, ReplayRule(), np.random.default_rng(0), 3)
    assert draws.rows.tolist() == [0, 0, 0]
    assert draws.probabilities.tolist() == [1.0, 1.0, 1.0]


def test_each_draw_makes_one_level_fresh_and_all_others_older() -> None:
    buffer = buffer_of([3.0, 2.0, 1.0])
    ages = np.zeros(3)
    draws = draw(buffer, ReplayRule(staleness_coefficient=0.5), np.random.default_rng(0), 50)
    for row, age in zip(draws.rows, draws.staleness, strict=True):
        assert age == ages[row]
        ages += 1
        ages[row] = 0
    assert buffer.staleness().tolist() == ages.tolist()


def test_draws_have_the_probabilities_that_they_say() -> None:
    buffer = buffer_of([3.0, 2.0, 1.0])
    draws = draw(buffer, ReplayRule("rank", 1.0, staleness_coefficient=0.0), np.random.default_rng(0), 6000)
    share = np.bincount(draws.rows, minlength=3) / 6000
    assert share == pytest.approx(np.array([1, 1 / 2, 1 / 3]) / (1 + 1 / 2 + 1 / 3), abs=0.02)
    assert draws.probabilities == pytest.approx(replay_probabilities(buffer, BY_SCORE)[draws.rows])


def test_a_full_buffer_gives_up_the_level_least_likely_to_be_replayed() -> None:
    buffer = buffer_of([3.0, 1.0, 2.0])
    assert not offer(buffer, BY_SCORE, np.array([10.0]), 0.9, 0.0, Origin(10))
    assert offer(buffer, BY_SCORE, np.array([11.0]), 1.0, 0.0, Origin(11, parent=2, generation=4))  # as good is enough
    assert buffer.levels[:, 0].tolist() == [0.0, 11.0, 2.0]
    assert buffer.row_of(np.array([1.0])) is None
    assert buffer.row_of(np.array([11.0])) == 1
    assert buffer.origin(1) == Origin(11, 2, 4)
    # Age protects: the worst by score has not been played for long, the second worst has just been.
    old = played_last([3.0, 1.0, 2.0], clock=100, last=[100, 0, 100])
    assert offer(old, ReplayRule(staleness_coefficient=0.9), np.array([12.0]), 2.5, 0.0, Origin(12))
    assert old.levels[:, 0].tolist() == [0.0, 1.0, 12.0]


def test_a_level_that_has_gone_leaves_no_best_return_behind() -> None:
    buffer = buffer_of([1.0])
    offer(buffer, BY_SCORE, np.array([5.0]), 2.0, np.nan, Origin(1))
    offer(buffer, BY_SCORE, np.array([0.0]), 3.0, np.nan, Origin(2))
    assert np.isnan(buffer.best_returns[0])


rules = st.builds(
    ReplayRule,
    st.sampled_from(["rank", "power", "top_k", "uniform"]),
    st.floats(0.01, 10),
    st.floats(0, 1),
    st.integers(1, 5),
)
scores = st.one_of(st.floats(-1e9, 1e9), st.just(-np.inf), st.sampled_from([0.0, 1e-300, 1e300]))


@settings(max_examples=100, deadline=None)
@given(rules, st.lists(scores, min_size=1, max_size=12), st.integers(0, 20), st.integers(0, 2**31))
def test_probabilities_are_probabilities(rule: ReplayRule, values: list[float], draws: int, seed: int) -> None:
    buffer = buffer_of(values)
    draw(buffer, rule, np.random.default_rng(seed), draws)
    probabilities = replay_probabilities(buffer, rule)
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1.0)


@settings(max_examples=50, deadline=None)
@given(rules, st.lists(st.tuples(st.integers(0, 15), st.floats(-1, 1)), max_size=40), st.integers(1, 6))
def test_levels_stay_different_and_capacity_is_kept(rule: ReplayRule, offers: Any, capacity: int) -> None:
    buffer = LevelBuffer.empty(capacity, 1)
    for i, (level, score) in enumerate(offers):
        if buffer.row_of(np.array([float(level)])) is None:
            offer(buffer, rule, np.array([float(level)]), score, score, Origin(i))
        if buffer.filled:
            draw(buffer, rule, np.random.default_rng(i), 1)
    kept = buffer.levels[: buffer.filled, 0].tolist()
    assert len(kept) == len(set(kept)) <= capacity
    assert [buffer.row_of(np.array([level])) for level in kept] == list(range(len(kept)))
    assert (buffer.staleness() >= 0).all()


@pytest.mark.parametrize("levels", [0, 3, 5])
def test_a_restored_buffer_goes_on_identically(levels: int, tmp_path: Path) -> None:
    buffer = buffer_of([0.5, 0.1, 0.7, 0.2, 0.9][:levels], capacity=5)
    rule = ReplayRule(staleness_coefficient=0.4)
    if levels:
        draw(buffer, rule, np.random.default_rng(0), 7)
    write_tree(tmp_path / "buffer.npz", buffer.state())
    restored = LevelBuffer.from_state(read_tree(tmp_path / "buffer.npz"))
    assert (restored.filled, restored.capacity) == (levels, 5)
    for one in (buffer, restored):
        for i in range(3):
            offer(one, rule, np.array([100.0 + i]), 0.3, np.nan, Origin(100 + i, 2, 1))
    draws = [draw(one, rule, np.random.default_rng(1), 30) for one in (buffer, restored)]
    assert np.array_equal(draws[0].rows, draws[1].rows)
    for name, value in buffer.state().items():
        assert np.array_equal(value, restored.state()[name], equal_nan=name == "best_returns")
    assert [restored.row_of(level) for level in restored.levels[: restored.filled]] == list(range(restored.filled))


def test_a_saved_buffer_does_not_change_with_the_living_one() -> None:
    buffer = buffer_of([1.0, 2.0])
    state = buffer.state()
    draw(buffer, BY_SCORE, np.random.default_rng(0), 3)
    buffer.scores[0] = 9.0
    assert state["scores"].tolist() == [1.0, 2.0]
    assert state["clock"] == 0
