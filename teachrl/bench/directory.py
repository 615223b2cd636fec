"""The directory of a bench: the suite as it was asked for, the ledger, the cells' experiments and their runs."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from teachrl.bench.cells import Cell, grid
from teachrl.bench.files import BenchFiles
from teachrl.bench.ledger import Ledger
from teachrl.bench.suite import Budget, BudgetName, Suite
from teachrl.config.experiment import to_yaml
from teachrl.config.settings import Settings
from teachrl.config.validation import validated
from teachrl.config.yaml_files import dump, parse, read_text
from teachrl.errors import UsageError
from teachrl.files import write_bytes


class _Asked(Settings):
    """What ``bench.yaml`` holds."""

    suite: Suite
    name: str
    budget: BudgetName


@dataclass(frozen=True)
class Bench:
    """One suite at one budget, on disk. ``docs/bench.md`` describes every file."""

    folder: Path
    name: str
    suite: Suite
    budget_name: BudgetName

    @staticmethod
    def prepared(folder: Path, name: str, suite: Suite, budget: BudgetName) -> Bench:
        """The bench in a folder, made if there is none yet. Raises `UsageError` when another one is there."""
        if budget not in suite.budgets:
            raise UsageError(f"suite {name} has no budget {budget!r}; it has: {', '.join(suite.budgets)}")
        asked = _Asked(suite=suite, name=name, budget=budget)
        file = BenchFiles(folder).suite
        if file.is_file():
            if Bench.open(folder)._asked() != asked:
                raise UsageError(
                    f"{folder} holds another bench: {file} and the suite {name} at budget {budget} differ, and their "
                    "numbers would not compare. Give this one another folder with -o"
                )
        else:
            for part in BenchFiles(folder).subfolders:
                part.mkdir(parents=True, exist_ok=True)
            write_bytes(file, dump(asked.model_dump()).encode())
        return Bench(folder, name, suite, budget)

    @staticmethod
    def open(folder: Path) -> Bench:
        """An existing bench. Raises `UsageError` when there is none."""
        file = BenchFiles(folder).suite
        if not file.is_file():
            raise UsageError(f"{folder} is no bench: it has no {file.name} (`teachrl bench run` makes one)")
        data = parse(read_text(file), str(file))
        asked = validated(_Asked, data if isinstance(data, dict) else {}, str(file))
        return Bench(folder, asked.name, asked.suite, asked.budget)

    def _asked(self) -> _Asked:
        return _Asked(suite=self.suite, name=self.name, budget=self.budget_name)

    @property
    def files(self) -> BenchFiles:
        """Where its files lie."""
        return BenchFiles(self.folder)

    @property
    def budget(self) -> Budget:
        """What it may cost."""
        return self.suite.budgets[self.budget_name]

    @property
    def ledger(self) -> Ledger:
        """What happened so far."""
        return Ledger(self.folder)

    def cells(
        self,
        teachers: Sequence[str] | None = None,
        students: Sequence[str] | None = None,
        seeds: int | None = None,
        environments: Sequence[str] | None = None,
    ) -> list[Cell]:
        """The cells that are asked for; all, without arguments."""
        return grid(self.suite, self.budget, self.folder, teachers, students, seeds, environments)

    def asked_cells(self) -> list[Cell]:
        """Every cell that was ever asked for."""
        asked = self.ledger.asked()
        prepares = {cell.name for cell in self.cells(seeds=1) if cell.prepares}  # their seeds are far from the others
        seeds = [seed for name in asked if (seed := name.rpartition("__s")[2]).isdecimal() and name not in prepares]
        most = max(map(int, seeds), default=0) + 1
        by_name = {cell.name: cell for cell in self.cells(seeds=most)}
        return [by_name[name] for name in asked if name in by_name]

    def write_experiment(self, cell: Cell) -> Path:
        """The file that `teachrl train` reads for a cell."""
        file = self.files.experiment(cell.name)
        write_bytes(file, to_yaml(cell.experiment).encode())
        return file

    def run_of(self, cell: Cell) -> Path:
        """The cell's run directory."""
        return self.files.run(cell.name)

    def claim(self, cell: Cell) -> IO[str] | None:
        """Keep a cell for this process until what is returned is closed; None when another process has it.

        The claim is a lock on a file, which ends with its process whatever happens.
        """
        file = self.files.claim(cell.name).open("w", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file
