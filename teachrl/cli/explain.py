"""``teachrl explain``: why the teacher chose the task of an episode."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.evaluation.explanation import Explanation


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    episode: Annotated[
        int | None, typer.Option("--episode", metavar="N", min=0, help="Place in the log, from 0.")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="The last one in the log; the default.")] = False,
    env_index: Annotated[
        int | None, typer.Option("--env-index", metavar="I", min=0, help="Environment, with --number.")
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("--number", metavar="K", min=0, help="Index of the episode within that environment, from 0."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell why the teacher chose the task of one episode of a run."""
    if (episode is not None) + last + (env_index is not None or number is not None) > 1:
        raise UsageError("--episode, --last, and --env-index with --number each name an episode; give one of them")
    if (env_index is None) != (number is None):
        raise UsageError("--env-index and --number name an episode together; give both")
    from teachrl.evaluation.explanation import explain_episode

    # Libraries that greet on stdout (pygame does) would spoil the document.
    with contextlib.redirect_stdout(sys.stderr):
        found = explain_episode(run, episode, env_index=env_index, number=number)
    typer.echo(_document(found) if as_json else _page(found))


def _document(found: Explanation) -> str:
    reason = {name: x if math.isfinite(x) else None for name, x in found.reason.items()}
    return json.dumps({**vars(found), "reason": reason})


def _page(found: Explanation) -> str:
    success = {True: ", success", False: ", no success", None: ""}[found.success]
    lines = {
        "episode": f"{found.episode} of {found.episodes} in the log: number {found.number} of environment "
        f"{found.env_index}, ended at step {found.step:,}",
        "task": ", ".join(f"{name} = {_value(value)}" for name, value in found.task.items()),
        "rule": found.origin or "-",
        "reason": ", ".join(f"{name} = {x:.4g}" for name, x in found.reason.items()) or "-",
        "why": found.sentence,
        "teacher version": str(found.teacher_version),
        "return": f"{found.episode_return:.2f} in {found.length} steps{success}",
    }
    return "\n".join(f"{name:<17}{text}" for name, text in lines.items())


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
