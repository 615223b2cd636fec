"""Sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Plan, Teacher, TeacherContext
from teachrl.teachers.registry import make_teacher

SQUARE = BoxTaskSpace({"a": (0.0, 1.0), "b": (0.0, 10.0)})
RECORDING = "tests.support.recording_teacher:RecordingTeacher"


def sequence(*stages: Any, space: TaskSpace = SQUARE, knowledge: Knowledge | None = None) -> Teacher:
    context = TeacherContext(space, np.random.default_rng(0), (0.0, 1.0), knowledge or Knowledge(reports_success=True))
    return make_teacher("sequence", context, options={"stages": list(stages)})


def played(plan: Plan, value: float = 0.0, step: int = 0, success: bool | None = None) -> Episode:
    reason = plan.reasons[0]
    return Episode(plan.tasks[0], value, value, 1, success, True, plan.origins[0], plan.version, 0, 0, 0, step, reason)


def until(**conditions: Any) -> Teacher:
    return sequence({"teacher": "random", "until": conditions}, {"teacher": "alp-gmm"})


def stage(teacher: Teacher) -> float:
    return teacher.plan(1).reasons[0]["stage"]


def test_episodes_end_a_stage() -> None:
    teacher = until(episodes=3)
    for _ in range(3):
        assert stage(teacher) == 0
        teacher.update([played(teacher.plan(1))])
    assert teacher.plan(1).origins == ("alp-gmm/bootstrap",)


def test_steps_are_the_runs_own_since_the_stage_began() -> None:
    limits = {"until": {"steps": 100}}
    teacher = sequence({"teacher": "random", **limits}, {"teacher": "random", **limits}, {"teacher": "random"})
    stages = []
    for step in (40, 99, 130, 229, 230):
        teacher.update([played(teacher.plan(1), step=step)])
        stages.append(stage(teacher))
    assert stages == [0, 0, 1, 1, 2]


def test_mean_return_needs_a_full_window_and_is_over_the_latest() -> None:
    teacher = until(mean_return=0.9, window=3)
    stages = []
    for value in (1.0, 1.0, 0.0, 1.0, 1.0, 1.0):
        teacher.update([played(teacher.plan(1), value)])
        stages.append(stage(teacher))
    assert stages == [0, 0, 0, 0, 0, 1]


def test_success_rate_ends_a_stage_and_asks_for_success() -> None:
    teacher = until(success_rate=0.5, window=4)
    assert "success" in teacher.signals
    assert "success" not in until(episodes=3).signals
    for success in (True, False, None, True):
        assert stage(teacher) == 0
        teacher.update([played(teacher.plan(1), success=success)])
    assert stage(teacher) == 1
    with pytest.raises(UsageError, match="mastery_range"):
        sequence(
            {"teacher": "random", "until": {"success_rate": 0.5}}, {"teacher": "random"}, knowledge=Knowledge("none")
        )


def test_the_first_condition_that_holds_ends_the_stage() -> None:
    teacher = until(mean_return=5.0, window=50, episodes=2)
    for _ in range(2):
        teacher.update([played(teacher.plan(1))])
    assert stage(teacher) == 1


def test_late_episodes_go_to_their_own_teacher_and_count_for_nothing() -> None:
    limits = {"until": {"episodes": 2}}
    teacher = sequence({"teacher": RECORDING, **limits}, {"teacher": RECORDING, **limits}, {"teacher": "random"})
    plans = [teacher.plan(1) for _ in range(6)]
    for plan in plans:
        teacher.update([played(plan)])
    assert stage(teacher) == 1
    first, second, _ = teacher.state()["teachers"]
    assert [told["reason"]["goal"] for told in first["told"]] == list(range(6))
    assert second["told"] == []


def test_bounds_narrow_fix_and_leave_free() -> None:
    kinds = DiscreteTaskSpace(["flat", "stairs", "gap"], name="kind")
    space = ProductTaskSpace({"at": BoxTaskSpace({"x": (0.0, 4.0), "n": (0, 9)}, integer=["n"]), "what": kinds})
    bounds = {"at.x": [1, 2], "at.n": 3, "what.kind": ["stairs", "gap"]}
    teacher = sequence({"teacher": RECORDING, "bounds": bounds, "until": {"episodes": 1}}, {"teacher": "random"},
                       space=space)  # fmt: skip
    plan = teacher.plan(200)
    tasks = [space.task(vector) for vector in plan.tasks]
    assert all(1 <= t["at"]["x"] <= 2 and t["at"]["n"] == 3 for t in tasks)
    assert {t["what"]["kind"] for t in tasks} == {"stairs", "gap"}
    teacher.update([played(plan)])
    (told,) = teacher.state()["teachers"][0]["told"]
    assert told["task"] == [*plan.tasks[0][:2], plan.tasks[0][2] - 1]  # its first choice is "stairs"
    assert {space.task(vector)["what"]["kind"] for vector in teacher.plan(100).tasks} == {"flat", "stairs", "gap"}


def test_versions_grow_with_the_stages() -> None:
    teacher = until(episodes=1)
    before = teacher.plan(1)
    teacher.update([played(before)])
    assert teacher.plan(1).version > before.version


def test_explains_and_draws_the_present_stage() -> None:
    teacher = sequence({"teacher": "random", "bounds": {"b": [2, 4]}, "until": {"episodes": 1}}, {"teacher": "random"})
    plan = teacher.plan(1)
    assert plan.origins == ("random/random",)
    sentence = teacher.explain(plan.origins[0], plan.reasons[0])
    assert sentence == "Stage 0 (random, b in [2, 4]): Drawn at random from the whole task space, as always."
    (region,) = teacher.curriculum().regions
    assert (region.low, region.high, region.weight) == ([0.0, 2.0], [1.0, 4.0], 1.0)
    teacher.update([played(plan)])
    assert teacher.curriculum().random_ratio == 1.0
