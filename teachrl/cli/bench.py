"""``teachrl bench``: suites of runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from teachrl.cli.folders import check_lasting
from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.bench.directory import Bench
    from teachrl.bench.jobs import Pool

bench = typer.Typer(help="Suites of runs: a grid of teachers, students and seeds, and what they say together.")
Folder = Annotated[Path, typer.Argument(metavar="BENCH", help="Folder of a bench.")]


@bench.command("run")
def run(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="A name from `teachrl bench list`, or a YAML file.")],
    budget: Annotated[Literal["smoke", "laptop", "paper"], typer.Option(help="How much it may cost.")] = "laptop",
    environments: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these environments of the suite.")
    ] = None,
    teachers: Annotated[str | None, typer.Option(metavar="A,B", help="Only these teachers of the suite.")] = None,
    students: Annotated[str | None, typer.Option(metavar="A,B", help="Only these students of the suite.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs of each cell; default: the budget's.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at once; default: one for each core.")] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Run on this Ray cluster, whose machines share the folder; auto: the one here.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, help="How often a run that failed is tried again.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; default: runs/bench/SUITE-BUDGET.")
    ] = None,
) -> None:
    """Carry out a suite. The same command again goes on where it stopped; several at once share the work."""
    from teachrl.bench.directory import Bench
    from teachrl.bench.running import run_cells
    from teachrl.bench.suite import load_suite

    loaded, name = load_suite(suite), Path(suite).stem
    folder = output if output is not None else Path("runs/bench") / f"{name}-{budget}"
    check_lasting(folder, "--output")
    if ray_address is not None:
        folder = folder.absolute()  # tasks start elsewhere
    made = Bench.prepared(folder, name, loaded, budget)
    cells = made.cells(_split(teachers), _split(students), seeds, _split(environments))
    pool = _pool(ray_address, jobs)
    try:
        result = run_cells(made, cells, pool, retries, typer.echo)
    finally:
        pool.close()
    typer.echo(
        f"{len(result.finished)} of {len(cells)} runs are finished, {len(result.failed)} failed, "
        f"{len(result.interrupted)} were interrupted, {len(result.elsewhere)} are another process's"
    )
    typer.echo(f"bench: {folder}")
    if result.failed or result.interrupted:
        raise typer.Exit(1)


def _split(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _pool(ray_address: str | None, jobs: int | None) -> Pool:
    if ray_address is None:
        from teachrl.bench.processes import Processes

        return Processes(jobs or os.cpu_count() or 1)
    try:
        from teachrl.bench.on_ray import RayTasks
    except ModuleNotFoundError as error:
        raise UsageError("--ray-address needs the package ray: pip install 'teachrl[ray]'") from error
    return RayTasks(ray_address, jobs or 1000)


@bench.command("status")
def status(
    folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False
) -> None:
    """How the runs of a bench stand."""
    standings = _open(folder).ledger.standings()
    if as_json:
        typer.echo(json.dumps({name: vars(standing) for name, standing in standings.items()}, indent=1))
        return
    for name, standing in standings.items():
        total = "" if standing.total_steps is None else f" of {standing.total_steps:,}"
        failed = f", failed {standing.failures} times: {standing.error}" if standing.failures else ""
        typer.echo(f"{standing.state:12} {name}: step {standing.step:,}{total}{failed}")


@bench.command("list")
def list_suites() -> None:
    """The suites at hand, with their size at each budget."""
    from teachrl.bench.suite import load_suite, suite_names

    for name in suite_names():
        suite = load_suite(name)
        rows = len(suite.environments) * len(suite.teachers) * len(suite.students)
        sizes = ", ".join(f"{budget}: {rows * one.seeds} runs" for budget, one in suite.budgets.items())
        typer.echo(f"{name}: {suite.title} ({sizes})")


def _open(folder: Path) -> Bench:
    from teachrl.bench.directory import Bench

    return Bench.open(folder)


@bench.command("report")
def report(
    folder: Folder,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="HTML file; default: BENCH/report.html.")
    ] = None,
) -> None:
    """Write one HTML page on a bench, and its table as CSV and Markdown beside it."""
    from teachrl.bench.report import write_bench_report

    typer.echo(f"report: {write_bench_report(_open(folder), output)}")
