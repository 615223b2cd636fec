"""Experiments and suites are found by name, in a clone and in an installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachrl.config import packaged
from teachrl.errors import UsageError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def written(file: Path, text: str = "# Mine.\nenv: X\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_clone_has_them_beside_the_package() -> None:
    assert packaged.find("experiment", "quickstart") == ROOT / "experiments/quickstart.yaml"
    assert packaged.find("suite", "hypercubes", "suites") == ROOT / "experiments/suites/hypercubes.yaml"
    assert "suites" not in packaged.files_by_name()


def test_an_installed_package_has_them_within(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "site-packages/teachrl"
    file = written(package / "experiments/own.yaml")
    monkeypatch.setattr(packaged, "PACKAGE", package)
    assert packaged.files_by_name() == {"own": file}
    assert packaged.find("experiment", "own") == file


def test_no_experiments_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, "PACKAGE", tmp_path / "nowhere/teachrl")
    assert packaged.files_by_name() == {}
    with pytest.raises(UsageError, match="Known: none"):
        packaged.find("experiment", "quickstart")


def test_paths_win_then_this_folder_then_the_package() -> None:
    file = written(Path("experiments/quickstart.yaml"))
    assert packaged.find("experiment", "quickstart") == file
    written(Path("quickstart"))
    assert packaged.find("experiment", "quickstart") == Path("quickstart")


def test_an_unknown_name_suggests_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown experiment 'maze_acel'; did you mean 'maze_accel'"):
        packaged.find("experiment", "maze_acel")


@pytest.mark.parametrize("path", ["quickstart.yaml", "a/quickstart", "a.yml", "", ".", "-", "x" * 3000])
def test_a_path_to_nowhere_is_left_to_its_reader(path: str) -> None:
    assert packaged.find("experiment", path) == Path(path)


def test_files_beside_an_experiment_come_with_it() -> None:
    name = Path("experiments/subgoals/key_corridor_smollm2.jsonl")
    assert packaged.beside(name) == ROOT / name
    assert packaged.beside(Path("other.jsonl")) == Path("other.jsonl")
    assert packaged.beside(Path("experiments/none.jsonl")) == Path("experiments/none.jsonl")
    own = written(name)
    assert packaged.beside(name) == own


def test_summaries() -> None:
    for file in packaged.files_by_name().values():
        assert packaged.summary(file)
    assert packaged.summary(written(Path("e.yaml"))) == "Mine."
    assert packaged.summary(written(Path("e.yaml"), "env: X\n")) == ""
