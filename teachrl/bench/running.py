"""Carries a grid out: every cell once, on as many processes as are given, until all are done or a signal comes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

from teachrl.bench.cells import Cell
from teachrl.bench.directory import Bench
from teachrl.bench.jobs import Done, Pool, job_of
from teachrl.bench.ledger import Event
from teachrl.signals import stop_signals


@dataclass
class Result:
    """How the cells that were asked for came out, by name; ``elsewhere`` are those that another process has."""

    finished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def run_cells(bench: Bench, cells: Sequence[Cell], pool: Pool, retries: int, tell: Callable[[str], None]) -> Result:
    """Train every cell that is not finished, those that prepare others first. ``tell`` gets a line for each event.

    A cell that fails is tried ``retries`` more times. SIGTERM and Ctrl-C let all runs save and end. The same call again
    goes on; several at once, on one folder, share the cells.
    """
    bench.ledger.write("asked", [cell.name for cell in cells])
    result = Result()
    with stop_signals() as stopped:
        for prepares in (True, False):
            part = [cell for cell in cells if cell.prepares == prepares]
            _Round(bench, part, pool, retries, tell, result).run(stopped.is_set)
            if result.failed or result.interrupted or result.elsewhere:
                break
    return result


class _Round:
    """Cells that do not wait for each other."""

    def __init__(
        self, bench: Bench, cells: Sequence[Cell], pool: Pool, retries: int, tell: Callable[[str], None], result: Result
    ) -> None:
        self._bench, self._pool, self._retries, self._tell, self._result = bench, pool, retries, tell, result
        self._cells = {cell.name: cell for cell in cells}
        self._waiting = deque(cells)
        self._claims: dict[str, IO[str]] = {}
        self._failures: Counter[str] = Counter()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Until nothing waits and nothing runs."""
        told = False
        while self._waiting or self._claims:
            if stopped() and not told:
                told = True
                self._result.interrupted += [cell.name for cell in self._waiting]
                self._waiting.clear()
                self._pool.stop()
            while self._waiting and len(self._claims) < self._pool.size:
                self._start(self._waiting.popleft())
            if self._claims:
                done = self._pool.next_done()
                if done is not None:
                    self._end(done, stopped())

    def _start(self, cell: Cell) -> None:
        claim = self._bench.claim(cell)
        if claim is None:
            self._result.elsewhere.append(cell.name)
            return
        # Looked at under the claim, or another process might have finished it in between.
        if self._bench.ledger.standings()[cell.name].state == "finished":
            claim.close()
            self._result.finished.append(cell.name)
            return
        self._claims[cell.name] = claim
        self._bench.ledger.write("started", [cell.name])
        self._pool.submit(job_of(self._bench, cell))

    def _end(self, done: Done, stopped: bool) -> None:
        result = self._result
        # A signal often goes to a whole group of processes, so a run may end by it before it is told to.
        event: Event = "finished" if done.code == 0 else "interrupted" if stopped else "failed"
        self._bench.ledger.write(event, [done.cell], None if event == "finished" else done.error)
        self._claims.pop(done.cell).close()
        self._tell(f"{event}: {done.cell}" + (f" ({done.error})" if event == "failed" else ""))
        if event == "finished":
            result.finished.append(done.cell)
        elif event == "interrupted":
            result.interrupted.append(done.cell)
        else:
            self._failures[done.cell] += 1
            if self._failures[done.cell] <= self._retries:
                self._waiting.append(self._cells[done.cell])
            else:
                result.failed[done.cell] = done.error or ""
