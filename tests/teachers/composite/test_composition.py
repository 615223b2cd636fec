"""What sequence, mixture, product and replayed promise together, and whole runs under them."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from teachrl.config.experiment import Experiment, to_yaml
from teachrl.config.loading import load_experiment
from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.records.episodes import Episode
from teachrl.tasks.knowledge import Knowledge, TaskDistribution
from teachrl.tasks.spaces import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from teachrl.teachers.base import Teacher, TeacherContext
from teachrl.teachers.composite.base import narrowed, selected
from teachrl.teachers.registry import make_teacher
from teachrl.training.run import train

RECORDING = "tests.support.recording_teacher:RecordingTeacher"
ALP = {"name": "alp-gmm", "options": {"fit_rate": 20, "max_components": 3}}
SPACES: dict[str, TaskSpace] = {
    "box": BoxTaskSpace({"a": (-1.0, 2.0), "b": (0.0, 100.0)}),
    "one dimension": BoxTaskSpace({"a": (0.0, 1.0)}),
    "twenty dimensions": BoxTaskSpace({f"x{i}": (0.0, 1.0) for i in range(20)}),
    "fixed dimension": BoxTaskSpace({"a": (0.0, 1.0), "b": (2.0, 2.0)}),
    "integers": BoxTaskSpace({"a": (0, 5), "b": (0.0, 1.0)}, integer=["a"]),
    "discrete": DiscreteTaskSpace(["flat", "stairs", "gap"], name="terrain"),
    "product": ProductTaskSpace({"where": BoxTaskSpace({"x": (0.0, 1.0)}), "what": DiscreteTaskSpace(4)}),
}


def sequence(space: TaskSpace) -> dict[str, Any]:
    first = space.dimensions[0]
    bounds = {first.name: [first.value(first.low), first.value((first.low + first.high) / 2)]}
    until = {"episodes": 60, "mean_return": 1e6, "window": 10}
    return {"stages": [{"teacher": "random", "bounds": bounds, "until": until}, {"teacher": ALP}]}


def mixture(space: TaskSpace) -> dict[str, Any]:
    inner = {"name": "sequence", "options": sequence(space)}
    return {"teachers": [{"teacher": ALP}, {"teacher": inner, "weight": 2}], "share": True}


def product(space: TaskSpace) -> dict[str, Any]:
    parts = [{"parameters": [space.names[0]], "teacher": ALP}]
    if space.size > 1:
        inner = {"teachers": [{"teacher": "random"}, {"teacher": ALP}]}
        parts.append({"parameters": list(space.names[1:]), "teacher": {"name": "mixture", "options": inner}})
    return {"parts": parts}


COMPOSITES: dict[str, Callable[[TaskSpace], dict[str, Any]]] = {
    "sequence": sequence,
    "mixture": mixture,
    "product": product,
}


def build(name: str, space: TaskSpace, seed: int = 0, options: dict[str, Any] | None = None) -> Teacher:
    context = TeacherContext(space, np.random.default_rng(seed), (-1.0, 3.0), Knowledge(mastery_return=1.0))
    return make_teacher(name, context, options=COMPOSITES[name](space) if options is None else options)


def play(teacher: Teacher, episodes: int, returns: float | None = None) -> np.ndarray:
    """Three environments whose episodes have different lengths, so that they come back out of order."""
    tasks, playing = [], deque()
    for i in range(episodes):
        plan = teacher.plan(1)
        tasks.append(plan.tasks[0])
        playing.append(plan)
        if i < 2:
            continue
        done = playing.popleft() if i % 2 else playing.pop()
        value = float(done.tasks[0].sum()) * i / episodes if returns is None else returns
        reason = dict(done.reasons[0])
        teacher.update(
            [
                Episode(
                    done.tasks[0], value, value, 1, value > 0, True, done.origins[0], done.version, 0, i, 0, i, reason
                )
            ]
        )
        assert teacher.explain(done.origins[0], reason)
    return np.array(tasks)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", COMPOSITES)
def test_tasks_are_valid_and_state_goes_on_identically(name: str, space: str, tmp_path: Path) -> None:
    one = build(name, SPACES[space])
    for task in play(one, 100):
        assert SPACES[space].contains(SPACES[space].task(task))
    write_tree(tmp_path / "teacher.npz", one.state())
    two = build(name, SPACES[space], seed=9)
    two.restore(read_tree(tmp_path / "teacher.npz"))
    assert np.array_equal(play(one, 100), play(two, 100))
    curriculum = one.curriculum()
    for region in curriculum.regions:
        assert len(region.low) == len(region.high) == SPACES[space].size
    for gaussian in curriculum.gaussians:
        assert np.shape(gaussian.covariance) == (SPACES[space].size,) * 2


@pytest.mark.parametrize("name", COMPOSITES)
def test_same_seed_same_tasks_other_seed_other_tasks(name: str) -> None:
    first, again, other = (play(build(name, SPACES["box"], seed), 150) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("value", [0.0, 1e9, -1e9])
@pytest.mark.parametrize("name", COMPOSITES)
def test_constant_and_huge_returns_do_not_crash(name: str, value: float) -> None:
    assert np.isfinite(play(build(name, SPACES["box"]), 150, returns=value)).all()


@pytest.mark.parametrize("name", COMPOSITES)
def test_episodes_that_nobody_planned_do_not_crash(name: str) -> None:
    teacher = build(name, SPACES["box"])
    for i in range(150):
        task = teacher.plan(1).tasks[0]
        teacher.update([Episode(task, 1.0, 1.0, 1, None, True, "", 0, 0, i, 0, i)])
    assert teacher.explain("", {}) == "No reason was recorded."


def test_tasks_of_unequal_sub_teachers_come_from_streams_of_their_own() -> None:
    members = {"teachers": [{"teacher": "random"}, {"teacher": "random"}]}
    teacher = build("mixture", SPACES["box"], options=members)
    streams = [state["rng"]["state"]["state"] for state in teacher.state()["teachers"]]
    assert len({*streams, teacher.state()["rng"]["state"]["state"]}) == 3


def test_signals_are_joined_and_values_go_to_those_who_ask() -> None:
    asks = {"name": RECORDING, "options": {"asks": ["start_value", "transitions"]}}
    inner = {"name": "mixture", "options": {"teachers": [{"teacher": asks}]}}
    teacher = build("mixture", SPACES["box"], options={"teachers": [{"teacher": RECORDING}, {"teacher": inner}]})
    assert teacher.signals == {"start_value", "transitions"}
    teacher.student_learned(lambda observations: np.zeros(len(observations)))
    one, two = teacher.state()["teachers"]
    assert (one["values"], two["teachers"][0]["values"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("sequence", {"stages": []}, "at least one stage"),
        ("mixture", {"teachers": []}, "at least one teacher"),
        ("product", {"parts": []}, "'a' is in none of the parts"),
        ("sequence", {}, "stages: Field required"),
        ("sequence", {"stages": [{"teacher": "alp_gmm"}]}, r"stages.0.teacher: .*did you mean 'alp-gmm'"),
        ("sequence", {"stages": [{"teacher": "random", "untl": {"steps": 1}}]}, r"stages.0.untl: .*'until'"),
        ("sequence", {"stages": [{"teacher": "random", "until": {"step": 1}}]}, r"stages.0.until.step: .*'steps'"),
        ("sequence", {"stages": [{"teacher": "random", "until": {}}]}, r"stages.0.until: needs one of steps"),
        ("sequence", {"stages": [{"teacher": "random", "until": {"steps": 0}}]}, "environment steps of the run"),
        ("sequence", {"stages": [{"teacher": "random", "until": {"steps": 9, "window": 3}}]}, "goes with mean_return"),
        ("sequence", {"stages": [{"teacher": "random"}, {"teacher": "random"}]}, r"stages.0 needs `until`"),
        ("sequence", {"stages": [{"teacher": "random", "until": {"steps": 9}}]}, r"stages.0 must not have `until`"),
        ("sequence", {"stages": [{"teacher": "random", "bounds": {"c": 1}}]}, r"stages.0.bounds: .*parameter 'c'"),
        ("sequence", {"stages": [{"teacher": "random", "bounds": {"a": [2, 1]}}]}, "lower one comes first"),
        ("sequence", {"stages": [{"teacher": "random", "bounds": {"a": [1]}}]}, "one value that fixes it"),
        ("sequence", {"stages": [{"teacher": "random", "bounds": {"a": [0, 9]}}]}, r"a must be a number in \[-1, 2\]"),
        ("mixture", {"teachers": [{"teacher": "random", "weight": 0}]}, r"teachers.0.weight: .*greater than 0"),
        (
            "mixture",
            {"teachers": [{"teacher": {"name": "alp-gmm", "options": {"fit_rat": 3}}}]},
            r"teachers.0.teacher: teacher alp-gmm .*\n.*fit_rat: .*'fit_rate'",
        ),
        ("mixture", {"teachers": [{"teacher": {"name": "alp-gmm", "preset": "corl2018"}}]}, "did you mean 'corl2019'"),
        ("product", {"parts": [{"parameters": ["a"], "teacher": "random"}]}, "'b' is in none of the parts"),
        (
            "product",
            {"parts": [{"parameters": ["a", "b"], "teacher": "random"}, {"parameters": ["b"], "teacher": "random"}]},
            r"'b' is in parts.0 and parts.1",
        ),
        ("product", {"parts": [{"parameters": ["a", "bb"], "teacher": "random"}]}, r"parts.0.parameters: .*'bb'"),
        ("mixture", {"teachers": [{"teacher": "plr"}]}, r"teachers.0.teacher: teacher 'plr' .* teach alone"),
        ("sequence", {"stages": [{"teacher": "sfl"}]}, r"stages.0.teacher: teacher 'sfl' plans"),
        ("product", {"parts": [{"parameters": ["a", "b"], "teacher": "accel"}]}, r"parts.0.teacher: .*'accel'"),
    ],
)
def test_errors_name_the_place(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){words}"):
        build(name, SPACES["box"], options=options)


def test_errors_of_nested_teachers_name_the_place_when_built() -> None:
    blind = TeacherContext(SPACES["box"], np.random.default_rng(0), None)
    inner = {"teachers": [{"teacher": "random"}, {"teacher": "alp-gmm"}]}
    stages = [{"teacher": {"name": "mixture", "options": inner}}]
    with pytest.raises(UsageError, match=r"^stages.0: teachers.1: .*return_range"):
        make_teacher("sequence", blind, options={"stages": stages})


def test_parts_keep_the_structure_of_the_space_and_what_is_known() -> None:
    where = ProductTaskSpace({"x": BoxTaskSpace({"u": (0.0, 4.0), "v": (0, 9)}, integer=["v"])})
    space = ProductTaskSpace({"where": where, "what": DiscreteTaskSpace(["flat", "stairs", "gap"], name="kind")})
    assert selected(space, ["what"]).space == space.parts["what"]
    assert selected(space, ["where"]).space == where
    assert selected(space, ["where.x.v"]).space.names == ("x.v",)
    part = narrowed(space, {"where.x.v": 3, "what.kind": ["stairs", "gap"]})
    assert part.space.names == space.names
    knowledge = part.knowledge(
        Knowledge(initial=TaskDistribution(np.array([1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0])))
    )
    assert knowledge.target is None
    assert knowledge.initial is not None
    assert knowledge.initial.mean.tolist() == [1.0, 3.0, 0.0]  # inside the part; "stairs" is its first choice
    tasks = part.space.sample(np.random.default_rng(0), 50) + part.offset
    assert {(t["where"]["x"]["v"], t["what"]["kind"]) for t in map(space.task, tasks)} == {(3, "stairs"), (3, "gap")}


NESTED = """
env: {id: teachrl/Hypercubes-v0, n_envs: 3}
student: simulated
steps: 900
evaluate_every: 450
checkpoint_every: 150
name: run
teacher:
  name: sequence
  options:
    stages:
      - {teacher: random, bounds: {x0: [0, 0.3], x1: 0.05}, until: {episodes: 200}}
      - teacher:
          name: mixture
          options:
            share: true
            teachers:
              - {teacher: random, weight: 0.2}
              - {teacher: {name: alp-gmm, options: {fit_rate: 60, max_components: 2}}, weight: 0.5}
              - weight: 0.3
                teacher:
                  name: product
                  options:
                    parts:
                      - {parameters: [x0], teacher: {name: alp-gmm, options: {fit_rate: 40, max_components: 2}}}
                      - {parameters: [x1], teacher: random}
        until: {steps: 400}
      - teacher: {name: replayed, options: {run: EARLIER, order: shuffled}}
