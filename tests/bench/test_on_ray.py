"""A bench as tasks of a Ray cluster: the numbers of processes here, and tasks that are stopped or lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teachrl.bench.directory import Bench
from teachrl.cli.app import main
from teachrl.config.yaml_files import dump
from tests.support.clusters import nodes
from tests.support.runs import assert_same_run
from tests.support.suites import TINY
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

CELLS = ("random__s0", "oracle__s0")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with nodes({"num_cpus": 0}, {"num_cpus": 2, "num_gpus": 1}) as cluster:
        yield cluster.address


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {"steps": 6000, "evaluate_every": 2000}
    file = tmp_path_factory.mktemp("suite") / "tiny.yaml"
    file.write_text(dump({**TINY, "gpus": 0.5, "budgets": {"smoke": {"seeds": 1, "settings": settings}}}))
    return file


@pytest.fixture(scope="module")
def whole(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same suite, never stopped, as processes on this machine."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(["bench", "run", str(suite), "--budget", "smoke", "-o", str(folder)]) == 0
    return folder / "cells"


def command(suite: Path, address: str, folder: Path) -> list[str]:
    return ["bench", "run", str(suite), "--budget", "smoke", "--ray-address", address, "-o", str(folder)]


def events(bench: Path, name: str) -> list[dict[str, Any]]:
    file = bench / "ledger.jsonl"
    every = map(json.loads, file.read_text().splitlines()) if file.exists() else []
    return [event for event in every if event["event"] == name]


def saved(bench: Path) -> set[Path]:
    return set(bench.glob("cells/*/checkpoints/step_*"))


def trainers(bench: Path) -> list[int]:
    """Processes that train a cell of this bench."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"teachrl.cli.child" in arguments and str(bench / "cells").encode() in arguments:
            found.append(int(process.name))
    return found


def parent(pid: int) -> int:
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("PPid:")).split()[1])


def test_stopped_and_gone_on_equals_processes_that_were_never_stopped(
    suite: Path, address: str, whole: Path, tmp_path: Path
) -> None:
    # A folder is where the command was given, not where a task happens to start.
    arguments = command(suite, address, Path("cut"))
    launcher = [sys.executable, "-m", "teachrl.cli.app", *arguments]
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        launcher, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    )
    eventually(lambda: len(saved(tmp_path / "cut")) > 1, "two checkpoints", seconds=60)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted" in out
    assert not trainers(tmp_path / "cut")
    assert not events(tmp_path / "cut", "failed")
    assert main(command(suite, address, tmp_path / "cut")) == 0
    for name in CELLS:
        assert_same_run(whole / name, tmp_path / "cut" / "cells" / name)


def test_a_task_whose_process_died_is_tried_again_and_goes_on(
    suite: Path, address: str, whole: Path, tmp_path: Path
) -> None:
    launcher = [sys.executable, "-m", "teachrl.cli.app", *command(suite, address, tmp_path / "cut"), "--retries", "2"]
    process = subprocess.Popen(launcher, stdout=subprocess.PIPE, text=True)
    eventually(lambda: saved(tmp_path / "cut"), "a checkpoint", seconds=60)
    os.kill(parent(trainers(tmp_path / "cut")[0]), signal.SIGKILL)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert len(events(tmp_path / "cut", "failed")) == 1
    assert "failed: " in out
    for name in CELLS:
        assert_same_run(whole / name, tmp_path / "cut" / "cells" / name)
    assert {one.state for one in Bench.open(tmp_path / "cut").ledger.standings().values()} == {"finished"}


def test_where_there_is_no_cluster_it_is_said(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(suite, "nonsense", tmp_path / "cut")) == 1
    assert "there is no Ray cluster at nonsense" in capsys.readouterr().err
