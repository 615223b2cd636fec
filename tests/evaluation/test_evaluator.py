"""Evaluation: every task its quota, solve rates, drawn actions that disturb nobody, worst levels judged fairly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from teachrl.config.experiment import EnvConfig, Experiment
from teachrl.environments import EnvironmentFacts, environment_facts, make_env
from teachrl.errors import TeachrlError, UsageError
from teachrl.evaluation import levels as level_evaluation
from teachrl.evaluation.evaluator import Evaluator, evaluate_run
from teachrl.evaluation.levels import aggregate, evaluate_levels, solvable_levels
from teachrl.factory.student import TrainedStudent
from teachrl.records.evaluation import EvaluationResult
from teachrl.runs.checkpoints import step_of
from teachrl.runs.directory import RunDirectory
from teachrl.students.base import Decision
from teachrl.tasks.test_sets import TestSet
from teachrl.training.run import train
from teachrl_envs.maze.env import Maze
from teachrl_envs.maze.level_space import LevelTaskSpace
from tests.support.own_classes import Trap

FORWARD = 2
AHEAD, BEHIND, FAR = ({"rows": [row, "..."]} for row in (">G.", "G.>", ">.G"))


class OwnMaze(Maze):
    """StepResult one after the other."""


class Policy:
    """Goes forward, or with drawn actions sometimes turns; remembers how often it acted in its episode."""

    memory_size = 1
    discount = 0.99

    def __init__(self) -> None:
        self.memories: list[float] = []

    def experience_kept(self) -> int:
        return 0

    def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
        self.memories += memory[:, 0].tolist()
        actions = np.full(len(observations), FORWARD)
        if not deterministic:
            actions = np.where(torch.rand(len(observations)).numpy() < 0.5, actions, 0)
        return Decision(actions, memory=memory + 1)


def maze_facts(**options: Any) -> EnvironmentFacts:
    return environment_facts(Maze(**options), EnvConfig(id="teachrl/Maze-v0"))


def evaluator(kind: type[Maze], episodes: int, tasks: Any = (AHEAD, BEHIND, FAR)) -> Evaluator:
    facts = maze_facts(height=2, width=3, max_steps=6)
    test_set = TestSet("three", tuple(tasks), episodes, 4, {})
    return Evaluator(lambda: kind(2, 3, max_steps=6), facts, test_set, 0.9)


def test_results_by_task() -> None:
    result = evaluator(Maze, 2).evaluate(Policy())
    returns = [1 - 0.9 / 6, 0.0, 1 - 0.9 * 2 / 6]
    assert [t.episode_return for t in result.tasks] == pytest.approx(returns)
    assert [t.discounted_return for t in result.tasks] == pytest.approx([returns[0], 0, 0.9 * returns[2]])
    assert [t.solve_rate for t in result.tasks] == [1.0, 0.0, 1.0]
    assert [t.mastered for t in result.tasks] == [True, False, True]
    assert (result.mean_solve_rate, result.mastered_percent) == pytest.approx((2 / 3, 200 / 3))
    assert (result.steps, result.episodes_per_task, result.deterministic) == (18, 2, True)


@pytest.mark.parametrize("deterministic", [True, False])
def test_in_one_call_and_one_after_the_other_is_the_same(deterministic: bool) -> None:
    # Five episodes a task fill the 16 separate environments but for one, so both kinds act on the same rows.
    one, two = (evaluator(kind, 5).evaluate(Policy(), deterministic) for kind in (Maze, OwnMaze))
    assert one == two


def test_every_episode_begins_without_a_memory_also_when_rows_are_used_again() -> None:
    policy = Policy()
    result = evaluator(OwnMaze, 20).evaluate(policy)
    assert result.steps == len(policy.memories) == 20 * 9
    assert np.bincount(np.array(policy.memories, dtype=int)).tolist() == [60, 40, 20, 20, 20, 20]


def test_drawn_actions_follow_from_the_test_sets_seed_and_leave_the_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = evaluator(Maze, 30).evaluate(Policy(), deterministic=False)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert evaluator(Maze, 30).evaluate(Policy(), deterministic=False) == one
    assert one.deterministic is False
    rates = [task.solve_rate for task in one.tasks]
    assert all(rate is not None and 0 < rate < 1 for rate in (rates[0], rates[2]))


def test_a_fault_names_the_task() -> None:
    facts = environment_facts(Trap(), EnvConfig(id="tests.support.own_classes:Trap"))
    test_set = TestSet("traps", ({"danger": 0.1}, {"danger": 0.9}), 1, 0, {})

    class Still(Policy):
        def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
            return Decision(np.zeros((len(observations), 1), dtype=np.float32))

    for fault in ("step", "reset", "nan observation"):
        with pytest.raises(TeachrlError, match=r"evaluation on task \{'danger': 0.9\} failed"):
            Evaluator(lambda fault=fault: Trap(fault), facts, test_set, 0.9).evaluate(Still())


def small_run(student: Any, path: Path, **settings: Any) -> Path:
    fields = {
        "env": {"id": "teachrl/Maze-v0", "n_envs": 2, "options": {"height": 3, "width": 3, "max_steps": 20}},
        "teacher": "random",
        "student": student,
        "steps": 64,
        "evaluate_every": 0,
        "name": "run",
        **settings,
    }
    return train(Experiment.model_validate(fields), path).path


def test_a_run_is_evaluated_with_drawn_actions_and_on_random_levels(tmp_path: Path) -> None:
    run = small_run({"name": "ppo", "options": {"n_steps": 32, "batch_size": 64}}, tmp_path)
    one, two = (evaluate_run(run, episodes=30, deterministic=False) for _ in range(2))
    assert one == two
    assert (one.episodes_per_task, one.deterministic) == (30, False)
    assert any(task.solve_rate is not None and 0 < task.solve_rate < 1 for task in one.tasks)
    with pytest.raises(UsageError, match="episodes must be 1 or more"):
        evaluate_run(run, episodes=0)
    levels = evaluate_levels(run, 20, 5, deterministic=False)
    assert levels == evaluate_levels(run, 20, 5, deterministic=False)
    assert [entry["share"] for entry in levels["cvar"]] == [0.001, 0.01, 0.02, 0.05, 0.1]
    assert len(levels["solve_rates"]) == len(levels["oracle_regrets"]) == 20
    assert min(levels["oracle_regrets"]) > -1e-9


def test_an_earlier_checkpoint_is_evaluated(tmp_path: Path) -> None:
    options = {"n_steps": 32, "batch_size": 64}
    run = small_run({"name": "ppo", "options": options}, tmp_path, steps=192, checkpoint_every=64, keep_checkpoints=3)
    steps = [step_of(checkpoint) for checkpoint in RunDirectory.open(run).checkpoints().all()]
    assert len(steps) > 1
    assert evaluate_run(run).step == evaluate_run(run, step=10**9).step == steps[-1]
    assert evaluate_run(run, step=steps[-1] - 1).step == steps[-2]
    assert evaluate_levels(run, 5, 1, step=steps[0])["step"] == steps[0]
    with pytest.raises(UsageError, match=f"keeps no checkpoint up to step 1, only {steps[0]}, "):
        evaluate_run(run, step=1)


def test_students_with_a_replay_buffer_cannot_be_sampled(tmp_path: Path) -> None:
    run = small_run({"name": "dqn", "options": {"learning_starts": 10}}, tmp_path)
    for attempt in (lambda: evaluate_run(run, deterministic=False), lambda: evaluate_levels(run, 5, 1, False)):
        with pytest.raises(UsageError, match="dqn learns from a replay buffer"):
            attempt()


def loaded(monkeypatch: pytest.MonkeyPatch, policy: Any, **options: Any) -> None:
    experiment = Experiment.model_validate({"env": {"id": "teachrl/Maze-v0", "options": options}, "steps": 1})
    trained = TrainedStudent(
        experiment, maze_facts(**options), policy, 7, lambda render=False: make_env(experiment.env)
    )
    monkeypatch.setattr(level_evaluation, "load_student", lambda run, step: trained)


def test_the_worst_levels_are_played_again_with_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lucky(Policy):
        """Goes forward every other time. In episodes of one step that solves any solvable level half of the time."""

        def act(self, observations: Any, memory: Any, deterministic: bool = False) -> Decision:
            return Decision(np.where(torch.rand(len(observations)).numpy() < 0.5, FORWARD, 0))

    loaded(monkeypatch, Lucky(), height=2, width=2, max_steps=1)
    result = evaluate_levels(Path("run"), 400, 10, deterministic=False, shares=[0.1, 1.0])
    assert result["mean_solve_rate"] == pytest.approx(0.5, abs=0.03)
    assert np.sort(result["solve_rates"])[:40].mean() < 0.3  # chosen and judged by the same episodes
    assert result["cvar"][0]["solve_rate"] == pytest.approx(0.5, abs=0.08)
    assert result["cvar"][1]["solve_rate"] == pytest.approx(0.5, abs=0.03)


def test_oracle_regret_is_what_the_student_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(monkeypatch, Policy(), height=2, width=2, max_steps=10)
    result = evaluate_levels(Path("run"), 50, 1)
    space = LevelTaskSpace(2, 2, max_steps=10)
    vectors = solvable_levels(space, 50, np.random.default_rng(level_evaluation.LEVEL_SEED))
    optimal = space.optimal_return(vectors)
    for solved, regret, best in zip(result["solve_rates"], result["oracle_regrets"], optimal, strict=True):
        # In two cells, going forward reaches the goal at once or never.
        assert regret == pytest.approx(0.0 if solved else best)
    assert 0 < np.mean(result["solve_rates"]) < 1
    assert result["mean_oracle_regret"] == pytest.approx(np.mean(result["oracle_regrets"]))


def test_levels_are_drawn_until_enough_can_be_solved() -> None:
    space = LevelTaskSpace(5, 5, generator="uniform_count", walls=18)
    vectors = solvable_levels(space, 150, np.random.default_rng(0))
    assert vectors.shape == (150, space.size)
    assert space.is_solvable(vectors).all()
    impossible = LevelTaskSpace(9, 9, generator="perfect", max_steps=1)
    with pytest.raises(UsageError, match="fewer than 3 can be solved"):
        solvable_levels(impossible, 3, np.random.default_rng(0))


def test_several_runs_together() -> None:
    def evaluation(rates: Sequence[float | None], **changes: Any) -> EvaluationResult:
        tasks = [{"task": {"rows": [str(i)]}, "solve_rate": rate} for i, rate in enumerate(rates)]
        fields = {"test_set": "mazes-v1", "episodes_per_task": 100, "deterministic": False, "tasks": tasks}
        return EvaluationResult.from_json({"step": 0, **fields, **changes})

    runs = [evaluation(rates) for rates in ((0.0, 0.4), (0.2, 0.6), (0.4, 0.8))]
    result = aggregate(runs, np.random.default_rng(0))
    assert (result["test_set"], result["runs"]) == ("mazes-v1", 3)
    assert [t["solve_rate"]["value"] for t in result["tasks"]] == pytest.approx([0.2, 0.6])
    half = 4.3026527 * 0.2 / np.sqrt(3)
    assert result["tasks"][0]["solve_rate"]["interval"] == pytest.approx([0.2 - half, 0.2 + half])
    assert result["mean_solve_rate"]["value"] == pytest.approx(0.4)
    assert result["interquartile_mean_solve_rate"]["value"] == pytest.approx(0.4)
    low, high = result["interquartile_mean_solve_rate"]["interval"]
    assert 0 <= low < 0.4 < high <= 0.8
    assert aggregate(runs[:2], np.random.default_rng(0))["mean_solve_rate"]["interval"] is None
    with pytest.raises(UsageError, match="evaluations differ"):
        aggregate([runs[0], evaluation([0.1, 0.2], deterministic=True)], np.random.default_rng(0))
    with pytest.raises(UsageError, match="report"):
        aggregate([evaluation([None, None])], np.random.default_rng(0))
    with pytest.raises(UsageError, match="no evaluations"):
        aggregate([], np.random.default_rng(0))
