"""A bench goes on where it stopped, shares its work, and counts what failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from teachrl.bench.directory import Bench
from teachrl.bench.jobs import Done, Job, carry_out
from teachrl.bench.running import Result, run_cells
from teachrl.cli.app import main
from teachrl.cli.child import PARENT
from teachrl.config.yaml_files import dump
from teachrl.errors import TeachrlError
from tests.support.runs import assert_same_run
from tests.support.suites import TINY, tiny
from tests.support.waiting import eventually


class Double:
    """A pool that carries nothing out: jobs end as the script says, the others well."""

    size = 2

    def __init__(self, script: dict[str, list[int]] | None = None) -> None:
        self.script = {name: list(codes) for name, codes in (script or {}).items()}
        self.submitted: list[str] = []
        self._waiting: list[Job] = []

    def submit(self, job: Job) -> None:
        self.submitted.append(job.cell)
        self._waiting.append(job)

    def next_done(self) -> Done | None:
        job = self._waiting.pop(0)
        codes = self.script.get(job.cell, [])
        code = codes.pop(0) if codes else 0
        return Done(job.cell, code, "the motor burnt out" if code else None)

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def made(folder: Path, **changes: Any) -> Bench:
    return Bench.prepared(folder, "tiny", tiny(**changes), "smoke")


def run(bench: Bench, pool: Any, retries: int = 0) -> tuple[Result, list[str]]:
    told: list[str] = []
    return run_cells(bench, bench.cells(), pool, retries, told.append), told


def test_a_failed_cell_is_told_and_tried_again_as_often_as_asked(tmp_path: Path) -> None:
    bench = made(tmp_path)
    pool = Double({"random__s1": [1, 1, 1]})
    result, told = run(bench, pool, retries=1)
    assert Counter(pool.submitted)["random__s1"] == 2
    assert result.failed == {"random__s1": "the motor burnt out"}
    assert sorted(result.finished) == ["oracle__s0", "oracle__s1", "random__s0"]
    assert told.count("failed: random__s1 (the motor burnt out)") == 2
    standing = bench.ledger.standings()["random__s1"]
    assert (standing.state, standing.failures) == ("failed", 2)
    again, _ = run(bench, pool, retries=1)
    assert not again.failed


def test_others_wait_for_what_prepares_them_and_are_not_begun_when_it_fails(tmp_path: Path) -> None:
    bench = made(tmp_path, preparation={"settings": {"teacher": "random"}})
    pool = Double({"preparation__s100": [1]})
    result, _ = run(bench, pool)
    assert pool.submitted == ["preparation__s100"]
    assert list(result.failed) == ["preparation__s100"]
    well = Double()
    run(bench, well)
    assert well.submitted[0] == "preparation__s100"
    assert len(well.submitted) == 5


def test_a_cell_that_another_process_has_is_left_to_it(tmp_path: Path) -> None:
    bench = made(tmp_path)
    theirs = bench.claim(bench.cells()[1])
    assert theirs is not None
    assert bench.claim(bench.cells()[1]) is None
    pool = Double()
    result, _ = run(bench, pool)
    assert result.elsewhere == ["random__s1"]
    assert "random__s1" not in pool.submitted
    theirs.close()
    claim = bench.claim(bench.cells()[1])
    assert claim is not None
    claim.close()


def test_a_torn_ledger_is_said(tmp_path: Path) -> None:
    bench = made(tmp_path)
    run(bench, Double())
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"time": 1, "ev')
    with pytest.raises(TeachrlError, match=r"ledger\.jsonl line \d+ is no event"):
        bench.ledger.standings()


def test_the_last_error_of_a_job_is_kept(tmp_path: Path) -> None:
    script = "import sys; print('much'); print('error: no such thing'); sys.exit(2)"
    job = Job("cell", (("-c", script), ("-c", "1/0")), tmp_path / "log", 1)
    assert carry_out(job) == Done("cell", 2, "error: no such thing")


def test_a_job_ends_when_who_started_it_is_gone_before_it_could_look() -> None:
    command = [sys.executable, "-m", "teachrl.cli.child", "list"]
    with_them = subprocess.run(
        command, check=False, env={**os.environ, PARENT: str(os.getpid())}, capture_output=True, timeout=60
    )
    assert with_them.returncode == 0
    orphan = subprocess.run(command, check=False, env={**os.environ, PARENT: "1"}, capture_output=True, timeout=60)
    assert orphan.returncode == -signal.SIGTERM


def started(bench: Path) -> str:
    """The places in which cells were begun, `host process`."""
    file = bench / "ledger.jsonl"
    events = map(json.loads, file.read_text().splitlines()) if file.exists() else []
    return "".join(f" {event['place']} " for event in events if event["event"] == "started")


@pytest.mark.slow
def test_killed_and_stopped_and_resumed_equals_never_stopped(tmp_path: Path) -> None:
    """The real thing: processes, SIGKILL, SIGTERM, and the same command again."""
    fields = {**TINY, "budgets": {"smoke": {"seeds": 1, "settings": {"steps": 6000, "evaluate_every": 2000}}}}
    suite = tmp_path / "tiny.yaml"
    suite.write_text(dump(fields))
    command = [sys.executable, "-m", "teachrl.cli.app", "bench", "run", str(suite), "--budget", "smoke", "--jobs", "2"]
    cut = tmp_path / "cut"
    for how in (signal.SIGKILL, signal.SIGTERM):
        process = subprocess.Popen([*command, "-o", str(cut)], stdout=subprocess.PIPE, text=True)
        eventually(lambda: f" {process.pid}" in started(cut), "a start", seconds=60)  # noqa: B023
        seen = set(cut.glob("cells/*/checkpoints/step_*"))
        eventually(lambda: set(cut.glob("cells/*/checkpoints/step_*")) - seen, "a checkpoint", seconds=60)  # noqa: B023
        process.send_signal(how)
        out, _ = process.communicate(timeout=60)
        assert process.returncode != 0
    assert "interrupted" in out
    assert main(["bench", "run", str(suite), "--budget", "smoke", "-o", str(cut)]) == 0
    assert main(["bench", "run", str(suite), "--budget", "smoke", "-o", str(tmp_path / "whole")]) == 0
    for name in ("random__s0", "oracle__s0"):
        assert_same_run(tmp_path / "whole" / "cells" / name, cut / "cells" / name)
    states = {standing.state for standing in Bench.open(cut).ledger.standings().values()}
    assert states == {"finished"}


@pytest.mark.slow
def test_two_commands_at_once_share_the_cells(tmp_path: Path) -> None:
    suite = tmp_path / "tiny.yaml"
    suite.write_text(dump(TINY))
    command = [sys.executable, "-m", "teachrl.cli.app", "bench", "run", str(suite), "--budget", "smoke", "--jobs", "1"]
    both = [
        subprocess.Popen([*command, "-o", str(tmp_path / "both")], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    finished = [line.removeprefix("finished: ") for line in "".join(outputs).splitlines() if "finished: " in line]
    assert sorted(finished) == ["oracle__s0", "oracle__s1", "random__s0", "random__s1"]
    bench = Bench.open(tmp_path / "both")
    events = list(bench.ledger.events())
    assert Counter(event["event"] for event in events) == {"asked": 2, "started": 4, "finished": 4}
    assert len({event["place"] for event in events if event["event"] == "started"}) == 2
    assert {standing.state for standing in bench.ledger.standings().values()} == {"finished"}
