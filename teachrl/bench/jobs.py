"""One cell's work, as commands in processes of their own; the same on this machine and in a cluster's task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from teachrl.bench.cells import Cell
from teachrl.bench.directory import Bench

# The environment variable with the process id of the bench; `teachrl.cli.child` ends its run when that process ends.
PARENT = "TEACHRL_BENCH_PARENT"


@dataclass(frozen=True)
class Job:
    """Arguments of Python, one command after the other, whose output goes to ``log``.

    ``cpus`` are the threads that they use, and ``gpus`` the share of one that a cluster sets aside.
    """

    cell: str
    commands: tuple[tuple[str, ...], ...]
    log: Path
    cpus: int
    gpus: float = 0.0


@dataclass(frozen=True)
class Done:
    """How a job ended: the last command's exit code, and its last line where it is not 0."""

    cell: str
    code: int
    error: str | None


class Pool(Protocol):
    """Where jobs are carried out, some at once."""

    size: int

    def submit(self, job: Job) -> None:
        """Begin a job."""

    def next_done(self) -> Done | None:
        """A job that has ended; None when none did for a second."""

    def stop(self) -> None:
        """Ask all jobs to save and end; they still come back by `next_done`."""

    def close(self) -> None:
        """End, with no jobs left."""


def job_of(bench: Bench, cell: Cell) -> Job:
    """The commands that train a cell, and make the bank that others start from if it prepares them."""
    command = ("-m", "teachrl.cli.child")
    file = bench.write_experiment(cell)
    commands = [(*command, "train", str(file), "-f", str(bench.files.cells))]
    preparation = bench.suite.preparation
    if cell.prepares and preparation is not None:
        bank = bench.files.bank(cell.row.environment)
        options = ("--episodes", str(preparation.episodes), "--every", str(preparation.every))
        sampled = ("--sampled",) if preparation.sampled else ()
        commands.append((*command, "snapshots", str(bench.run_of(cell)), "-o", str(bank), *options, *sampled))
    return Job(cell.name, tuple(commands), bench.files.log(cell.name), cell.experiment.threads, bench.suite.gpus)


def carry_out(job: Job, started: Callable[[subprocess.Popen[bytes]], None] | None = None) -> Done:
    """Run a job's commands to their end, or to the first that fails. ``started`` is told of each process."""
    code = 0
    threads = {name: str(job.cpus) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **threads, PARENT: str(os.getpid())}
    with job.log.open("ab") as log:
        for command in job.commands:
            process = subprocess.Popen((sys.executable, *command), stdout=log, stderr=log, env=environment)
            if started is not None:
                started(process)
            try:
                code = process.wait()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGTERM)
                code = process.wait() or 1
            if code:
                break
    return Done(job.cell, code, _last_line(job.log) if code else None)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("error: ")]
    return (said or lines or ["it said nothing"])[-1][:300]
