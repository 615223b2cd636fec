"""Setter-Solver and its conditional flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.nn.networks import tensor
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.generative.setter_solver_flow import ConditionalFlow
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
QUICK = {"update_rate": 10, "memory": 50, "hidden_size": 8}


def build(space: TaskSpace = SQUARE, seed: int = 0, preset: str = "default", **options: Any) -> Teacher:
    context = TeacherContext(space, np.random.default_rng(seed), None, Knowledge(reports_success=True))
    return make_teacher("setter-solver", context, preset, options)


def episode(plan: Plan, success: bool | None) -> Episode:
    task, reason = plan.tasks[0], plan.reasons[0]
    return Episode(task, 0.0, 0.0, 1, success, True, plan.origins[0], plan.version, 0, 0, 0, 0, reason)


def teach(teacher: Teacher, episodes: int, chance: Any, environments: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Unit-cube tasks and the feasibilities asked for. Episodes end in another order; one in twenty never ends."""
    rng = np.random.default_rng(7)
    waiting, tasks, asked = [teacher.plan(1) for _ in range(environments)], [], []
    for _ in range(episodes):
        plan = waiting.pop(int(rng.integers(environments)))
        tasks.append(teacher.space.to_unit(plan.tasks[0]))
        asked.append(plan.reasons[0]["feasibility"])
        success = bool(rng.random() < chance(tasks[-1]))
        if rng.random() > 0.05:
            teacher.update([episode(plan, success)])
        waiting.append(teacher.plan(1))
    return np.array(tasks), np.array(asked)


def falling(unit: np.ndarray) -> float:
    """The chance of success: 1 at the left, 0 at the right."""
    return float(1 / (1 + np.exp((unit[0] - 0.5) / 0.05)))


def test_success_follows_the_feasibility_that_is_asked_for() -> None:
    tasks, asked = teach(build(), 3500, falling)
    chances = np.array([falling(task) for task in tasks[2000:]])
    rates = [chances[np.abs(asked[2000:] - middle) < 0.1].mean() for middle in (0.1, 0.5, 0.9)]
    assert rates[0] < 0.3
    assert 0.35 < rates[1] < 0.7
    assert rates[2] > 0.75
    assert tasks[2000:, 1].std() > 0.2, "what does not matter for success stays spread out"


def test_first_tasks_are_spread_out_and_those_of_the_benchmark_are_not() -> None:
    assert (build().plan(200).tasks.std(axis=0) > 0.15).all()
    assert (build(preset="tma2021").plan(200).tasks.std(axis=0) < 0.05).all()


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_tasks_stay_spread_out_where_all_fail_or_all_succeed(chance: float) -> None:
    tasks, _ = teach(build(**{**QUICK, "update_rate": 20}), 2000, lambda unit: chance)
    assert (tasks[-500:].std(axis=0) > 0.15).all()


def test_no_success_in_a_batch_is_no_accident() -> None:
    teacher = build(preset="tma2021")
    teach(teacher, 60, lambda unit: 0.0)
    state = teacher.state()
    assert state["updates"] == 1
    assert all(np.isfinite(weights).all() for weights in state["setter"]["network"].values())


def test_results_that_say_nothing_are_passed_over() -> None:
    teacher = build(**QUICK)
    plan = teacher.plan(1)
    teacher.update([episode(plan, None)] * 30)
    teacher.update([Episode(plan.tasks[0], 0.0, 0.0, 1, True, True, "", 0, 0, 0, 0, 0)] * 30)
    assert teacher.state()["updates"] == 0


def test_new_tasks_come_from_the_newest_setter() -> None:
    teacher = build(**QUICK)
    plans = [teacher.plan(1) for _ in range(12)]
    teacher.update([episode(plan, True) for plan in plans])
    assert teacher.plan(1).version == 1
    assert len(teacher.plan(35).tasks) == 35


@pytest.mark.parametrize("preset", ["default", "tma2021"])
def test_state_goes_on_alike_between_updates(preset: str, tmp_path: Path) -> None:
    one = build(preset=preset)
    teach(one, 170, falling)
    write_tree(tmp_path / "teacher.npz", one.state())
    two = build(preset=preset, seed=5)
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert np.array_equal(teach(one, 150, falling)[0], teach(two, 150, falling)[0])
    before = two.state()
    kept = before["played"].copy(), before["setter"]["network"]["couplings.0.weights.0"].copy()
    teach(two, 100, falling)
    assert np.array_equal(before["played"], kept[0])
    assert np.array_equal(before["setter"]["network"]["couplings.0.weights.0"], kept[1])


def test_neither_torchs_generator_nor_a_picture_matters() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, two = build(**QUICK), build(**QUICK)
    first, _ = teach(one, 60, falling)
    assert torch.equal(torch.rand(4), expected)
    assert np.array_equal(first, teach(two, 60, falling)[0])
    assert len(one.curriculum().samples) == 100
    assert np.array_equal(one.plan(50).tasks, two.plan(50).tasks)


@pytest.mark.parametrize("preset", ["default", "tma2021"])
@pytest.mark.parametrize(
    "space",
    [
        BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"]),
        BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
        BoxTaskSpace({"a": (-1e9, 1e9)}),
        DiscreteTaskSpace(["flat", "stairs"]),
    ],
)
def test_any_space(space: TaskSpace, preset: str) -> None:
    for unit in teach(build(space, preset=preset), 160, lambda unit: unit.mean())[0]:
        assert space.contains(space.task(space.from_unit(unit)))


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(UsageError, match="varies"):
        build(BoxTaskSpace({"a": (1.0, 1.0)}))
    with pytest.raises(UsageError, match="below update_rate"):
        build(memory=20)
    with pytest.raises(UsageError, match="mastery_range"):
        make_teacher("setter-solver", TeacherContext(SQUARE, np.random.default_rng(0), None, Knowledge()))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_flow_inverts_itself_and_knows_its_density(size: int) -> None:
    rng = np.random.default_rng(0)
    flow = ConditionalFlow(rng, size, 8, identity=True)
    with torch.no_grad():
        for weight in flow.parameters():
            weight.add_(tensor(rng.normal(0, 0.1, tuple(weight.shape))))
    latents, conditions = tensor(0.5 * rng.normal(size=(6, size))), tensor(rng.random((6, 1)))
    points, density = flow(latents, conditions)
    back, same_density = flow.inverse(points, conditions)
    assert torch.allclose(back, latents, atol=1e-3)
    assert torch.allclose(density, same_density, atol=1e-3)
    for i in range(6):
        slope = torch.autograd.functional.jacobian(
            lambda z, i=i: flow(z[None], conditions[i : i + 1])[0][0], latents[i]
        )
        normal = -0.5 * (latents[i].square() + np.log(2 * np.pi)).sum()
        assert torch.isclose(normal - torch.linalg.slogdet(slope)[1], density[i], atol=1e-3)


def test_flow_depends_on_its_condition_and_starts_as_the_identity() -> None:
    rng = np.random.default_rng(0)
    latents, low, high = tensor(rng.normal(size=(50, 3))), torch.zeros(50, 1), torch.ones(50, 1)
    start = ConditionalFlow(rng, 3, 8, identity=True)
    assert torch.allclose(start(latents, low)[0], torch.sigmoid(latents), atol=1e-4)
    other = ConditionalFlow(rng, 3, 8, identity=False)
    assert not torch.allclose(other(latents, low)[0], other(latents, high)[0])
