"""``teachrl train``: build the experiment from a file and flags, run it, show how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from teachrl.cli.folders import check_lasting
from teachrl.config.packaged import DEFAULT_BUDGET, find
from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.config.experiment import Experiment

EXAMPLE = "for example: teachrl train quickstart, or: teachrl train --env teachrl/StumpTracks-v0"


def train(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="[EXPERIMENT]", help="A name from `teachrl list experiments`, or a YAML file."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help=f"One of the file's budgets, such as smoke; default, where it has any: {DEFAULT_BUDGET}."),
    ] = None,
    env: Annotated[str | None, typer.Option(help="Environment id, or module:callable.")] = None,
    teacher: Annotated[str | None, typer.Option(help="Teacher, or module:Class.")] = None,
    student: Annotated[str | None, typer.Option(help="Student, or module:Class.")] = None,
    steps: Annotated[str | None, typer.Option("-n", "--steps", help="Environment steps, such as 1e6.")] = None,
    seed: Annotated[str | None, typer.Option(help="Seed of everything random.")] = None,
    n_envs: Annotated[str | None, typer.Option(help="Copies of the environment, of all workers together.")] = None,
    backend: Annotated[str | None, typer.Option(help="local, or ray: workers in processes of their own.")] = None,
    workers: Annotated[str | None, typer.Option(help="How many workers share the copies.")] = None,
    envs_per_worker: Annotated[str | None, typer.Option(help="Sets --n-envs to so many times --workers.")] = None,
    name: Annotated[str | None, typer.Option(help="Folder of the run; default: made from the above.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Any setting of the file; repeatable.")
    ] = None,
    runs_dir: Annotated[Path, typer.Option("-f", "--runs-dir", help="Where runs are kept.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue; --steps may be raised.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew where a run exists.")] = False,
) -> None:
    """Train a student under a teacher. The same command again continues an unfinished run."""
    if resume and overwrite:
        raise UsageError("--resume continues a run and --overwrite deletes it; give one of them")
    check_lasting(runs_dir, "--runs-dir")
    from teachrl.config.loading import load_experiment
    from teachrl.factory.check import check_names

    flags = {"env": env, "teacher": teacher, "student": student, "steps": steps, "seed": seed, "name": name}
    copies = _copies(n_envs, workers, envs_per_worker)
    flags |= {"env.n_envs": copies, "backend": backend, "workers.count": workers}
    overrides = _overrides(flags, settings or [])
    if experiment is None and "env" not in overrides:
        raise UsageError(f"train needs an experiment file or --env; {EXAMPLE}")
    file = find("experiment", experiment) if experiment is not None else None
    chosen = load_experiment(file, overrides, budget=budget)
    check_names(chosen)
    _run(chosen, runs_dir, "resume" if resume else "overwrite" if overwrite else "auto")


def _copies(n_envs: str | None, workers: str | None, envs_per_worker: str | None) -> str | None:
    """``env.n_envs`` of three flags that say the same thing."""
    if envs_per_worker is None:
        return n_envs
    if n_envs is not None or workers is None:
        raise UsageError("--envs-per-worker goes with --workers, in the place of --n-envs")
    if not (workers.isdecimal() and envs_per_worker.isdecimal()):
        raise UsageError(f"--workers and --envs-per-worker are whole numbers; got {workers!r} and {envs_per_worker!r}")
    return str(int(workers) * int(envs_per_worker))


def _overrides(flags: dict[str, str | None], settings: Sequence[str]) -> dict[str, Any]:
    """Flags and ``--set`` as one mapping; a name stays the text that it is, even if it looks like a number."""
    from teachrl.config.loading import merge_settings, parse_set

    overrides: dict[str, Any] = {}
    for field, value in flags.items():
        part, _, inner = field.partition(".")
        if value is not None:
            overrides = merge_settings(overrides, {part: {inner: value} if inner else value})
    return merge_settings(overrides, parse_set(settings))


def _run(experiment: Experiment, runs_dir: Path, mode: Literal["auto", "resume", "overwrite"]) -> None:
    from teachrl.cli.progress import progress_display
    from teachrl.training.run import train as run

    with progress_display() as on_progress:
        result = run(experiment, runs_dir=runs_dir, mode=mode, on_progress=on_progress)
    interrupted = result.status == "interrupted"
    if interrupted:
        how = "without --overwrite " if mode == "overwrite" else ""
        typer.echo(f"interrupted at step {result.step:,}; the same command {how}continues from here")
    if result.status == "stopped":
        typer.echo(f"stopped at step {result.step:,}, as a callback asked for")
    # The last line is for scripts.
    typer.echo(f"run: {result.path}")
    if interrupted:
        raise typer.Exit(1)
