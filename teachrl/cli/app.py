"""The entry point: puts the commands together and turns what goes wrong into one screen and an exit code."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from teachrl.cli.bench import bench
from teachrl.cli.doctor import doctor
from teachrl.cli.evaluate import evaluate
from teachrl.cli.explain import explain
from teachrl.cli.listing import list_names
from teachrl.cli.replay import replay
from teachrl.cli.report import report
from teachrl.cli.snapshots import snapshots
from teachrl.cli.subgoals import subgoals
from teachrl.cli.train import train
from teachrl.cli.vae import vae
from teachrl.cli.watch import watch
from teachrl.errors import TeachrlError, UsageError

CTRL_C = 130  # what newer versions of typer return for it, where older ones raise Abort
MAX_LINES = 20
MAX_WIDTH = 400
# What the operating system says about a path that the user gave; anything else (a full disk) is a failed run.
PATH_ERRORS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.EROFS,
        errno.ELOOP,
    }
)

# Plain help: rich's panels would cost a third of the time in which help has to answer.
app = typer.Typer(name="teachrl", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _teachrl(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Curriculum reinforcement learning: a teacher decides what a student practises next."""
    if version:
        typer.echo(f"teachrl {importlib.metadata.version('teachrl')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


app.command("train")(train)
app.command("evaluate")(evaluate)
app.command("report")(report)
app.command("watch")(watch)
app.command("replay")(replay)
app.command("explain")(explain)
app.command("snapshots")(snapshots)
app.command("list")(list_names)
app.command("doctor")(doctor)
app.add_typer(bench, name="bench")
app.add_typer(vae, name="vae")
app.add_typer(subgoals, name="subgoals")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 (it failed) or 2 (it was asked for wrongly)."""
    try:
        result: Any = app(args=list(sys.argv[1:] if argv is None else argv), prog_name="teachrl", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("stopped", 1)
    except UsageError as error:
        return _fail(str(error), 2)
    except TeachrlError as error:
        return _fail(str(error), 1)
    except BrokenPipeError:
        # Whoever read the output (`head`) has enough; without this, Python complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        path = f"{error.filename}: " if error.filename is not None else ""
        return _fail(f"{path}{error.strerror or error}", 2 if error.errno in PATH_ERRORS else 1)
    except Exception as error:
        if _is_click_error(error) or _is_task_error(error):
            return _fail(_message(error), 2)
        raise
    if result == CTRL_C:
        return _fail("stopped", 1)
    return result if isinstance(result, int) else 0


def _is_click_error(error: Exception) -> bool:
    # Newer versions of typer carry their own copy of click, so its classes are reached through what typer exports.
    return isinstance(error, typer.BadParameter.__mro__[2])


def _is_task_error(error: Exception) -> bool:
    # Imported by now if one was raised; importing it here would slow every command down.
    tasks = sys.modules.get("teachrl_envs.tasks")
    return tasks is not None and isinstance(error, tasks.TaskError)


def _message(error: Exception) -> str:
    text = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{text}\nTry '{command} --help'." if command else text


def _fail(message: str, code: int) -> int:
    """Print at most one screen, with nothing in it that could move a terminal's cursor."""
    lines = ["".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in message.split("\n")]
    lines = [line if len(line) <= MAX_WIDTH else f"{line[:MAX_WIDTH]}..." for line in lines]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... and {len(lines) - MAX_LINES} more lines"]
    typer.echo("error: " + "\n".join(lines), err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
