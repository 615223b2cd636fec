"""Product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

CUBE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 10.0), "c": (-1.0, 1.0)})
RECORDING = "tests.support.recording_teacher:RecordingTeacher"
ALP = {"name": "alp-gmm", "options": {"fit_rate": 50, "max_components": 3}}


def product(*parts: Any, space: TaskSpace = CUBE) -> Teacher:
    listed = [{"parameters": parameters, "teacher": teacher} for parameters, teacher in parts]
    return make_teacher(
        "product", TeacherContext(space, np.random.default_rng(0), (0.0, 1.0)), options={"parts": listed}
    )


def played(plan: Plan, k: int = 0, value: float = 0.5) -> Episode:
    return Episode(
        plan.tasks[k], value, value, 1, None, True, plan.origins[k], plan.version, 0, 0, 0, 0, plan.reasons[k]
    )


def test_each_part_gets_its_parameters_and_its_own_marks() -> None:
    inner = {"name": "product", "options": {"parts": [{"parameters": ["b"], "teacher": RECORDING}]}}
    teacher = product((["c", "a"], RECORDING), (["b"], inner))
    plan = teacher.plan(5)
    assert all(CUBE.contains(CUBE.task(task)) for task in plan.tasks)
    teacher.plan(2)
    teacher.update([played(plan, 4), played(plan, 0)])
    outer, nested = teacher.state()["teachers"]
    for state, columns in ((outer, [0, 2]), (nested["teachers"][0], [1])):
        assert [told["task"] for told in state["told"]] == [plan.tasks[k, columns].tolist() for k in (4, 0)]
        assert [told["reason"] for told in state["told"]] == [{"goal": 4}, {"goal": 0}]
        assert [told["version"] for told in state["told"]] == [5, 5]
        assert {told["origin"] for told in state["told"]} == {"goal & more"}


def test_each_part_follows_its_own_teacher() -> None:
    teacher = product((["a"], ALP), (["b", "c"], "random"))
    rng = np.random.default_rng(1)
    tasks = []
    for _ in range(800):
        plan = teacher.plan(1)
        tasks.append(plan.tasks[0])
        teacher.update([played(plan, value=float(rng.random()) if plan.tasks[0, 0] > 0.7 else 0.0)])
    unit = CUBE.to_unit(np.array(tasks[300:]))
    assert (unit[:, 0] > 0.7).mean() > 0.5
    assert (unit[:, 1] > 0.7).mean() == pytest.approx(0.3, abs=0.08)


def test_a_part_of_a_product_space_is_named_as_one() -> None:
    space = ProductTaskSpace({"where": BoxTaskSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)}), "what": DiscreteTaskSpace(4)})
    teacher = product((["where"], ALP), (["what.task"], "random"), space=space)
    plan = teacher.plan(50)
    assert all(space.contains(space.task(task)) for task in plan.tasks)
    assert plan.origins[0] == "alp-gmm/bootstrap & random/random"


def test_explains_each_part() -> None:
    teacher = product((["a", "c"], RECORDING), (["b"], "random"))
    plan = teacher.plan(1)
    assert teacher.explain(plan.origins[0], plan.reasons[0]) == (
        f"a, c ({RECORDING}): Goal 0. b (random): Drawn at random from the whole task space, as always."
    )


def test_picture_combines_the_parts() -> None:
    teacher = product((["c"], ALP), (["a", "b"], "random"))
    assert teacher.curriculum().random_ratio == 1.0
    for i in range(60):
        teacher.update([played(teacher.plan(1), value=float(i % 7) / 7)])
    curriculum = teacher.curriculum()
    assert curriculum.random_ratio == pytest.approx(0.2)
    assert sum(g.weight for g in curriculum.gaussians) == pytest.approx(0.8)
    for gaussian in curriculum.gaussians:
        assert gaussian.mean[:2] == [0.5, 5.0]
        assert -1.2 < gaussian.mean[2] < 1.2
        assert np.diag(gaussian.covariance)[:2] == pytest.approx([1 / 12, 100 / 12])


def test_regions_of_two_parts_make_a_region() -> None:
    halves = {"stages": [{"teacher": "random", "bounds": {"a": [0, 0.5]}}]}
    teacher = product((["a"], {"name": "sequence", "options": halves}), (["b", "c"], "random"))
    curriculum = teacher.curriculum()
    (region,) = curriculum.regions
    assert (region.low, region.high, region.weight) == ([0.0, 0.0, -1.0], [0.5, 10.0, 1.0], 1.0)
    assert curriculum.random_ratio == 0
