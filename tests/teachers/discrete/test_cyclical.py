"""The cyclical curriculum."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.discrete.cyclical import cycle_shares
from teachrl.teachers.registry import make_teacher

LINE = BoxTaskSpace({"x": (0.0, 10.0)})
SQUARE = BoxTaskSpace({"x": (0.0, 10.0), "y": (-1.0, 1.0)})
NOTHING = Knowledge()


def teacher(space: TaskSpace, seed: int = 0, knowledge: Knowledge = NOTHING, **options: object) -> Teacher:
    return make_teacher(
        "cyclical", TeacherContext(space, np.random.default_rng(seed), None, knowledge), options=options
    )


def play(chosen: Teacher, episodes: int) -> np.ndarray:
    tasks = []
    for _ in range(episodes):
        tasks.append(chosen.plan(1).tasks[0])
        chosen.update([Episode(tasks[-1], 0.0, 0.0, 1, None, True, "", 0, 0, 0, 0, 0)])
    return np.array(tasks)


@pytest.mark.parametrize(
    ("start", "end", "alpha", "shares"),
    [
        (0.25, 1.0, 0.5, [0.25, 0.5, 1.0, 0.5]),
        (0.3, 1.0, 0.5, [0.3, 0.6, 1.0, 0.5]),
        (0.001, 1.0, 0.1, [0.001, 0.01, 0.1, 1.0, 0.1, 0.01]),
        (0.5, 0.6, 0.1, [0.5, 0.6]),
        (1.0, 1.0, 0.5, [1.0]),
    ],
)
def test_shares_grow_to_the_end_and_shrink_to_the_start(
    start: float, end: float, alpha: float, shares: list[float]
) -> None:
    assert cycle_shares(start, end, alpha) == pytest.approx(shares)


def test_the_set_grows_and_shrinks_in_cycles_whose_passes_last_as_long_as_their_share() -> None:
    tasks = play(teacher(LINE, harder={"x": "high"}, cells_per_dimension=4, episodes_per_pass=400), 1800)[:, 0]
    hardest = [part.max() for part in np.split(tasks, np.cumsum([100, 200, 400, 200, 100, 200, 400]))]
    assert hardest == pytest.approx([2.5, 5.0, 10.0, 5.0, 2.5, 5.0, 10.0, 5.0], abs=0.25)
    assert (np.array(hardest) <= [2.5, 5.0, 10.0, 5.0, 2.5, 5.0, 10.0, 5.0]).all()


def test_easy_is_near_the_easy_start() -> None:
    easy = TaskDistribution(np.array([10.0, 0.0]), np.array([1.0, 1.0]))
    tasks = SQUARE.to_unit(play(teacher(SQUARE, knowledge=Knowledge(initial=easy)), 100))
    assert np.linalg.norm(tasks - [1.0, 0.5], axis=1).max() < 0.55  # a quarter of the square: half a disc of radius 0.4
    with pytest.raises(UsageError, match=r"must know what is easy.*harder.*easy_start"):
        teacher(SQUARE, knowledge=Knowledge(initial=easy).limited_to("mastery_range"))


def test_named_dimensions_decide_when_given_even_against_the_easy_start() -> None:
    easy = Knowledge(initial=TaskDistribution(np.array([10.0, 0.0]), np.array([1.0, 1.0])))
    tasks = play(teacher(SQUARE, knowledge=easy, harder={"y": "low"}, cells_per_dimension=4), 100)
    assert tasks[:, 1].min() >= 0.5
    assert tasks[:, 0].min() < 1 < 9 < tasks[:, 0].max()
    with pytest.raises(UsageError, match="did you mean 'x'"):
        teacher(LINE, harder={"xx": "high"})
    with pytest.raises(UsageError, match="at least one dimension"):
        teacher(LINE, harder={})


def test_choices_are_ordered_as_they_are_listed() -> None:
    chosen = teacher(DiscreteTaskSpace(["flat", "stairs", "gap", "all"]))
    assert set(play(chosen, 100)[:, 0]) == {0.0}
    assert set(play(chosen, 200)[:, 0]) == {0.0, 1.0}
    product = ProductTaskSpace({"where": LINE, "what": DiscreteTaskSpace(4)})
    assert set(play(teacher(product, harder={"what.task": "high"}), 90)[:, 1]) == {0.0}


def test_a_single_cell_is_enough() -> None:
    assert set(play(teacher(DiscreteTaskSpace(1)), 1000)[:, 0]) == {0.0}


def test_a_share_can_be_drawn_from_the_whole_space() -> None:
    chosen = teacher(LINE, harder={"x": "high"}, random_task_ratio=0.5, start=0.1)
    plan = chosen.plan(1000)
    assert plan.origins.count("random") == pytest.approx(500, abs=60)
    assert (plan.tasks[:, 0] > 1).mean() == pytest.approx(0.45, abs=0.06)


def test_reasons_and_picture_tell_the_share_in_use() -> None:
    chosen = teacher(LINE, harder={"x": "low"})
    play(chosen, 150)
    plan = chosen.plan(1)
    assert plan.reasons[0]["share"] == 0.5
    assert "easiest 50% of the cells" in chosen.explain(plan.origins[0], plan.reasons[0])
    curriculum = chosen.curriculum()
    assert [region.low for region in curriculum.regions] == [[5.0], [6.0], [7.0], [8.0], [9.0]]
    assert sum(region.weight for region in curriculum.regions) == pytest.approx(1.0)


def test_same_seed_same_tasks_and_state_goes_on_alike() -> None:
    first, second, third = (teacher(LINE, seed, harder={"x": "high"}) for seed in (3, 3, 9))
    assert np.array_equal(play(first, 150), play(second, 150))
    third.restore(first.state())
    assert np.array_equal(play(first, 400), play(third, 400))


def test_start_above_end_is_refused() -> None:
    with pytest.raises(UsageError, match="above end"):
        teacher(LINE, start=0.9, end=0.5)
