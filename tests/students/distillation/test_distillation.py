"""Runs whose students also learn from a mentor: they resume alike, they learn, and what cannot work is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.config.experiment import Experiment
from teachrl.environments import declared_facts
from teachrl.errors import TeachrlError, UsageError
from teachrl.evaluation.evaluator import evaluate_run
from teachrl.factory.student import build_student, load_student
from teachrl.files import read_json, read_tree
from teachrl.students.base import StudentContext
from teachrl.training.run import train
from tests.support.runs import CARTPOLE, assert_same_run, same_tree

POINT_MASS = "teachrl/PointMass-v0"
PPO: dict[str, Any] = {"n_steps": 64, "batch_size": 64, "n_epochs": 2}
SMALL_BUFFER: dict[str, Any] = {"learning_starts": 100, "batch_size": 32, "buffer_size": 700, "train_freq": 4}
LSTM: dict[str, Any] = {"n_steps": 32, "n_epochs": 2, "hidden_size": 16, "n_minibatches": 2}
ROOM: dict[str, Any] = {"height": 4, "width": 5, "walls": 4, "max_steps": 40, "generator": "jaxued"}
BALANCE, GATE, WAY = (f"tests.support.mentors:{name}" for name in ("balance", "pass_the_gate", "shortest_way"))
KINDS = [
    ("ppo", PPO, POINT_MASS, GATE),
    ("sac", SMALL_BUFFER, POINT_MASS, GATE),
    ("td3", SMALL_BUFFER, POINT_MASS, GATE),
    ("dqn", SMALL_BUFFER, CARTPOLE, BALANCE),
    ("ppo-lstm", LSTM, CARTPOLE, BALANCE),
]


def experiment(student: str, options: Any, env: Any, distill: Any = None, **changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "env": {"id": env, "n_envs": 2} if isinstance(env, str) else env,
        "teacher": "random",
        "student": {"name": student, "options": options, "distill": distill},
        "steps": 1024,
        "evaluate_every": 0,
        "checkpoint_every": 256,
        "name": "run",
    }
    return Experiment.model_validate({**fields, **changes})


def maze(**options: Any) -> dict[str, Any]:
    return {"id": "teachrl/Maze-v0", "n_envs": 8, "options": {**ROOM, **options}}


def student_of(chosen: Experiment) -> Any:
    facts = declared_facts(chosen.env)
    spaces = facts.observation_space, facts.action_space
    return build_student(chosen.student, facts, StudentContext(*spaces, chosen.env.n_envs, chosen.seed, chosen.steps))


def evaluation(run: Path) -> Any:
    return read_json(sorted((run / "evaluations").iterdir())[-1])


def parts(run: Path, name: str = "student") -> Any:
    return read_tree(sorted((run / "checkpoints").iterdir())[-1] / f"{name}.npz")


@pytest.fixture(scope="module", autouse=True)
def few_tasks() -> Iterator[None]:
    """Ten tasks tell as much as fifty, and are played in a fifth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("teachrl.tasks.test_sets.GENERATED_TASKS", 10)
        yield


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each algorithm, short, to be mentors and to give their experience."""
    folder, none = tmp_path_factory.mktemp("earlier"), None
    return {
        name: train(experiment(name, options, env, none, name=name, steps=256, test_set=none), folder).path
        for name, options, env, _ in KINDS
    }


@pytest.mark.parametrize(("name", "options", "env", "mentor"), KINDS)
def test_a_weight_of_0_is_the_plain_student(name: str, options: Any, env: str, mentor: str, tmp_path: Path) -> None:
    plain = train(experiment(name, options, env, steps=512), tmp_path / "plain").path
    distill = {"mentor": mentor, "weight": 0, "capacity": 100}
    assert same_tree(parts(plain), parts(train(experiment(name, options, env, distill, steps=512), tmp_path).path))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "env", "mentor"), KINDS)
def test_interrupted_and_resumed_equals_never_interrupted(
    name: str, options: Any, env: str, mentor: str, earlier: dict[str, Path], tmp_path: Path
) -> None:
    distill = {"mentor": mentor, "cloning_steps": 200, "cloning_epochs": 1, "weight": 1.0, "decay_steps": 1000}
    distill |= {"beta": 0.5, "beta_steps": 200, "capacity": 300, "batch_size": 64}
    if name in ("sac", "td3", "dqn"):
        distill |= {"replay": str(earlier[name])}
    chosen = experiment(name, options, env, distill, steps=768)
    whole = train(chosen, tmp_path / "whole")
    for at in (100, 400):

        def stop(progress: Any, at: int = at) -> None:
            if progress.step >= at:
                os.kill(os.getpid(), signal.SIGTERM)

        assert train(chosen, tmp_path / "cut", on_progress=stop).status == "interrupted"
    assert_same_run(whole.path, train(chosen, tmp_path / "cut").path)


@pytest.mark.parametrize(("name", "options"), [
    ("ppo", {"n_steps": 250, "batch_size": 500}),
    ("dqn", {"learning_starts": 10_000, "train_freq": 250}),
])  # fmt: skip
def test_discrete_students_clone_a_mentor(name: str, options: Any, tmp_path: Path) -> None:
    distill = {"mentor": BALANCE, "cloning_steps": 2000, "cloning_epochs": 20, "learning_rate": 3e-3, "batch_size": 64}
    chosen = experiment(name, options, CARTPOLE, distill, steps=2000, checkpoint_every=2000)
    run = train(chosen, tmp_path).path
    assert evaluation(run)["mean_return"] >= 95
    assert read_json(run / "status.json")["costs"]["training_steps"] == 2000


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [
    ("ppo", {"n_steps": 250, "batch_size": 500}),
    ("sac", {"learning_starts": 10_000, "train_freq": 250}),
    ("td3", {"learning_starts": 10_000, "train_freq": 250}),
])  # fmt: skip
def test_continuous_students_clone_a_mentor(name: str, options: Any, tmp_path: Path) -> None:
    distill = {"mentor": GATE, "cloning_steps": 4000, "cloning_epochs": 20, "learning_rate": 1e-3, "batch_size": 128}
    chosen = experiment(name, options, POINT_MASS, distill, steps=4000, checkpoint_every=4000, seed=1)
    run = train(chosen, tmp_path).path
    assert evaluation(run)["mean_return"] >= 0.8 * 81.9  # the mentor's own
    assert "distillation" in parts(run)


def test_a_student_of_the_same_kind_learns_the_distribution_of_its_mentor(
    earlier: dict[str, Path], tmp_path: Path
) -> None:
    mentor: Any = load_student(earlier["sac"]).student
    distill = {"mentor": str(earlier["sac"]), "weight": 1, "rl": False, "epochs": 20, "learning_rate": 3e-3}
    options = {"learning_starts": 10_000, "train_freq": 128, "buffer_size": 700}
    run = train(experiment("sac", options, POINT_MASS, distill, steps=4096, seed=1), tmp_path).path
    states = np.random.default_rng(0).uniform(-2, 2, (200, 6)).astype(np.float32)
    heads = [s.head({"observations": states}) for s in (mentor, load_student(run).student)]
    for one, two in ((heads[0].center, heads[1].center), (heads[0].log_std, heads[1].log_std)):
        assert float((one - two).abs().mean().detach()) < 0.1


def test_dagger_brings_a_partial_view_to_the_return_of_a_mentor_that_sees_all(tmp_path: Path) -> None:
    distill = {"mentor": WAY, "privileged": True, "weight": 1, "rl": False, "beta": 1.0, "beta_steps": 4000}
    distill |= {"capacity": 20_000, "epochs": 4, "learning_rate": 2e-3}
    options = {**LSTM, "hidden_size": 32}
    chosen = experiment("ppo-lstm", options, maze(privileged=True), distill, steps=12_000, checkpoint_every=12_000)
    run = train(chosen, tmp_path).path
    result = evaluation(run)
    space: Any = declared_facts(chosen.env).task_space
    optimal = float(space.optimal_return(np.stack([space.vector(t["task"]) for t in result["tasks"]])).mean())
    assert result["mean_return"] >= 0.9 * optimal


def test_the_mentor_acts_at_its_share_of_the_steps_and_what_is_stored_is_what_was_played() -> None:
    distill = {"mentor": GATE, "weight": 1, "beta": 0.3}
    student = student_of(experiment("sac", {**SMALL_BUFFER, "learning_starts": 0}, POINT_MASS, distill))
    seen = np.random.default_rng(0).uniform(-1, 1, (2000, 6)).astype(np.float32)
    decision = student.act(seen, np.zeros((2000, 0)))
    from tests.support.mentors import pass_the_gate

    by_mentor = (decision.actions == pass_the_gate(seen)).all(axis=1)
    assert 0.27 < by_mentor.mean() < 0.33
    assert np.allclose(decision.extras["actions"], decision.actions / 10, atol=1e-6)
    assert not (student.act(seen, np.zeros((2000, 0)), deterministic=True).actions == pass_the_gate(seen)).any()


@pytest.mark.parametrize(("name", "options"), [(k[0], k[1]) for k in KINDS if k[2] == POINT_MASS])
def test_a_residual_begins_as_its_mentor_and_resumes_alike(
    name: str, options: Any, earlier: dict[str, Path], tmp_path: Path
) -> None:
    mentor = load_student(earlier["ppo"]).student
    seen = np.random.default_rng(0).uniform(-3, 3, (50, 6)).astype(np.float32)
    nothing = np.zeros((50, 0))
    distill = {"mentor": str(earlier["ppo"]), "residual": True}
    chosen = experiment(name, options, POINT_MASS, distill, steps=512)
    wanted = mentor.act(seen, nothing, deterministic=True).actions
    assert np.array_equal(student_of(chosen).act(seen, nothing, deterministic=True).actions, wanted)
    whole = train(chosen, tmp_path / "whole").path

    def stop(progress: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    train(chosen, tmp_path / "cut", on_progress=stop)
    assert_same_run(whole, train(chosen, tmp_path / "cut").path)
    learnt = load_student(whole).student.act(seen, nothing, deterministic=True).actions
    assert not np.array_equal(learnt, wanted)
    assert np.abs(learnt - wanted).max() <= 1.0 + 1e-5  # a tenth of half the range


def test_batches_have_their_share_of_the_earlier_runs_rows(earlier: dict[str, Path]) -> None:
    distill = {"replay": str(earlier["sac"]), "replay_share": 0.25}
    student = student_of(experiment("sac", SMALL_BUFFER, POINT_MASS, distill))._student
    rows = student.experience(0, 50)
    student.load_experience(0, {**rows, "rewards": np.full_like(rows["rewards"], -7.0)})
    batch = student.model.replay_buffer.sample(40)
    assert int((batch.rewards == -7.0).sum()) == 30
    assert batch.observations.shape == (40, 6)
    stored = read_tree(next((earlier["sac"] / "experience").iterdir()))
    assert np.isin(batch.rewards[30:].numpy(), stored["rewards"]).all()


def test_an_imitating_student_plays_without_its_mentor(tmp_path: Path) -> None:
    distill = {"mentor": "tests.support.mentors:balance", "weight": 1}
    run = train(experiment("ppo", PPO, CARTPOLE, distill, steps=256), tmp_path).path
    text = (run / "experiment.yaml").read_text()
    (run / "experiment.yaml").write_text(text.replace("tests.support.mentors:balance", "gone:away"))
    assert evaluate_run(run, episodes=1).mean_return > 0


def test_a_run_is_not_resumed_with_another_mentor(tmp_path: Path, earlier: dict[str, Path]) -> None:
    chosen = experiment("ppo", PPO, POINT_MASS, {"mentor": str(tmp_path / "mentor" / "run"), "weight": 1})
    train(experiment("ppo", PPO, POINT_MASS, steps=256), tmp_path / "mentor")

    def stop(progress: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    train(chosen, tmp_path, on_progress=stop)
    train(experiment("ppo", PPO, POINT_MASS, steps=512), tmp_path / "mentor", mode="resume")
    with pytest.raises(TeachrlError, match="cannot resume exactly"):
        train(chosen, tmp_path)


@pytest.mark.parametrize(("distill", "words"), [
    ({"weight": 1}, "need a mentor"),
    ({"mentor": GATE, "weight": 1, "residual": True}, "residual begins as its mentor"),
    ({"mentor": GATE, "rl": False}, "nothing to learn from"),
    ({"mentor": GATE, "cloning_steps": 500, "capacity": 100}, "capacity must hold"),
    ({"mentor": GATE, "wieght": 1}, "did you mean 'weight'"),
    ({"mentor": GATE, "beta": 1.5}, "less than or equal to 1"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(distill: Any, words: str, tmp_path: Path) -> None:
    from teachrl.config.loading import load_experiment

    with pytest.raises(UsageError, match=words):
        load_experiment(None, {"env": POINT_MASS, "student": {"name": "ppo", "distill": distill}})


@pytest.mark.parametrize(("name", "env", "distill", "words"), [
    ("ppo", POINT_MASS, {"mentor": "nowhere", "weight": 1}, "no run directory"),
    ("ppo", POINT_MASS, {"mentor": GATE, "weight": 1, "privileged": True}, "declares no privileged_space"),
    ("ppo", CARTPOLE, {"mentor": "ppo", "weight": 1}, "acts in Box"),
    ("ppo", maze(privileged=True), {"mentor": "dqn", "weight": 1}, "acts in Discrete"),
    ("dqn", CARTPOLE, {"mentor": "ppo-lstm", "weight": 1}, "cannot be one; ppo, sac, td3 and dqn can"),
    ("dqn", CARTPOLE, {"mentor": BALANCE, "residual": True}, "bounded Box"),
    ("ppo", POINT_MASS, {"mentor": GATE, "beta": 0.5}, "nothing to learn from"),
    ("ppo", POINT_MASS, {"replay": "sac"}, "with a replay buffer: sac, td3 and dqn"),
    ("sac", POINT_MASS, {"replay": "ppo"}, "stored no experience"),
    ("dqn", CARTPOLE, {"replay": "sac"}, "was played in"),
    ("docs.examples.own_student:LinearStudent", CARTPOLE, {"mentor": BALANCE, "weight": 1},
     "students ppo, ppo-lstm, sac, td3 and dqn"),
])  # fmt: skip
def test_what_cannot_work_is_refused_before_training(
    name: str, env: Any, distill: Any, words: str, earlier: dict[str, Path], tmp_path: Path
) -> None:
    given = {key: str(earlier.get(value, value)) if isinstance(value, str) else value for key, value in distill.items()}
    with pytest.raises(UsageError, match=words):
        train(experiment(name, {}, env, given), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_mentor_that_sees_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    mentor = train(experiment("ppo", {**PPO, "n_steps": 16}, maze(observe="full"), steps=128), tmp_path / "mentor").path
    distill = {"mentor": str(mentor), "weight": 1}
    with pytest.raises(UsageError, match=r"set student\.distill\.privileged"):
        student_of(experiment("ppo", PPO, maze(privileged=True), distill))
    student_of(experiment("ppo", PPO, maze(privileged=True), {**distill, "privileged": True}))


def test_a_function_that_gives_no_actions_is_named() -> None:
    distill = {"mentor": "tests.support.mentors:of_another_shape", "beta": 1.0, "weight": 1}
    student = student_of(experiment("ppo", PPO, POINT_MASS, distill))
    with pytest.raises(TeachrlError, match="of_another_shape"):
        student.act(np.zeros((2, 6), dtype=np.float32), np.zeros((2, 0)))
