"""In a job on a cluster, nothing goes where Ray would delete it."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachrl.cli.app import main
from teachrl.cli.folders import JOB
from teachrl.config.yaml_files import dump
from tests.support.suites import TINY


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (["train", "--env", "teachrl/PointMass-v0"], "--runs-dir /shared/runs"),
        (["bench", "run", "SUITE", "--budget", "smoke"], "--output /shared/tiny-smoke"),
    ],
)
def test_a_relative_folder_is_refused(
    command: list[str],
    advice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(JOB, "{}")
    (tmp_path / "tiny.yaml").write_text(dump(TINY))
    assert main([part.replace("SUITE", "tiny.yaml") for part in command]) == 2
    assert f"an absolute path on storage that all nodes share, as in {advice}" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not (tmp_path / "runs").exists()