"""


def same_tree(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_tree(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same_tree, a, b))
    return bool(np.array_equal(a, b))


def log(run: Path) -> Any:
    return pq.read_table(run / "episodes").sort_by([("step", "ascending"), ("env_index", "ascending")])


def test_a_run_under_nested_teachers_resumes_identically(tmp_path: Path) -> None:
    earlier = {"env": {"id": "teachrl/Hypercubes-v0"}, "teacher": "random", "student": "simulated", "steps": 64}
    source = train(Experiment.model_validate({**earlier, "evaluate_every": 0}), tmp_path / "earlier").path
    file = tmp_path / "nested.yaml"
    file.write_text(NESTED.replace("EARLIER", str(source)))
    chosen = load_experiment(file, {})
    again = tmp_path / "again.yaml"
    again.write_text(to_yaml(chosen))
    assert load_experiment(again, {}) == chosen

    whole = train(chosen, tmp_path / "whole")
    for at in (100, 400, 700):  # in each of the stages

        def stop(progress: Any, at: int = at) -> None:
            if progress.step >= at:
                os.kill(os.getpid(), signal.SIGTERM)

        assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    cut = train(chosen, tmp_path / "cut")
    assert (whole.status, cut.status) == ("finished", "finished")
    assert log(whole.path).equals(log(cut.path))
    for part in ("student", "teacher", "worker"):
        trees = [read_tree(run.path / f"checkpoints/step_000000000900/{part}.npz") for run in (whole, cut)]
        assert same_tree(*trees), part
    origins = {origin.split("/")[0] for origin in log(whole.path)["origin"].to_pylist()}
    assert origins == {"random", "mixture", "replayed"}
