"""How a student does on many random levels, its worst ones above all; and what several runs did on one test set.

Sources: Rutherford et al. 2024, "No Regrets" (arXiv 2408.15099) for the conditional value at risk of the solve rate on
sampled solvable levels; Dennis et al. 2020 (arXiv 2012.02096) for regret, here with the true optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.errors import UsageError
from teachrl.evaluation.evaluator import Evaluator, check_can_sample
from teachrl.factory.student import TrainedStudent, load_student
from teachrl.records.evaluation import EvaluationResult
from teachrl.statistics.aggregates import interquartile_mean
from teachrl.statistics.bootstrap import bootstrap_over_runs
from teachrl.statistics.estimates import mean_over_runs
from teachrl.statistics.tasks import conditional_value_at_risk, worst
from teachrl.tasks.spaces import TaskSpace, Vector
from teachrl.tasks.test_sets import TestSet

SHARES = (0.001, 0.01, 0.02, 0.05, 0.1)
"""Of the levels: how many of the worst the conditional value at risk is taken over."""
LEVEL_SEED = 7
SELECTION_SEED, ESTIMATE_SEED = 0, 1
LEAST_SOLVABLE = 0.001  # of drawn levels; a space with fewer is taken to have none


def evaluate_levels(
    run: Path,
    levels: int,
    episodes: int,
    deterministic: bool = True,
    shares: Sequence[float] = SHARES,
    step: int | None = None,
) -> dict[str, Any]:
    """Evaluate a run on ``levels`` random solvable levels, ``episodes`` times each.

    The student is that of the newest checkpoint, or of the newest up to ``step``.

    The levels are drawn from the run's own task space with a fixed seed, so they are the same for all runs with that
    environment. The worst of them are chosen by one set of episodes, and their solve rate is measured in another, whose
    actions are drawn with another seed: otherwise bad luck would pass for a bad level. Deterministic actions in an
    environment without chance do the same in both.

    Returns an object for JSON; docs/metrics.md names its fields. Raises `UsageError` where levels cannot be solved by
    search, or the environment reports no success.
    """
    if levels < 1 or episodes < 1 or not shares:
        raise UsageError(f"levels, episodes and shares are 1 or more; got {levels}, {episodes}, {len(shares)}")
    trained = load_student(run, step)
    if not deterministic:
        check_can_sample(trained)
    space = trained.facts.task_space
    vectors = solvable_levels(space, levels, np.random.default_rng(LEVEL_SEED))
    first = _play(trained, vectors, episodes, SELECTION_SEED, deterministic)
    solve_rates = np.array(_solve_rates(first))
    chosen = worst(solve_rates, max(shares))
    second = _play(trained, vectors[chosen], episodes, ESTIMATE_SEED, deterministic)
    estimates = solve_rates.copy()
    estimates[chosen] = _solve_rates(second)
    regrets = space.optimal_return(vectors) - np.array([task.episode_return for task in first.tasks])
    return {
        "run": str(run),
        "step": trained.step,
        "task_space": space.to_json(),
        "levels": levels,
        "episodes_per_level": episodes,
        "deterministic": deterministic,
        "steps": first.steps + second.steps,
        "mean_solve_rate": float(solve_rates.mean()),
        "mean_oracle_regret": float(regrets.mean()),
        "cvar": [
            {"share": share, "solve_rate": conditional_value_at_risk(solve_rates, estimates, share)} for share in shares
        ],
        "solve_rates": solve_rates.tolist(),
        "oracle_regrets": regrets.tolist(),
    }


def solvable_levels(space: TaskSpace, n: int, rng: np.random.Generator) -> Vector:
    """``n`` levels from the space's own generator that can be solved within an episode, shape ``(n, size)``.

    Raises `TaskError` where nobody can tell, `UsageError` where next to none can be solved.
    """
    kept: list[Vector] = []
    drawn = 0
    while sum(map(len, kept)) < n:
        if drawn * LEAST_SOLVABLE > n:
            raise UsageError(f"of {drawn} levels drawn from {space!r}, fewer than {n} can be solved")
        vectors = space.sample(rng, max(n, 100))
        drawn += len(vectors)
        kept.append(vectors[space.is_solvable(vectors) & (space.optimal_return(vectors) > 0)])
    return np.concatenate(kept)[:n]


def _play(trained: TrainedStudent, vectors: Vector, episodes: int, seed: int, deterministic: bool) -> EvaluationResult:
    tasks = tuple(trained.facts.task_space.task(vector) for vector in vectors)
    test_set = TestSet("random levels", tasks, episodes, seed, {})
    evaluator = Evaluator(trained.make_env, trained.facts, test_set, trained.student.discount)
    try:
        return evaluator.evaluate(trained.student, deterministic)
    finally:
        evaluator.close()


def _solve_rates(evaluation: EvaluationResult) -> list[float]:
    rates = [task.solve_rate for task in evaluation.tasks if task.solve_rate is not None]
    if len(rates) < len(evaluation.tasks):
        raise UsageError(
            "solve rates need an environment that reports success, or env.mastery_return in the experiment"
        )
    return rates


def aggregate(evaluations: Sequence[EvaluationResult], rng: np.random.Generator) -> dict[str, Any]:
    """Solve rates of several runs of one method on one test set, from what `evaluation.evaluate_run` gave for each.

    For each task and over all: the mean with Student's interval over runs. Over all also the interquartile mean with
    its stratified bootstrap interval. Intervals are null for fewer than three runs. Raises `UsageError` for evaluations
    that cannot be compared.
    """
    if not evaluations:
        raise UsageError("there are no evaluations to aggregate")
    kinds = {(e.test_set, e.episodes_per_task, e.deterministic) for e in evaluations}
    if len(kinds) > 1:
        raise UsageError(f"evaluations differ in test set, episodes per task or deterministic actions: {sorted(kinds)}")
    rates = np.array([_solve_rates(evaluation) for evaluation in evaluations])
    tasks = [task.task for task in evaluations[0].tasks]
    return {
        "test_set": evaluations[0].test_set,
        "runs": len(evaluations),
        "mean_solve_rate": mean_over_runs(rates.mean(axis=1)).to_json(),
        "interquartile_mean_solve_rate": bootstrap_over_runs(rates, interquartile_mean, rng).to_json(),
        "tasks": [
            {"task": task, "solve_rate": mean_over_runs(column).to_json()}
            for task, column in zip(tasks, rates.T, strict=True)
        ],
    }
