"""Which page stands at which address, and when it has to be made anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from teachrl.bench.files import BenchFiles
from teachrl.errors import TeachrlError, UsageError
from teachrl.report.kept_files import KeptFiles
from teachrl.report.reading import read_run
from teachrl.runs.files import RunFiles
from teachrl.watch.bench_data import read_bench
from teachrl.watch.bench_view import CELL, bench_view, standing_facts
from teachrl.watch.changes import Changes, bench_changes, cell_changes, run_changes
from teachrl.watch.failures import errors_of
from teachrl.watch.live import frame_of, layouts_of
from teachrl.watch.parts import facts_table, missing
from teachrl.watch.run_view import run_view


def check_watched(folder: Path) -> None:
    """Raise `UsageError` where neither a run nor a bench is, nor an empty folder in which one may begin."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise UsageError(f"{folder} {what}: give the folder of a run or of a bench, or an empty one where one will be")
    inside = sorted(path.name for path in folder.iterdir())
    run, bench = RunFiles(folder), BenchFiles(folder)
    if inside and not any(path.exists() for path in (run.experiment, run.lock, bench.suite, bench.cells)):
        runs = [name for name in inside if RunFiles(folder / name).experiment.is_file()]
        hint = f"; runs in it: {', '.join(runs[:5])}" if runs else ""
        raise UsageError(f"{folder} is neither a run ({run.experiment.name}) nor a bench ({bench.suite.name}){hint}")


@dataclass(frozen=True)
class Page:
    """What is shown. ``written`` is when its files changed last (Unix time, or None).

    ``version`` changes when anything does, ``frame`` when more does than what is live, ``layouts`` with the figures'.
    """

    parts: list[Component]
    version: str
    frame: str
    layouts: dict[str, str]
    written: float | None


class Pages:
    """All pages on a folder. Each is made anew when a file that it shows has changed, and read from what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, KeptFiles] = {}
        self._pages: dict[str, Page] = {}
        # Browsers ask from several threads at once.
        self._lock = Lock()

    def at(self, address: str) -> Page:
        """The page at an address, as the files are now."""
        with self._lock:
            changes = self._changes(address)
            version = f"{address} {changes.fingerprint}"
            page = self._pages.get(address)
            if page is None or page.version != version:
                parts = self._parts(address)
                page = Page(parts, version, f"{address} {frame_of(parts)}", layouts_of(parts), changes.written)
                self._pages[address] = page
            return page

    @property
    def _is_bench(self) -> bool:
        return BenchFiles(self._folder).suite.is_file()

    def _changes(self, address: str) -> Changes:
        cell = _cell(address)
        if cell is not None:
            return cell_changes(self._folder, self._run_of(cell))
        return bench_changes(self._folder) if self._is_bench else run_changes(self._folder)

    def _parts(self, address: str) -> list[Component]:
        kept = self._kept.setdefault(address, KeptFiles())
        cell = _cell(address)
        try:
            if cell is not None:
                return self._cell(cell, kept)
            if address not in ("/", ""):
                return [missing("There is no such page."), _home()]
            return self._bench(kept) if self._is_bench else self._run(self._folder, kept)
        except (TeachrlError, OSError) as error:
            return [html.H1(self._name), missing(f"Nothing can be shown at present: {error}")]
        finally:
            kept.forget_the_rest()

    @property
    def _name(self) -> str:
        return self._folder.resolve().name

    def _bench(self, kept: KeptFiles) -> list[Component]:
        return [html.H1(self._name), *bench_view(read_bench(self._folder, kept))]

    def _run(self, path: Path, kept: KeptFiles) -> list[Component]:
        name = path.resolve().name
        if path.is_dir() and not RunFiles(path).task_space.is_file():
            return [html.H1(name), missing("This run has written nothing yet.")]
        run = read_run(path, kept)
        return [html.H1(name), *run_view(run, name, errors_of(run, kept))]

    def _cell(self, name: str, kept: KeptFiles) -> list[Component]:
        standings = read_bench(self._folder, kept).standings
        if name not in standings:
            return [missing("The bench has no such cell."), _home()]
        standing = facts_table(standing_facts(standings[name]), "standing")
        if not self._run_of(name).is_dir():
            return [_home(), html.H1(name), standing, missing("This cell has not begun.")]
        return [_home(), *self._run(self._run_of(name), kept), html.H2("In the bench"), standing]

    def _run_of(self, cell: str) -> Path:
        return BenchFiles(self._folder).run(cell)


def _cell(address: str) -> str | None:
    """The cell that an address names; None where it names none, or could lead out of the bench's folder of cells."""
    name = unquote(address.removeprefix(CELL)) if address.startswith(CELL) else ""
    return name if name and name == Path(name).name and "\0" not in name and name != ".." else None


def _home() -> Component:
    return html.P(dcc.Link("All cells", href="/"))
