"""Whoever reads the same run again and again reads each file once, and again when it has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.report import reading
from teachrl.report.kept_files import KeptFiles
from teachrl.report.reading import read_run
from tests.support.level_runs import OPEN, episode, level_run
from tests.support.reports import BOX, make_run


@pytest.fixture
def read_parts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the parts of the log that were read."""
    read: list[str] = []
    original = reading.read_part

    def spied(path: Path, *rest: Any) -> Any:
        read.append(path.name)
        return original(path, *rest)

    monkeypatch.setattr(reading, "read_part", spied)
    return read


def test_only_what_changed_is_read_again(tmp_path: Path, read_parts: list[str]) -> None:
    run, kept = make_run(tmp_path / "run", BOX), KeptFiles()
    first = read_run(run, kept)
    again = read_run(run, kept)
    assert read_parts == ["part-000000.parquet", "part-000001.parquet"]
    assert [a is b for a, b in zip(first.evaluations, again.evaluations, strict=True)] == [True] * 9
    assert np.array_equal(first.episodes.returns, again.episodes.returns)
    os.utime(run / "episodes" / "part-000001.parquet", ns=(1, 1))
    new = run / "evaluations" / "step_000000012000.json"
    new.write_text(new.read_text().replace('"mean_return": ', '"mean_return": 1'))
    changed = read_run(run, kept)
    assert read_parts[2:] == ["part-000001.parquet"]
    assert [a is b for a, b in zip(again.evaluations, changed.evaluations, strict=True)] == [True] * 8 + [False]


def test_a_torn_file_is_tried_again(tmp_path: Path) -> None:
    file, kept = tmp_path / "number", KeptFiles()
    read = kept.reader(lambda path: int(path.read_text()), "number")
    file.write_text("torn")
    with pytest.raises(ValueError, match="torn"):
        read(file)
    file.write_text("12")
    assert read(file) == 12
    file.unlink()
    with pytest.raises(FileNotFoundError):
        read(file)


def test_what_is_no_longer_asked_for_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12")
    kept, read = KeptFiles(), list[Path]()
    reader = kept.reader(read.append, "nothing")
    reader(tmp_path / "file")
    kept.forget_the_rest()
    reader(tmp_path / "file")
    assert len(read) == 1
    kept.forget_the_rest()
    kept.forget_the_rest()
    reader(tmp_path / "file")
    assert len(read) == 2


def test_one_file_can_be_read_in_two_ways(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12")
    kept = KeptFiles()
    number, text = kept.reader(lambda path: int(path.read_text()), "number"), kept.reader(Path.read_text, "text")
    assert [(number(tmp_path / "file"), text(tmp_path / "file")) for _ in range(2)] == [(12, "12")] * 2


def test_a_log_of_levels_that_grows_is_seldom_read_anew(
    tmp_path: Path, read_parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SAMPLED_LEVELS", 10)
    kept = KeptFiles()
    log = [episode(OPEN, step=n) for n in range(160)]
    for n in range(1, 17):
        run = level_run(tmp_path / f"run{n}", *(log[10 * k : 10 * k + 10] for k in range(n)))
        (tmp_path / "run").unlink(missing_ok=True)
        (tmp_path / "run").symlink_to(run)
        for k, part in enumerate(sorted((run / "episodes").iterdir())):
            os.utime(part, ns=(k + 1, k + 1))
        data = read_run(tmp_path / "run", kept)
        every = 1 << (n - 1).bit_length()
        assert data.played.step.tolist() == list(range(0, 10 * n, every))
    # Each of the 16 once, and again those that were there when the spread doubled: at 2, 3, 5 and 9 parts.
    assert len(read_parts) == 16 + (1 + 2 + 4 + 8)
