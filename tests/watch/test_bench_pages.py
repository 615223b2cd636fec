"""The overview of a bench and the pages of its cells."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("dash")

from teachrl.watch.bench_view import address_of
from teachrl.watch.pages import Pages
from tests.support.watched import components, facts_of, figures_of, finish, make_bench, text_of


def links(parts: object) -> dict[str, str]:
    return {one.children: one.href for one in components(parts) if type(one).__name__ == "Link"}


def rows(parts: object) -> dict[str, list[str]]:
    (table,) = [one for one in components(parts) if getattr(one, "id", None) == "standings"]
    head, *body = table.children.children
    assert text_of(head).split("\n")[:4] == ["cell", "compared", "state", "step"]
    return {
        cells[0].children.children: [cell.children for cell in cells[1:6]] for cells in (row.children for row in body)
    }


def test_all_cells_are_there_with_state_step_and_failures(tmp_path: Path) -> None:
    parts = Pages(make_bench(tmp_path / "bench").folder).at("/").parts
    assert rows(parts) == {
        "random__s0": ["random", "finished", "12,000 of 12,000", "0", ""],
        "random__s1": ["random", "running", "6,000 of 12,000", "0", ""],
        "alp-gmm__s0": ["alp-gmm", "failed", "0", "1", "error: the disk is full"],
        "alp-gmm__s1": ["alp-gmm", "pending", "0", "0", ""],
    }
    assert facts_of(parts, "facts")["cells"] == "1 finished, 1 running, 1 failed, 1 pending"
    assert text_of(parts).endswith("Errors\nalp-gmm__s0: error: the disk is full")


def test_the_curves_are_those_of_all_cells(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench")
    pages = Pages(bench.folder)
    ended, running = figures_of(pages.at("/").parts)["figure-curves-0"].data
    assert (ended.x[-1], running.x[-1], ended.text, running.text) == (12000, 6000, "random__s0", "random__s1")
    wanted = [json.loads(f.read_text()) for f in sorted((bench.folder / "cells/random__s0/evaluations").iterdir())]
    assert list(ended.y) == [evaluation["mastered_percent"] for evaluation in wanted]
    finish(bench.folder / "cells" / "random__s1", tmp_path / "scratch")
    assert [trace.x[-1] for trace in figures_of(pages.at("/").parts)["figure-curves-0"].data] == [12000, 12000]


def test_every_cell_has_a_page(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench")
    pages = Pages(bench.folder)
    addresses = links(pages.at("/").parts)
    assert addresses["random__s1"] == "/cell/random__s1"
    running = pages.at(addresses["random__s1"]).parts
    assert links(running) == {"All cells": "/"}
    assert "figure-learning" in figures_of(running)
    assert facts_of(running, "standing")["state"] == "running"
    assert "This cell has not begun." in text_of(pages.at(addresses["alp-gmm__s1"]).parts)
    failed = pages.at(addresses["alp-gmm__s0"]).parts
    assert facts_of(failed, "standing")["last error"] == "error: the disk is full"
    before = pages.at(addresses["random__s1"])
    bench.ledger.write("interrupted", ["random__s1"])
    assert facts_of(pages.at(addresses["random__s1"]).parts, "standing")["state"] == "interrupted"
    assert pages.at(addresses["random__s1"]).version != before.version


@pytest.mark.parametrize(
    "address", ["/cell/", "/cell/..", "/cell/%2e%2e", "/cell/..%2F..%2Frun", "/cell/a%00b", "/cell/x"]
)
def test_no_address_leads_out_of_the_bench(tmp_path: Path, address: str) -> None:
    bench = make_bench(tmp_path / "bench")
    shutil.copytree(bench.folder / "cells" / "random__s0", tmp_path / "run")
    bench.ledger.write("asked", ["..", "../../run"])
    parts = Pages(bench.folder).at(address).parts
    assert figures_of(parts) == {}
    assert "There is no such page." in text_of(parts) or "The bench has no such cell." in text_of(parts)


def test_torn_files_of_a_cell_are_named_and_the_others_shown(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench")
    (bench.folder / "cells/random__s0/status.json").write_text("{")
    (bench.folder / "cells/random__s1/evaluations/step_000000003000.json").write_text("[1]")
    pages = Pages(bench.folder)
    text = text_of(pages.at("/").parts)
    assert "random__s0/status.json could not be read and is left out" in text
    assert "random__s1/evaluations/step_000000003000.json could not be read and is left out" in text
    assert len(rows(pages.at("/").parts)) == 4


def test_a_torn_ledger_is_named_and_the_page_goes_on_when_it_is_whole(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench")
    ledger = bench.folder / "ledger.jsonl"
    whole = ledger.read_text()
    ledger.write_text(whole[:-10])
    pages = Pages(bench.folder)
    assert "ledger.jsonl line 4 is no event of a bench" in text_of(pages.at("/").parts)
    ledger.write_text(whole)
    assert len(rows(pages.at("/").parts)) == 4


def test_a_bench_that_was_just_made_and_one_that_is_gone(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "bench")
    (bench.folder / "ledger.jsonl").unlink()
    pages = Pages(bench.folder)
    assert "No cell was asked for yet." in text_of(pages.at("/").parts)
    shutil.rmtree(bench.folder)
    for address in ("/", address_of("random__s0")):
        assert "Nothing can be shown at present" in text_of(pages.at(address).parts)
    make_bench(bench.folder)
    assert len(rows(pages.at("/").parts)) == 4
