"""The overview of a bench: all cells, and the curves of all of them; and what stands above a cell's own page."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from teachrl.bench.ledger import Standing
from teachrl.report.curve_figures import TITLES, curves_figure
from teachrl.report.facts import count
from teachrl.watch.bench_data import BenchData
from teachrl.watch.parts import Cell, caption, errors, facts_table, graph, missing, section, table

CELL = "/cell/"


def address_of(cell: str) -> str:
    """Where a cell's own page is."""
    return CELL + quote(cell, safe="")


def bench_view(data: BenchData) -> list[Component]:
    """All sections."""
    counts = Counter(standing.state for standing in data.standings.values())
    states = ", ".join(f"{how_many} {state}" for state, how_many in counts.items())
    suite = {"suite": data.bench.suite.title, "budget": data.bench.budget_name, "cells": states or "none yet"}
    failed = [f"{name}: {one.error}" for name, one in data.standings.items() if one.state == "failed"]
    return [
        facts_table(suite, "facts"),
        section("curves", "Evaluations of all cells", *_curves(data)),
        section("cells", "Cells", _cells(data)),
        section("errors", "Errors", errors([*failed, *data.notes])),
    ]


def _curves(data: BenchData) -> list[Component]:
    title = TITLES[data.bench.suite.metric]
    if not data.curves:
        return [missing("No cell was asked for yet.")]
    parts: list[Component] = [caption("One line for each cell; cells that differ only in their seed look alike.")]
    for n, (environment, curves) in enumerate(data.curves.items()):
        parts += [html.H3(environment)] if environment else []
        parts.append(graph(curves_figure(curves, title), f"curves-{n}", "There are no evaluations yet."))
    return parts


def _cells(data: BenchData) -> Component:
    if not data.standings:
        return missing("No cell was asked for yet.")
    rows = []
    for name, standing in data.standings.items():
        row = data.cells[name].row.name if name in data.cells else "no longer in the suite"
        link = dcc.Link(name, href=address_of(name))
        rows.append({"cell": link, "compared": row, **standing_facts(standing)})
    return table(rows, "standings")


def standing_facts(standing: Standing) -> dict[str, Cell]:
    """How a cell stands, by headings."""
    total = "" if standing.total_steps is None else f" of {count(standing.total_steps)}"
    return {
        "state": standing.state,
        "step": f"{count(standing.step)}{total}",
        "failures": str(standing.failures),
        "last error": standing.error or "",
        "place": standing.place,
    }
