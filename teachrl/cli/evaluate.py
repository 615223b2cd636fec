"""``teachrl evaluate``: judge a trained student on a frozen test set."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.records.evaluation import EvaluationResult

HARDEST = 5
LEVEL_EPISODES = 10


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    test_set: Annotated[
        str | None, typer.Option("--test-set", metavar="NAME|FILE", help="Default: the one of the run.")
    ] = None,
    levels: Annotated[
        int | None,
        typer.Option("--levels", min=1, help="Instead of a test set, so many random solvable levels, and the worst."),
    ] = None,
    episodes: Annotated[
        int | None,
        typer.Option("--episodes", min=1, help="For each task. Default: what the test set says; 10 with --levels."),
    ] = None,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Draw actions from the policy instead of taking the most likely ones.")
    ] = False,
    step: Annotated[
        int | None, typer.Option("--step", min=0, help="The newest checkpoint up to this step. Default: the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Evaluate the student of a run on a frozen test set, or on random levels."""
    if levels is not None and test_set is not None:
        raise UsageError("--levels draws levels of its own: leave out --test-set, or leave out --levels")
    # Libraries that greet on stdout (pygame does) would spoil the document.
    if levels is None:
        with contextlib.redirect_stdout(sys.stderr):
            from teachrl.evaluation.evaluator import evaluate_run

            result = evaluate_run(run, test_set, episodes, deterministic=not sampled, step=step)
        if as_json:
            typer.echo(json.dumps(result.to_json()))
        else:
            _print_summary(result)
        return
    with contextlib.redirect_stdout(sys.stderr):
        from teachrl.evaluation.levels import evaluate_levels

        found = evaluate_levels(run, levels, episodes or LEVEL_EPISODES, deterministic=not sampled, step=step)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _print_levels(found)


def _print_levels(result: Mapping[str, Any]) -> None:
    rate, regret = result["mean_solve_rate"], result["mean_oracle_regret"]
    typer.echo(
        f"{result['levels']} random solvable levels: mean solve rate {rate:.3f}, mean oracle regret {regret:.3f}"
    )
    for entry in result["cvar"]:
        typer.echo(f"  mean solve rate of the worst {100 * entry['share']:g} %: {entry['solve_rate']:.3f}")


def _print_summary(result: EvaluationResult) -> None:
    from rich.console import Console
    from rich.table import Table

    tasks, mastered = result.tasks, _number(result.mastered_percent)
    typer.echo(f"mastered {mastered} % of {len(tasks)} tasks, mean return {_number(result.mean_return)}")
    typer.echo(f"mean solve rate {_number(result.mean_solve_rate)}, {result.episodes_per_task} episodes a task")
    table = Table(title=f"lowest {min(HARDEST, len(tasks))} returns")
    for column in ("task", "return", "solve rate", "mastered"):
        table.add_column(column)
    for task in sorted(tasks, key=lambda task: task.episode_return)[:HARDEST]:
        figures = _number(task.episode_return), _number(task.solve_rate)
        table.add_row(json.dumps(task.task), *figures, "yes" if task.mastered else "no")
    Console(markup=False).print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
