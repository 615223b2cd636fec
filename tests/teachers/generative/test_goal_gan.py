"""GoalGAN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.generative import goal_gan as module
from teachrl.teachers.generative.goal_gan_networks import GoalGenerator
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
QUICK = {"update_size": 20, "iterations": 10, "pretraining_iterations": 10}


def build(space: TaskSpace = SQUARE, seed: int = 0, easy: TaskDistribution | None = None, **options: Any) -> Teacher:
    knowledge = Knowledge(reports_success=True, initial=easy)
    return make_teacher(
        "goal-gan", TeacherContext(space, np.random.default_rng(seed), None, knowledge), options=options
    )


def episode(plan: Plan, success: bool | None) -> Episode:
    return Episode(
        plan.tasks[0], 0.0, 0.0, 1, success, True, plan.origins[0], plan.version, 0, 0, 0, 0, plan.reasons[0]
    )


def teach(teacher: Teacher, episodes: int, chance: Any, environments: int = 3) -> np.ndarray:
    """Unit-cube tasks. Episodes end in another order than they began; one in twenty never ends."""
    rng = np.random.default_rng(7)
    waiting, tasks = [teacher.plan(1) for _ in range(environments)], []
    for i in range(episodes):
        plan = waiting.pop(int(rng.integers(environments)))
        tasks.append(teacher.space.to_unit(plan.tasks[0]))
        success = bool(rng.random() < chance(tasks[-1], i))
        if rng.random() > 0.05:
            teacher.update([episode(plan, success)])
        waiting.append(teacher.plan(1))
    return np.array(tasks)


def near(frontier: float) -> Any:
    return lambda unit, i: 1 / (1 + np.exp((unit[0] - frontier) / 0.05))


@pytest.mark.slow
def test_practises_goals_of_intermediate_difficulty() -> None:
    tasks = teach(build(), 1500, near(0.6))
    intermediate = np.abs(tasks[500:, 0] - 0.6) < 0.055  # one uniform task in nine
    assert intermediate.mean() > 0.25


def test_is_not_stuck_where_every_goal_is_too_easy() -> None:
    trivial = TaskDistribution(np.array([0.05, 0.5]), np.array([0.02, 0.02]))
    options = {"noise": 0.02, "pretraining_iterations": 200}
    trainings = {ratio: build(easy=trivial, random_task_ratio=ratio, **options) for ratio in (0.0, 0.2)}
    for teacher in trainings.values():
        teach(teacher, 700, near(0.6))
    assert trainings[0.0].state()["trainings"] == 0
    assert trainings[0.2].state()["trainings"] > 0


def test_follows_a_frontier_that_moves() -> None:
    easy = TaskDistribution(np.array([0.1, 0.5]), np.array([0.1, 0.3]))
    tasks = teach(build(easy=easy), 3000, lambda unit, i: near(0.1 + 0.7 * i / 3000)(unit, i))
    means = [part[:, 0].mean() for part in np.split(tasks, 6)]
    assert means[1] < 0.5
    assert means[5] > means[1] + 0.25


def test_starts_with_easy_tasks_where_they_are_known() -> None:
    easy = TaskDistribution(np.array([0.8, 0.2]), np.array([0.05, 0.05]))
    options = {"noise": 0.02, "pretraining_iterations": 200, "random_task_ratio": 0.0}
    tasks = np.array([build(easy=easy, seed=s, **options).plan(100).tasks for s in range(2)])
    assert np.allclose(tasks.mean(axis=(0, 1)), [0.8, 0.2], atol=0.12)
    blind = [build(seed=s, **options).plan(100).tasks.mean(axis=0) for s in range(2)]
    assert np.abs(blind[0] - blind[1]).max() > 0.1, "without knowledge the place is random"


def test_a_goal_is_played_as_often_as_asked_and_labelled_whatever_the_order() -> None:
    teacher = build(**QUICK, n_rollouts=4, min_success=0.5, max_success=0.5)
    plans = [teacher.plan(1) for _ in range(12)]
    assert len({tuple(p.tasks[0]) for p in plans}) == 3
    order = [8, 0, 4, 9, 1, 5, 10, 2, 6, 11, 3, 7]
    for k in order:  # goal 0 always fails, goal 1 succeeds half the time, goal 2 always
        teacher.update([episode(plans[k], k // 4 == 2 or (k // 4 == 1 and k % 2 == 0))])
    state = teacher.state()
    wanted = {tuple(p): bool(w) for p, w in zip(state["labelled"], state["labels"], strict=True)}
    assert [wanted[tuple(plans[k].tasks[0])] for k in (0, 4, 8)] == [False, True, False]
    assert np.array_equal(state["mastered"], plans[8].tasks)
    assert not len(state["open"])


def test_goals_whose_episodes_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN_GOALS", 5)
    teacher = build(**QUICK)
    plans = [teacher.plan(1) for _ in range(40)]
    assert len(teacher.state()["open"]) == 5
    teacher.update([episode(p, True) for p in plans])
    assert len(teacher.state()["labels"]) == 5


def test_results_that_say_nothing_are_passed_over() -> None:
    teacher = build(**QUICK)
    plan = teacher.plan(1)
    teacher.update([episode(plan, None)] * 3)
    teacher.update([Episode(plan.tasks[0], 0.0, 0.0, 1, True, True, "", 0, 0, 0, 0, 0)] * 3)
    assert not len(teacher.state()["labels"])


def test_mastered_goals_are_spread_out_bounded_and_revisited() -> None:
    teacher = build(**QUICK, success_capacity=30, success_distance=0.05, old_goal_ratio=0.5)
    teach(teacher, 800, lambda unit, i: 1.0)
    mastered = teacher.state()["mastered"]
    assert len(mastered) == 30
    plan = teacher.plan(400)
    old = [task for task, origin in zip(plan.tasks, plan.origins, strict=True) if origin == "old_goal"]
    assert 80 < len(old) < 190, "half of the choices, and every other choice is played twice"
    few = build(**QUICK, success_distance=0.3)
    teach(few, 400, lambda unit, i: 1.0)
    mastered = few.state()["mastered"] / np.sqrt(2)
    gaps = np.linalg.norm(mastered[:, None] - mastered[None], axis=2)[np.triu_indices(len(mastered), 1)]
    assert (gaps > 0.3).all()


def test_distances_are_measured_in_the_units_asked_for() -> None:
    long = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1000.0)})
    counts = []
    for units in ("unit_cube", "native"):
        teacher = build(long, **QUICK, success_distance=0.1, units=units, noise=0.5)
        teach(teacher, 600, lambda unit, i: 1.0)
        counts.append(len(teacher.state()["mastered"]))
    assert counts[0] > 2 * counts[1], "in native units the short parameter hardly counts"


def test_state_goes_on_alike_in_the_middle_of_goals(tmp_path: Path) -> None:
    one = build(**QUICK, n_rollouts=3)
    teach(one, 301, near(0.5))
    write_tree(tmp_path / "teacher.npz", one.state())
    two = build(seed=5, **QUICK, n_rollouts=3)
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert one.state()["trainings"] > 2
    assert np.array_equal(teach(one, 200, near(0.5)), teach(two, 200, near(0.5)))
    before = two.state()
    kept = before["mastered"].copy(), before["networks"]["generator"]["network"]["0.weight"].copy()
    teach(two, 200, near(0.5))
    assert np.array_equal(before["mastered"], kept[0])
    assert np.array_equal(before["networks"]["generator"]["network"]["0.weight"], kept[1])


def test_neither_torchs_generator_nor_a_picture_matters() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, two = build(**QUICK), build(**QUICK)
    first = teach(one, 150, near(0.5))
    assert torch.equal(torch.rand(4), expected)
    assert np.array_equal(first, teach(two, 150, near(0.5)))
    assert len(one.curriculum().samples) == 100
    assert np.array_equal(one.plan(50).tasks, two.plan(50).tasks)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "space",
    [
        BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"]),
        BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
        BoxTaskSpace({"a": (-1e9, 1e9)}),
    ],
)
def test_any_space_and_any_success_rate(space: TaskSpace, chance: float) -> None:
    teacher = build(space, **QUICK)
    for unit in teach(teacher, 300, lambda unit, i: chance):
        assert space.contains(space.task(space.from_unit(unit)))


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="varies"):
        build(BoxTaskSpace({"a": (1.0, 1.0)}))
    with pytest.raises(UsageError, match="above max_success"):
        build(min_success=0.8)
    with pytest.raises(UsageError, match="mastery_range"):
        make_teacher("goal-gan", TeacherContext(SQUARE, np.random.default_rng(0), None, Knowledge()))


def test_generator_learns_what_is_wanted() -> None:
    rng = np.random.default_rng(0)
    networks, points = GoalGenerator(rng, 2), rng.random((500, 2))
    wanted = np.linalg.norm(points - [0.7, 0.3], axis=1) < 0.2  # 13 % of the square
    networks.train(rng, points, wanted, 300)
    proposed = networks.propose(rng, 500)
    assert (np.linalg.norm(proposed - [0.7, 0.3], axis=1) < 0.25).mean() > 0.5
    assert networks.rate(points[wanted]).mean() > networks.rate(points[~wanted]).mean()
