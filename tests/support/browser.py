"""A real headless Chromium for tests, and the reason to skip where there is none."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSER, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
MISSING = [
    *([] if BROWSER else ["chromium"]),
    *([] if DRIVER else ["chromedriver"]),
    *([] if importlib.util.find_spec("selenium") else ["the package selenium"]),
]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1200,1600",
)


def browser_test(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that needs the browser."""
    reason = f"needs {', '.join(MISSING)} (Debian: apt-get install chromium chromium-driver)"
    marked: Callable[..., None] = pytest.mark.browser(pytest.mark.skipif(bool(MISSING), reason=reason)(test))
    return marked


@contextmanager
def opened_browser(profile: Path) -> Iterator[Any]:
    """A browser with a new profile in an empty folder, which keeps all messages of the console."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def console_errors(driver: Any) -> list[str]:
    """What the console has complained of since this was asked last."""
    return [json.dumps(entry) for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def drawn(driver: Any, figure: str) -> int:
    """How many traces plotly has drawn in a figure; 0 where it is not there or still empty."""
    script = (
        "const outer = document.getElementById(arguments[0]);"
        "const p = outer && (outer.data ? outer : outer.querySelector('.js-plotly-plot'));"
        "return p && p.data && p.querySelector('.main-svg') ? p.data.length : 0"
    )
    return int(driver.execute_script(script, figure))


def texts(driver: Any, selector: str) -> list[str]:
    """The texts of all elements that a CSS selector finds."""
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
    found: list[str] = driver.execute_script(script, selector)
    return found
