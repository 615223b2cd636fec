"""SPDL: the Gaussian, its gradients, one update, and a whole curriculum towards a narrow target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from teachrl.teachers.base import TeacherContext
from teachrl.teachers.registry import make_teacher
from teachrl.teachers.self_paced.gaussian_context import GaussianContext
from teachrl.teachers.self_paced.spdl import SpdlTeacher
from teachrl.teachers.self_paced.spdl_step import StepProblem

GATE = BoxTaskSpace({"position": (-4.0, 4.0), "width": (0.5, 8.0), "friction": (0.0, 4.0)})
EASY = TaskDistribution(np.array([0.0, 4.25, 2.0]), np.array([2.0, 1.875, 1.0]))
WANTED = TaskDistribution(np.array([2.5, 0.5, 0.0]), np.array([4e-3, 3.75e-3, 2e-3]))


def make(
    preset: str = "default",
    options: dict[str, Any] | None = None,
    space: TaskSpace = GATE,
    knowledge: Knowledge = Knowledge(initial=EASY, target=WANTED),  # noqa: B008
    seed: int = 0,
) -> SpdlTeacher:
    context = TeacherContext(space, np.random.default_rng(seed), None, knowledge)
    teacher = make_teacher("spdl", context, preset, options)
    assert isinstance(teacher, SpdlTeacher)
    return teacher


def iterate(teacher: SpdlTeacher, iteration: int, episodes: int, value: Any) -> list[np.ndarray]:
    """One learning phase of 2048 steps. The first observation is the task, its value ``value(tasks (n, d))``."""
    tasks = teacher.plan(episodes).tasks
    for i, task in enumerate(tasks):
        observed, step = float(value(task[None])[0]), 2048 * iteration + 2048 * (i + 1) // episodes
        teacher.update([Episode(task, observed, observed, 1, None, True, "", 0, 0, i, 0, step, {}, task)])
    teacher.student_learned(value)
    return list(tasks)


def gaussians(size: int) -> st.SearchStrategy[GaussianContext]:
    length = 2 * size + size * (size - 1) // 2
    numbers = st.lists(st.floats(-1, 1), min_size=length, max_size=length)
    return numbers.map(lambda x: GaussianContext.from_parameters(np.array(x), size))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4).flatmap(lambda d: st.tuples(gaussians(d), gaussians(d))), st.integers(0, 2**31))
def test_gradients_equal_finite_differences(pair: tuple[GaussianContext, GaussianContext], seed: int) -> None:
    one, other = pair
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(6, one.size)), rng.normal(size=6)

    def numerical(function: Any) -> np.ndarray:
        of = lambda x: function(GaussianContext.from_parameters(x, one.size))  # noqa: E731
        forward, backward = (approx_fprime(one.parameters, of, step) for step in (1e-6, -1e-6))
        return (forward + backward) / 2

    assert np.allclose(
        numerical(lambda g: weights @ g.log_density(points)), one.log_density_gradient(points, weights), 1e-4, 1e-4
    )
    assert np.allclose(numerical(lambda g: g.divergence_from(other)), one.gradient_of_first(other), 1e-4, 1e-4)
    assert np.allclose(numerical(other.divergence_from), one.gradient_of_second(other), 1e-4, 1e-4)


def test_density_and_divergence_agree_with_scipy_and_with_sampling() -> None:
    rng = np.random.default_rng(0)
    one, other = (GaussianContext.from_parameters(rng.normal(0, 0.2, 9), 3) for _ in range(2))
    points = one.sample(rng, 200_000)
    assert np.allclose(np.cov(points.T), one.covariance, atol=0.05)
    expected = multivariate_normal(one.mean, one.covariance).logpdf(points[:50])
    assert np.allclose(one.log_density(points[:50]), expected)
    sampled = (one.log_density(points) - other.log_density(points)).mean()
    assert one.divergence_from(other) == pytest.approx(sampled, rel=0.03)
    assert one.divergence_from(one) == pytest.approx(0, abs=1e-12)


def test_coordinates_of_another_gaussian_change_no_divergence_and_lead_back() -> None:
    rng = np.random.default_rng(1)
    one, other, base = (GaussianContext.from_parameters(rng.normal(0, 0.4, 9), 3) for _ in range(3))
    inside = one.seen_from(base).divergence_from(other.seen_from(base))
    assert inside == pytest.approx(one.divergence_from(other))
    back = one.seen_from(base).seen_by_all(base)
    assert np.allclose(back.parameters, one.parameters)


def problem(seed: int, size: int, spread: float, limit: float = 0.05, scale: float = 1.0) -> StepProblem:
    rng = np.random.default_rng(seed)
    length = 2 * size + size * (size - 1) // 2
    old = GaussianContext.from_parameters(rng.normal(0, 0.5, length), size)
    target = GaussianContext.diagonal(rng.normal(0, 2, size), np.full(size, spread))
    return StepProblem(
        old, target, old.sample(rng, 60), scale * rng.normal(1, 1, 60), limit, np.zeros(size), baseline=False
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 3),
    st.sampled_from([1e-4, 1e-2, 1.0, 10.0]),
    st.sampled_from([0.01, 0.05, 0.5]),
    st.sampled_from([1e-6, 1.0, 1e9, -1e9]),
    st.floats(0, 3),
)
def test_no_update_leaves_the_divergence_limit_and_each_is_better(
    seed: int, size: int, spread: float, limit: float, scale: float, zeta: float
) -> None:
    given_problem = problem(seed, size, spread, limit, scale)
    alpha = zeta * abs(scale) / given_problem.old.divergence_from(given_problem.target)

    def goal(gaussian: GaussianContext) -> float:
        ratio = np.exp(gaussian.log_density(given_problem.points) - given_problem.old.log_density(given_problem.points))
        return float((ratio * given_problem.values).mean() - alpha * gaussian.divergence_from(given_problem.target))

    found = given_problem.penalized(alpha)
    assert found is not None
    assert given_problem.old.divergence_from(found) <= limit + 1e-6
    assert goal(found) > goal(given_problem.old)


def test_without_penalty_the_mean_moves_to_high_values_as_far_as_the_limit_allows() -> None:
    given_problem = problem(0, 2, 1.0)
    slope = replace(given_problem, values=given_problem.points[:, 0], baseline=True)
    found = slope.penalized(0.0)
    assert found is not None
    assert found.mean[0] > slope.old.mean[0]
    assert slope.old.divergence_from(found) == pytest.approx(0.05, abs=1e-5)


def test_equal_values_and_no_penalty_leave_the_gaussian_with_the_baseline() -> None:
    flat = replace(problem(0, 2, 1.0), values=np.full(60, -7.0), baseline=True)
    assert flat.penalized(0.0) is None
    assert replace(flat, values=np.full(60, np.nan)).penalized(1.0) is None


def test_constrained_update_nears_the_target_and_keeps_the_value() -> None:
    given_problem = problem(3, 2, 0.1)
    threshold = float(given_problem.values.mean()) - 0.01
    found = given_problem.towards_target(threshold)
    assert found is not None
    old = given_problem.old
    ratio = np.exp(found.log_density(given_problem.points) - old.log_density(given_problem.points))
    assert (ratio * given_problem.values).mean() >= threshold - 1e-4
    assert found.divergence_from(given_problem.target) < old.divergence_from(given_problem.target)
    assert old.divergence_from(found) <= 0.05 + 1e-6


def steep_then_flat(iteration: int) -> Any:
    """Values that fall with the distance from the middle of the space, less and less over 40 updates."""
    slope = max(0.0, 1 - iteration / 40)

    def value(tasks: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(GATE.to_unit(tasks) - 0.5, axis=1)
        return 8 * np.exp(-slope * distance)

    return value


@pytest.mark.parametrize("preset", ["default", "spdl2021"])
def test_toy_curriculum_reaches_a_narrow_target_within_its_limits(preset: str) -> None:
    teacher = make(preset, {"update_offset": 0})
    target = teacher._target
    assert teacher._gaussian.divergence_from(target) > 1e5
    for i in range(60):
        old, points = teacher._gaussian, teacher._updates
        iterate(teacher, i, 60, steep_then_flat(i))
        assert teacher._updates == points + 1
        assert old.divergence_from(teacher._gaussian) <= 0.05 + 1e-6
        if old.divergence_from(target) > 8000:
            assert (np.diag(teacher._gaussian.cholesky) >= 0.025 - 1e-9).all()
    assert teacher._gaussian.divergence_from(target) < 300


def test_penalty_is_a_share_of_the_mean_discounted_return(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def penalized(self: StepProblem, alpha: float) -> None:
        seen.append(alpha)

    monkeypatch.setattr(StepProblem, "penalized", penalized)
    teacher = make(options={"update_offset": 0, "alpha_offset": 2, "zeta": 0.5})
    distance = teacher._gaussian.divergence_from(teacher._target)
    for i, value in enumerate((3.0, 3.0, 3.0, 5.0, -2.0)):
        iterate(teacher, i, 10, lambda tasks, value=value: np.full(len(tasks), value))
    assert seen == pytest.approx([0, 0, 0.5 * 3 / distance, 0.5 * 5 / distance, 0])


def test_updates_follow_the_students_steps() -> None:
    teacher, counts = make(), []
    for i in range(9):
        iterate(teacher, i, 20, steep_then_flat(0))
        counts.append(teacher._updates)
    assert counts == [0, 0, 0, 0, 0, 1, 2, 3, 4]  # none in the first five iterations, then one in each


def test_floor_can_be_given_for_each_parameter_and_ends_near_the_target() -> None:
    narrow = Knowledge(initial=replace(EASY, std=WANTED.std), target=WANTED)
    teacher = make(options={"std_floor": [0.1, 0.2, 0.3]}, knowledge=narrow)
    assert np.allclose(np.diag(teacher._gaussian.cholesky), [0.1, 0.2, 0.3])
    there = make(options={"std_floor": [0.1, 0.2, 0.3]}, knowledge=Knowledge(initial=WANTED, target=WANTED))
    assert np.allclose(np.diag(there._gaussian.cholesky), 5e-4)
    with pytest.raises(UsageError, match="std_floor has 2 numbers"):
        make(options={"std_floor": [0.1, 0.2]})


def test_v2_first_reaches_the_threshold_then_moves_on_and_waits_when_it_falls() -> None:
    options = {"variant": "v2", "performance_threshold": 1.0, "update_offset": 0}
    teacher = make(options=options)
    start = teacher._gaussian
    iterate(teacher, 0, 60, lambda tasks: GATE.to_unit(tasks)[:, 1])
    assert teacher._gaussian.mean[1] > start.mean[1]  # towards high values, away from the target
    low = teacher._gaussian.divergence_from(teacher._target)
    iterate(teacher, 1, 60, lambda tasks: 2 + 0 * tasks[:, 1])
    assert teacher._gaussian.divergence_from(teacher._target) < low
    reached = teacher._gaussian
    iterate(teacher, 2, 60, lambda tasks: GATE.to_unit(tasks)[:, 1] - 1)
    assert teacher._gaussian is reached
    with pytest.raises(UsageError, match="performance_threshold"):
        make(options={"variant": "v2"})


def test_state_goes_on_alike_in_the_middle_of_a_run(tmp_path: Path) -> None:
    first, second = make(options={"update_offset": 0}), make(options={"update_offset": 0}, seed=5)
    for i in range(14):
        iterate(first, i, 30, steep_then_flat(i))
    task = first.plan(1).tasks[0]
    first.update([Episode(task, 1, 1, 1, None, True, "", 0, 0, 0, 0, 2048 * 14 + 1, {}, task)])
    write_tree(tmp_path / "state.npz", first.state())
    second.restore(read_tree(tmp_path / "state.npz"))
    for i in range(14, 18):
        tasks = [iterate(teacher, i, 30, steep_then_flat(i)) for teacher in (first, second)]
        assert np.array_equal(*tasks)
    assert np.array_equal(first._gaussian.parameters, second._gaussian.parameters)


def test_units_of_a_task_do_not_change_the_curriculum() -> None:
    small = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    large = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 1024.0)})
    tasks = []
    for space in (small, large):
        scale = space.high
        knowledge = Knowledge(
            initial=TaskDistribution(0.3 * scale, 0.1 * scale), target=TaskDistribution(0.8 * scale, 1e-3 * scale)
        )
        teacher = make(space=space, knowledge=knowledge, options={"update_offset": 0, "alpha_offset": 2})
        for i in range(8):
            iterate(teacher, i, 20, lambda x, scale=scale: (x / scale).sum(axis=1))
        tasks.append(space.to_unit(teacher.plan(50).tasks))
    assert np.array_equal(*tasks)


@pytest.mark.parametrize("value", [0.0, 1e9, -1e9])
@pytest.mark.parametrize("preset", ["default", "spdl2021", "tma2021"])
@pytest.mark.parametrize(
    "space",
    [
        BoxTaskSpace({"a": (-3.0, 3.0), "fixed": (2.0, 2.0), "n": (0, 4)}, integer=["n"]),
        BoxTaskSpace({"fixed": (2.0, 2.0)}),
        DiscreteTaskSpace(["flat", "stairs"]),
    ],
)
def test_odd_spaces_and_constant_returns_do_not_crash(space: TaskSpace, preset: str, value: float) -> None:
    options = {"update_offset": 0, "update_every": 100, "alpha_offset": 1}
    teacher = make(preset, options, space, Knowledge())
    for i in range(4):
        for task in iterate(teacher, i, 8, lambda tasks: np.full(len(tasks), value)):
            space.vector(space.task(task))
    curriculum = teacher.curriculum().gaussians[0]
    assert np.isfinite(curriculum.mean).all()
    assert np.isfinite(curriculum.covariance).all()


def test_knowledge_decides_start_and_target_and_the_picture_shows_task_units() -> None:
    (known,) = make().curriculum().gaussians
    assert np.allclose(known.mean, EASY.mean)
    assert np.allclose(np.diag(known.covariance), EASY.std**2)
    (unknown,) = make(knowledge=Knowledge(), seed=3).curriculum().gaussians
    assert np.allclose(np.sqrt(np.diag(unknown.covariance)), 0.1 * (GATE.high - GATE.low))
    target = make(knowledge=Knowledge(initial=EASY))._target
    assert np.allclose(target.mean, 0.5)
    assert np.allclose(np.diag(target.cholesky), 0.25)


def test_an_episode_without_its_first_observation_is_refused() -> None:
    with pytest.raises(UsageError, match="first observation"):
        make().update([Episode(EASY.mean, 0, 0, 1, None, True, "", 0, 0, 0, 0, 1)])
