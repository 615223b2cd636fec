"""The names of a bench's files and folders. No other module spells them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchFiles:
    """Where the files of a bench lie. ``docs/bench.md`` describes each of them. None of them need exist."""

    folder: Path

    @property
    def suite(self) -> Path:
        """The suite as it was asked for."""
        return self.folder / "bench.yaml"

    @property
    def ledger(self) -> Path:
        """What happened to each cell."""
        return self.folder / "ledger.jsonl"

    @property
    def report(self) -> Path:
        """The page, beside which the table lies."""
        return self.folder / "report.html"

    @property
    def cells(self) -> Path:
        """The folder of the cells' run directories."""
        return self.folder / "cells"

    @property
    def subfolders(self) -> list[Path]:
        """All folders of a bench."""
        return [self.cells, *(self.folder / name for name in ("experiments", "claims", "logs", "banks"))]

    def run(self, cell: str) -> Path:
        """Return a cell's run directory."""
        return self.cells / cell

    def experiment(self, cell: str) -> Path:
        """Return the experiment that a cell trains."""
        return self.folder / "experiments" / f"{cell}.yaml"

    def claim(self, cell: str) -> Path:
        """Return the file that is locked by the process that has a cell."""
        return self.folder / "claims" / f"{cell}.lock"

    def log(self, cell: str) -> Path:
        """Return what a cell's commands print."""
        return self.folder / "logs" / f"{cell}.log"

    def bank(self, environment: str) -> Path:
        """Return the snapshots from which cells of an environment start; of all, where it has no name."""
        return self.folder / "banks" / f"{environment or 'all'}.npz"


def tables_beside(page: Path) -> tuple[Path, Path]:
    """Return where the table of a bench's page goes, as CSV and as Markdown."""
    return page.with_name("table.csv"), page.with_name("table.md")
