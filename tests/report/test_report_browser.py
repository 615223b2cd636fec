"""The report in a real browser: all figures are drawn, and the console has nothing to complain of."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachrl.report import write_report
from tests.support.browser import browser_test, console_errors, drawn, opened_browser
from tests.support.reports import BOX, LINE, make_run
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@browser_test
def test_a_report_opens_without_an_error(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "one", BOX), make_run(tmp_path / "two", LINE)]
    report = write_report(runs, tmp_path / "report.html")
    with opened_browser(tmp_path / "profile") as driver:
        driver.get(report.as_uri())
        for figure in ("learning", "sampled-0", "curriculum-1", "mastery-0", "costs"):
            eventually(lambda figure=figure: drawn(driver, f"figure-{figure}"), figure)
        assert console_errors(driver) == []
