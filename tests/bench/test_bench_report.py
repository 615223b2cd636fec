"""The report of a bench: the table's numbers are those of the runs, and the page is whole at any time."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.bench.directory import Bench
from teachrl.bench.report import write_bench_report
from teachrl.bench.results import read_results
from teachrl.bench.table import lines, text, texts
from teachrl.cli.app import main
from teachrl.config.yaml_files import dump
from teachrl.errors import TeachrlError
from teachrl.statistics.estimates import Estimate
from teachrl.training.run import train
from tests.support.browser import browser_test, console_errors, drawn, opened_browser
from tests.support.browser import texts as texts_of
from tests.support.suites import TINY
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Three seeds of two teachers, trained in this process."""
    folder = tmp_path_factory.mktemp("bench")
    suite = folder / "tiny.yaml"
    fields = {**TINY, "budgets": {"smoke": {"seeds": 3, "settings": {"steps": 300}}}}
    suite.write_text(dump(fields))
    from teachrl.bench.suite import load_suite

    bench = Bench.prepared(folder / "bench", "tiny", load_suite(str(suite)), "smoke")
    bench.ledger.write("asked", [cell.name for cell in bench.cells()])
    for cell in bench.cells():
        train(cell.experiment, bench.folder / "cells")
        bench.ledger.write("finished", [cell.name])
    return bench


def finals(bench: Bench, teacher: str) -> list[float]:
    files = [sorted((bench.folder / "cells" / f"{teacher}__s{s}" / "evaluations").iterdir())[-1] for s in range(3)]
    return [json.loads(file.read_text())["mastered_percent"] for file in files]


def test_the_table_says_what_the_runs_gave(finished: Bench) -> None:
    table = {line.name: line for line in lines(finished, read_results(finished))}
    assert list(table) == ["random", "oracle"]
    oracle = table["oracle"]
    final, covered = oracle.estimates["final"], oracle.estimates["coverage"]
    covered_by_random = table["random"].estimates["coverage"]
    assert final is not None
    assert final.value == pytest.approx(np.mean(finals(finished, "oracle")))
    assert final.interval is not None
    assert oracle.runs == oracle.of == 3
    assert table["random"].reached == sum(value >= 1 for value in finals(finished, "random"))
    assert table["random"].published[0].value == 4
    assert "4 (somebody 2019)" in texts(table["random"])
    assert covered is not None
    assert covered_by_random is not None
    assert covered.value < covered_by_random.value


def test_page_csv_and_markdown_are_written(finished: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "report", str(finished.folder)]) == 0
    page = Path(capsys.readouterr().out.strip().removeprefix("report: "))
    content = page.read_text()
    for part in ("results", "figure-steps", "figure-seconds", "figure-profiles", "figure-pairs", "figure-radar"):
        assert f'id="{part}"' in content
    assert "oracle less random" in content
    assert f"teachrl train {finished.folder}/experiments/oracle__s0.yaml" in content
    rows = list(csv.DictReader((finished.folder / "table.csv").open()))
    assert [float(row["final"]) for row in rows] == pytest.approx(
        [np.mean(finals(finished, name)) for name in ("random", "oracle")]
    )
    assert (finished.folder / "table.md").read_text().count("\n") == 4
    again = write_bench_report(finished, finished.folder / "again.html").read_text()
    assert again.replace("again.html", "") == content


@browser_test
def test_the_page_opens_in_a_browser_without_an_error(finished: Bench, tmp_path: Path) -> None:
    report = write_bench_report(finished, tmp_path / "report.html")
    with opened_browser(tmp_path / "profile") as driver:
        driver.get(report.as_uri())
        for figure in ("steps", "seconds", "profiles", "pairs", "radar"):
            eventually(lambda figure=figure: drawn(driver, f"figure-{figure}"), figure)
        assert {"random", "oracle"} <= set(texts_of(driver, "#results td"))
        assert console_errors(driver) == []


def test_status_is_told(finished: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "status", str(finished.folder)]) == 0
    assert "finished     oracle__s2: step 300 of 300" in capsys.readouterr().out
    assert main(["bench", "status", str(finished.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["random__s0"]["state"] == "finished"


def test_an_empty_bench_has_a_page_and_failures_are_in_it(finished: Bench, tmp_path: Path) -> None:
    bench = Bench.prepared(tmp_path, "tiny", finished.suite, "smoke")
    assert "No run has been evaluated yet" in write_bench_report(bench).read_text()
    bench.ledger.write("asked", ["random__s0"])
    bench.ledger.write("failed", ["random__s0"], "<script>alert(1)</script>")
    content = write_bench_report(bench).read_text()
    assert "random__s0 failed: &lt;script&gt;" in content


def test_two_runs_have_no_interval(finished: Bench, tmp_path: Path) -> None:
    bench = Bench.prepared(tmp_path, "tiny", finished.suite, "smoke")
    cells = bench.cells(seeds=2)
    bench.ledger.write("asked", [cell.name for cell in cells])
    for cell in cells:
        bench.run_of(cell).symlink_to(finished.run_of(cell))
    for line in lines(bench, read_results(bench)):
        for name in ("final", "interquartile"):
            estimate = line.estimates[name]
            assert estimate is not None
            assert estimate.interval is None
    assert "no test: it needs 3 runs" in write_bench_report(bench).read_text()


def test_a_metric_that_runs_do_not_have_is_said(finished: Bench, tmp_path: Path) -> None:
    suite = finished.suite.model_copy(update={"metric": "mean_solve_rate"})
    bench = Bench.prepared(tmp_path, "tiny", suite, "smoke")
    bench.ledger.write("asked", ["random__s0"])
    bench.run_of(bench.cells()[0]).symlink_to(finished.run_of(bench.cells()[0]))
    file = next((bench.run_of(bench.cells()[0]) / "evaluations").iterdir())
    known: dict[str, Any] = json.loads(file.read_text())
    if known["mean_solve_rate"] is None:
        with pytest.raises(TeachrlError, match="have no mean_solve_rate"):
            read_results(bench)
    else:
        assert read_results(bench)[0].finals[0] == known["mean_solve_rate"]


def test_numbers_read_well() -> None:
    assert text(Estimate(34.04, (31.1, 36.94))) == "34 (31.1 to 36.9)"
    assert text(Estimate(0.5, None)) == "0.5"
    assert text(None) == ""
