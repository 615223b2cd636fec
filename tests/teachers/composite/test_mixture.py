"""Mixture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.records.episodes import Episode
from teachrl.tasks.spaces import BoxTaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 10.0)})
RECORDING = "tests.support.recording_teacher:RecordingTeacher"


def mixture(*members: Any, seed: int = 0, **options: Any) -> Teacher:
    teachers = [{"teacher": name, "weight": weight} for name, weight in members]
    context = TeacherContext(SQUARE, np.random.default_rng(seed), (0.0, 1.0))
    return make_teacher("mixture", context, options={"teachers": teachers, **options})


def played(plan: Plan, k: int, value: float = 0.5) -> Episode:
    return Episode(
        plan.tasks[k], value, value, 1, None, True, plan.origins[k], plan.version, 0, 0, 0, 0, plan.reasons[k]
    )


def test_weights_are_probabilities() -> None:
    teacher = mixture(("random", 1), (RECORDING, 3))
    plan = teacher.plan(2000)
    assert plan.tasks.shape == (2000, 2)
    assert np.mean([origin.startswith("random/") for origin in plan.origins]) == pytest.approx(0.25, abs=0.04)
    assert plan.reasons[0]["probability"] in (0.25, 0.75)
    assert {reason["teacher"] for reason in plan.reasons} == {0, 1}


def test_each_learns_from_its_own_episodes_as_if_it_were_alone() -> None:
    teacher = mixture((RECORDING, 1), ({"name": "mixture", "options": {"teachers": [{"teacher": RECORDING}]}}, 1))
    plans = [teacher.plan(1) for _ in range(40)]
    for plan in reversed(plans):  # as when the first episodes end last
        teacher.update([played(plan, 0)])
    first, second = teacher.state()["teachers"]
    for i, state in enumerate((first, second["teachers"][0])):
        own = [plan for plan in plans if plan.reasons[0]["teacher"] == i]
        assert 0 < len(own) < 40
        assert [told["reason"]["goal"] for told in state["told"]] == list(range(len(own)))[::-1]
        assert all(told["version"] == told["reason"].pop("goal") + 1 for told in state["told"])
        assert all(told["origin"] == "goal & more" and not told["reason"] for told in state["told"])
        assert [told["task"] for told in state["told"]] == [plan.tasks[0].tolist() for plan in reversed(own)]


def test_shared_episodes_reach_all_and_foreign_ones_without_marks() -> None:
    teacher = mixture((RECORDING, 1), (RECORDING, 1), share=True)
    plan = teacher.plan(20)
    teacher.update([played(plan, k) for k in range(20)])
    teacher.update([Episode(plan.tasks[0], 0.0, 0.0, 1, None, True, "elsewhere", 3, 0, 0, 0, 0)])
    for i, state in enumerate(teacher.state()["teachers"]):
        assert len(state["told"]) == 21
        for told, reason in zip(state["told"], plan.reasons, strict=False):
            assert (told["origin"] == "goal & more") == ("goal" in told["reason"]) == (reason["teacher"] == i)


def test_versions_grow_when_one_of_them_has_learnt() -> None:
    teacher = mixture((RECORDING, 1), (RECORDING, 1))
    versions = [teacher.plan(1).version for _ in range(10)]
    assert versions == sorted(set(versions))


def test_explains_who_chose_and_why() -> None:
    inner = {"name": "mixture", "options": {"teachers": [{"teacher": RECORDING}]}}
    teacher = mixture(("random", 0.2), (inner, 0.8))
    plan = next(p for p in (teacher.plan(1) for _ in range(50)) if p.origins[0].startswith("mixture"))
    assert plan.origins == (f"mixture/{RECORDING}/goal & more",)
    assert teacher.explain(plan.origins[0], plan.reasons[0]) == (
        f"Teacher 1 (mixture) chose, as it does with 80%: Teacher 0 ({RECORDING}) chose, as it does with 100%: Goal 0."
    )


def test_picture_weighs_what_the_teachers_draw() -> None:
    teacher = mixture(
        ("random", 1), ({"name": "alp-gmm", "options": {"fit_rate": 20, "max_components": 2}}, 3), share=True
    )
    for i in range(40):
        teacher.update([played(teacher.plan(1), 0, value=float(i % 7) / 7)])
    curriculum = teacher.curriculum()
    assert curriculum.random_ratio == pytest.approx(0.25 + 0.75 * 0.2)
    assert sum(g.weight for g in curriculum.gaussians) == pytest.approx(0.75 * 0.8)
