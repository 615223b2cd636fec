"""The surrogate of a language model: as often wrong as asked, as far off as asked, the same for a level each time."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import minigrid  # noqa: F401  (registers its environments)
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachrl.errors import UsageError
from teachrl.guides.subgoals.level import GridLevel, read_level
from teachrl.guides.subgoals.planner import Planner
from teachrl.guides.subgoals.provider import Provider, make_provider
from teachrl.guides.subgoals.surrogate import PUBLISHED, ring

CORRIDOR = "MiniGrid-KeyCorridorS6R3-v0"


def levels(n: int, name: str = CORRIDOR) -> list[GridLevel]:
    env: Any = gym.make(name, disable_env_checker=True).unwrapped
    env.gen_obs = lambda: None
    found = []
    for seed in range(n):
        env.reset(seed=seed)
        found.append(read_level(env, name, str(seed)))
    return found


def surrogate(**options: Any) -> Provider:
    return make_provider("surrogate", options)


def distances(provider: Provider, n: int = 200) -> np.ndarray[Any, Any]:
    """How far off each sub-goal is, over the levels."""
    right = Planner()
    return np.array(
        [
            abs(a.cell[0] - b.cell[0]) + abs(a.cell[1] - b.cell[1])
            for level in levels(n)
            for a, b in zip(provider.subgoals(level), right.subgoals(level), strict=True)
        ]
    )


@given(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), st.integers(1, 60))
def test_a_ring_has_every_cell_at_that_distance_once(cell: tuple[int, int], distance: int) -> None:
    cells = ring(cell, distance)
    assert len(set(cells)) == len(cells) == 4 * distance
    assert {abs(x - cell[0]) + abs(y - cell[1]) for x, y in cells} == {distance}


def test_positions_are_off_as_often_and_as_far_as_asked() -> None:
    off = distances(surrogate(errors="position", accuracy=0.6, mean_error=4.0, error_deviation=1.0))
    assert np.mean(off == 0) == pytest.approx(0.6, abs=0.05)
    assert off[off > 0].mean() == pytest.approx(4.0, abs=0.3)
    assert off[off > 0].std() == pytest.approx(1.0, abs=0.2)


def test_wrong_objects_are_other_objects_of_the_level() -> None:
    provider = surrogate(accuracy=0.0)
    for level in levels(20):
        for wrong, right in zip(provider.subgoals(level), Planner().subgoals(level), strict=True):
            assert wrong.cell != right.cell
            assert level.thing_at(wrong.cell) is not None


def test_a_level_has_the_same_errors_each_time_and_another_seed_has_others() -> None:
    a, b, c = (surrogate(accuracy=0.5), surrogate(accuracy=0.5), surrogate(accuracy=0.5, seed=1))
    some = levels(20)
    assert [a.subgoals(level) for level in some] == [b.subgoals(level) for level in reversed(some)][::-1]
    assert [a.subgoals(level) for level in some] != [c.subgoals(level) for level in some]
    assert a.identity == b.identity != c.identity


@pytest.mark.slow
@pytest.mark.parametrize("model", ["llama3-70b", "deepseek-coder-33b", "qwen1.5-72b"])
def test_published_models_are_as_accurate_as_published(model: str) -> None:
    errors = PUBLISHED["MiniGrid-KeyCorridorS6R3"][model]
    assert np.mean(distances(surrogate(model=model)) == 0) == pytest.approx(errors.object_accuracy, abs=0.06)
    off = distances(surrogate(model=model, errors="position"))
    assert np.mean(off == 0) == pytest.approx(errors.accuracy, abs=0.06)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="one of model and accuracy"):
        surrogate()
    with pytest.raises(UsageError, match="one of model and accuracy"):
        surrogate(model="llama3-70b", accuracy=0.5)
    (level,) = levels(1, "MiniGrid-DoorKey-5x5-v0")
    with pytest.raises(UsageError, match=r"not measured on MiniGrid-DoorKey-5x5-v0.*set accuracy"):
        surrogate(model="llama3-70b").subgoals(level)
