"""``teachrl watch``: a live page on a run or a bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teachrl.errors import UsageError


def watch(
    folder: Annotated[Path, typer.Argument(metavar="RUN|BENCH", help="Folder of a run, or of a bench.")],
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on this machine; default: the first free one from 8050.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks at the files.")] = 5.0,
) -> None:
    """Show a run or a bench as a page that follows it, on this machine alone, until Ctrl-C."""
    try:
        from teachrl.watch.server import HOST, listening, make_app, serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "dash":
            raise
        raise UsageError("teachrl watch needs the package dash: pip install 'teachrl[watch]'") from None
    from teachrl.watch.pages import check_watched

    check_watched(folder)
    with listening(port) as listener:
        app = make_app(folder, every)
        typer.echo(f"watch: http://{HOST}:{listener.getsockname()[1]}/")
        serve(app, listener)
