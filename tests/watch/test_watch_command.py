"""``teachrl watch`` and its server: where it listens, what it answers, how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dash")

from teachrl.cli.app import main
from teachrl.errors import UsageError
from teachrl.watch.server import FIRST_PORT, HOST, listening, make_app
from tests.support.reports import BOX, make_run
from tests.support.watched import FIGURES, finish, half_run


def asked(client: Any, shown: dict[str, Any] | None, address: str = "/") -> dict[str, Any]:
    """What the browser is told to change, by component, when it asks as Dash's own script does."""
    outputs = [{"id": name, "property": what} for name, what in (("page", "children"), ("shown", "data"))]
    outputs.append({"id": "looked", "property": "children"})
    body = {
        "output": "..page.children...shown.data...looked.children..",
        "outputs": outputs,
        "inputs": [
            {"id": "tick", "property": "n_intervals", "value": 1},
            {"id": "address", "property": "pathname", "value": address},
        ],
        "state": [{"id": "shown", "property": "data", "value": shown}],
        "changedPropIds": ["tick.n_intervals"],
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200
    return {**answer.json["response"], **answer.json.get("sideUpdate", {})}


def test_the_browser_gets_a_page_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    run = half_run(tmp_path / "run")
    client = make_app(run, 5.0).server.test_client()
    first = asked(client, None)
    assert set(first) == {"page", "shown", "looked"}
    assert "figure-learning" in json.dumps(first["page"])
    again = asked(client, first["shown"]["data"])
    assert set(again) == {"looked"}
    assert re.fullmatch(
        r"Looked at \d\d:\d\d:\d\d; the last file was written \d s before\.", again["looked"]["children"]
    )
    finish(run, tmp_path / "scratch")
    changed = asked(client, first["shown"]["data"])
    live = {"content-facts", "content-rates", "content-errors", *FIGURES}
    assert set(changed) == {"shown", "looked"} | live  # the page around them stays
    assert "12,000 of 12,000" in json.dumps(changed["content-facts"]["children"])
    # New curves for what else stays as it is; the slider of the curriculum has new moments.
    patched = {name for name in FIGURES if "operations" in changed[name]["figure"]}
    assert patched == set(FIGURES) - {"figure-curriculum"}
    assert [one["location"] for one in changed["figure-learning"]["figure"]["operations"]] == [["data"]]
    shutil.rmtree(run)
    gone = asked(client, changed["shown"]["data"])
    assert set(gone) == {"page", "shown", "looked"}
    assert "Nothing can be shown at present" in json.dumps(gone["page"])


def test_it_looks_as_often_as_asked(tmp_path: Path) -> None:
    client = make_app(make_run(tmp_path / "run", BOX), 2.5).server.test_client()
    layout = client.get("/_dash-layout").json
    (tick,) = [child for child in layout["props"]["children"] if child["props"].get("id") == "tick"]
    assert tick["props"]["interval"] == 2500


def test_nothing_comes_from_elsewhere_and_no_other_site_reaches_it(tmp_path: Path) -> None:
    client = make_app(make_run(tmp_path / "run", BOX), 5.0).server.test_client()
    page = client.get("/")
    assert page.status_code == 200
    assert not re.search(r"(src|href)=.https?:", page.text)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert client.get("/", headers={"Host": "127.0.0.1:8050"}).status_code == 200
    for address in ("/", "/_dash-layout"):
        assert client.get(address, headers={"Host": "elsewhere.example"}).status_code == 400


def test_it_listens_on_this_machine_alone_at_the_first_free_port() -> None:
    with listening(None) as one, listening(None) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
        assert {one.getsockname()[0], two.getsockname()[0]} == {HOST} == {"127.0.0.1"}
        assert FIRST_PORT <= ports[0] < ports[1]
        with pytest.raises(UsageError, match=rf"port {ports[0]} is taken or forbidden: give a free one with --port"):
            listening(ports[0])


def test_without_dash_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "dash" or name.startswith("teachrl.watch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dash", None)
    assert main(["watch", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: teachrl watch needs the package dash: pip install 'teachrl[watch]'\n"


def test_a_wrong_folder_or_port_is_refused_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not there" in capsys.readouterr().err
    assert main(["watch", str(tmp_path), "--port", "70000"]) == 2
    assert main(["watch", str(tmp_path), "--every", "0"]) == 2


@pytest.fixture
def listens_to_ctrl_c() -> Iterator[None]:
    """Processes that are started from here do, even where a shell in the background has turned it off for all."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listens_to_ctrl_c")
def test_the_last_line_is_the_address_and_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX)
    command = [sys.executable, "-m", "teachrl.cli.app", "watch", str(run)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.fullmatch(r"watch: (http://127\.0\.0\.1:(\d+)/)\n", process.stdout.readline())
        assert found
        with urllib.request.urlopen(found[1] + "_dash-layout", timeout=20) as answer:
            assert json.load(answer)["type"] == "Main"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()  # or leaving the block would wait for it
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(found[1], timeout=5)
