from __future__ import annotations

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.level_vae.sequences import LevelSequences
from teachrl.tasks.spaces import BoxTaskSpace
from teachrl_envs.maze.level import Level
from teachrl_envs.maze.level_space import LevelTaskSpace


def test_a_sequence_is_the_levels_tokens_then_padding() -> None:
    level = Level.from_rows(["#.G", ".#>"])
    tokens = LevelSequences(2, 3, 4).encode(level.vector()[None], np.random.default_rng(0))
    assert tokens.tolist() == [[*level.tokens(), 0, 0]] == [[1, 5, 3, 6, 0, 0]]


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize(("height", "width", "walls"), [(3, 5, 13), (2, 1, 0), (13, 13, 50)])
def test_levels_come_back_from_their_sequences(height: int, width: int, walls: int, in_order: bool) -> None:
    rng = np.random.default_rng(0)
    sequences = LevelSequences(height, width, walls, in_order)
    levels = sequences.sample(rng, 200)
    assert np.array_equal(sequences.decode(sequences.encode(levels, rng)), levels)


def test_without_order_the_walls_are_shuffled_and_goal_and_agent_stay_last() -> None:
    rng = np.random.default_rng(0)
    level = Level.from_rows(["#G>", "###"])
    several = LevelSequences(2, 3, 4, in_order=False).encode(np.repeat(level.vector()[None], 50, axis=0), rng)
    assert {tuple(sorted(walls)) for walls in several[:, :-2].tolist()} == {(1, 4, 5, 6)}
    assert len({tuple(walls) for walls in several[:, :-2].tolist()}) > 10
    assert (several[:, -2:] == [2, 3]).all()


def test_data_have_every_number_of_walls_equally_often() -> None:
    levels = LevelSequences(5, 5, 9).sample(np.random.default_rng(0), 10_000)
    counts = np.bincount(levels[:, :-3].sum(axis=1).astype(int))
    assert len(counts) == 10
    assert counts.min() > 850
    assert (levels[:, -2] == 0).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="0 to 4 walls"):
        LevelSequences(2, 3, 5)
    full = Level.from_rows(["#G>", "###"]).vector()[None]
    with pytest.raises(UsageError, match="up to 3 walls; got a level with 4"):
        LevelSequences(2, 3, 3).encode(full, np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"5 x 5 cells, the environment's have 7 x 5.*--height 7 --width 5"):
        LevelSequences(5, 5, 3).check(LevelTaskSpace(7, 5))
    with pytest.raises(UsageError, match="holds none"):
        LevelSequences(5, 5, 3).check(BoxTaskSpace({"x": (0.0, 1.0)}))
