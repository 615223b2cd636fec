"""The page in a real browser: it shows a run and a bench, follows what is written, and no name becomes a script."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dash")

from teachrl.tasks.spaces import BoxTaskSpace
from tests.support.browser import browser_test, console_errors, drawn, opened_browser, texts
from tests.support.reports import make_run
from tests.support.waiting import eventually
from tests.support.watched import FIGURES, fail_episode, finish, half_run, make_bench

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror='window.hacked = 1'>"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The page on a folder, which looks every half second; gives its address."""
    from werkzeug.serving import make_server

    from teachrl.watch.server import HOST, make_app

    server = make_server(HOST, 0, make_app(folder, 0.5).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def in_figure(driver: Any, figure: str, script: str) -> Any:
    """What a script says of plotly's element ``p`` of a figure."""
    find = "const p = document.getElementById(arguments[0]).querySelector('.js-plotly-plot'); "
    return driver.execute_script(find + script, figure)


def last_step(driver: Any, figure: str) -> float:
    """The last step of the second curve of a figure."""
    return float(in_figure(driver, figure, "return Math.max(...p._fullData[1].x)"))


@browser_test
def test_the_page_follows_a_run_and_a_bench(tmp_path: Path) -> None:
    run, bench = half_run(tmp_path / "run"), make_bench(tmp_path / "bench")
    with opened_browser(tmp_path / "profile") as driver:
        with served(run) as address:
            driver.get(address)
            for figure in FIGURES:
                eventually(lambda figure=figure: drawn(driver, figure), figure)
            assert last_step(driver, "figure-learning") == 6000
            # What was drawn stays, and is only given new curves: the page must not jump or lose what was zoomed to.
            zoom = "p.marked = true; p.querySelector('[data-title=\"Zoom in\"]').click()"
            in_figure(driver, "figure-learning", zoom)
            seen = "return [p.marked, ...p._fullLayout.xaxis2.range]"
            zoomed = eventually(lambda: in_figure(driver, "figure-learning", seen), "the zoom")
            finish(run, tmp_path / "scratch")
            eventually(lambda: "12,000 of 12,000" in texts(driver, "#facts td"), "the new status")
            eventually(lambda: last_step(driver, "figure-learning") == 12000, "the new curve")
            assert in_figure(driver, "figure-learning", seen) == zoomed
            assert zoomed[0] is True
            shutil.rmtree(run)
            eventually(lambda: "Nothing can be shown" in "".join(texts(driver, ".missing")), "that the run is gone")
            assert console_errors(driver) == []
            driver.get("about:blank")  # or it would complain that the server is gone
        with served(bench.folder) as address:
            driver.get(address)
            eventually(lambda: drawn(driver, "figure-curves-0") == 2, "the curves of two cells")
            assert len(texts(driver, "#standings tr")) == 5
            driver.execute_script("document.querySelector('a[href=\"/cell/random__s0\"]').click()")
            eventually(lambda: drawn(driver, "figure-learning"), "the page of a cell")
            assert texts(driver, "h1") == ["random__s0"]
            driver.execute_script("document.querySelector('a[href=\"/\"]').click()")
            eventually(lambda: texts(driver, "#standings tr"), "the overview again")
            assert console_errors(driver) == []


@browser_test
def test_no_name_becomes_a_script(tmp_path: Path) -> None:
    space = BoxTaskSpace({HOSTILE: (0.0, 3.0), "b": (0.0, 6.0)})
    run = make_run(tmp_path / HOSTILE, space, env=HOSTILE, status={"status": HOSTILE, "error": HOSTILE})
    fail_episode(run, 0, reason=HOSTILE, task={HOSTILE: 1.0})
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "workers": {"places": [HOSTILE], "metrics": {HOSTILE: 1}}}))
    with served(run) as address, opened_browser(tmp_path / "profile") as driver:
        driver.get(address)
        for figure in FIGURES:
            eventually(lambda figure=figure: drawn(driver, figure), figure)
        assert texts(driver, "h1") == [HOSTILE]
        assert texts(driver, "#errors .error")[0] == HOSTILE
        titles = driver.execute_script("return [...document.querySelectorAll('.xtitle')].map(e => e.textContent)")
        assert HOSTILE in titles
        assert driver.execute_script("return document.querySelectorAll('img').length") == 0
        assert driver.execute_script("return window.hacked") is None
        assert console_errors(driver) == []
