"""``teachrl replay``: film one episode of a trained student on a task of your choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teachrl.errors import UsageError


def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    task: Annotated[
        list[str], typer.Option("--task", metavar="K=V", help="One task parameter; repeatable; dotted in products.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.gif", help="The film.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the episode.")] = 0,
) -> None:
    """Film one episode of a run's student on the given task."""
    if output.suffix.lower() != ".gif":
        raise UsageError(f"the film is a GIF: give -o a name that ends with .gif; got {str(output)!r}")
    from teachrl.config.loading import parse_set

    values = parse_set(task, parts={})
    from teachrl.evaluation.video import replay as film

    result = film(run, values, output, seed)
    typer.echo(f"return {result['return']:.2f} in {result['length']} steps")
    typer.echo(f"film: {output}")
