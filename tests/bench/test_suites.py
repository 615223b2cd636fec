"""Suites are checked before anything runs, and their grid is what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from teachrl.bench.cells import grid
from teachrl.bench.directory import Bench
from teachrl.bench.suite import load_suite, suite_names
from teachrl.config.yaml_files import dump
from teachrl.errors import UsageError
from teachrl.factory.check import check_names
from tests.support.suites import TINY, tiny


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_is_whole_at_every_budget(name: str, tmp_path: Path) -> None:
    suite = load_suite(name)
    assert set(suite.budgets) == {"smoke", "laptop", "paper"}
    for budget in suite.budgets.values():
        cells = grid(suite, budget, tmp_path)
        assert len({cell.name for cell in cells}) == len(cells)
        for cell in cells:
            check_names(cell.experiment)
            assert cell.experiment.seed == cell.seed


def test_rows_seeds_and_filters() -> None:
    suite = tiny(environments={"A": {}, "B": {"env": {"options": {"cells": 4}}}})
    cells = grid(suite, suite.budgets["smoke"], Path("x"), teachers=["oracle"], seeds=3)
    assert [cell.name for cell in cells] == [f"{env}__oracle__s{seed}" for env in "AB" for seed in range(3)]
    assert cells[-1].experiment.env.options == {"cells": 4}
    assert cells[0].experiment.steps == 300
    assert cells[0].row.name == "A, oracle"
    assert grid(suite, suite.budgets["smoke"], Path("x"), ["oracle"], seeds=3, environments=["B"]) == cells[3:]


def test_what_prepares_comes_first_and_its_bank_goes_to_those_who_start_from_it() -> None:
    suite = load_suite("snapshot-mujoco")
    cells = grid(suite, suite.budgets["smoke"], Path("folder"))
    assert [cell.prepares for cell in cells] == [True, True, False, False, False, False]
    banks = {cell.name: cell.experiment.starts for cell in cells}
    assert banks["Hopper__none__s0"] is None
    starts = banks["Walker2d__s3rl__s0"]
    assert starts is not None
    assert starts.bank == "folder/banks/Walker2d.npz"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teechers": {}}, "did you mean 'teachers'"),
        ({"metric": "mastery"}, "mastered_percent"),
        ({"budgets": {"huge": {"seeds": 1}}}, "smoke"),
        ({"published": [{"teacher": "orakel", "value": 1, "source": "x"}]}, "did you mean 'oracle'"),
        ({"baseline": "randon"}, "did you mean 'random'"),
    ],
)
def test_a_suite_that_cannot_be_says_why(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(dump({**TINY, **change}))
    with pytest.raises(UsageError, match=message):
        load_suite(str(file))


def test_unknown_names_suggest_the_closest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'hypercubes'"):
        load_suite("hypercube")
    suite = tiny()
    with pytest.raises(UsageError, match="unknown teacher of this suite 'orcale'; did you mean 'oracle'"):
        grid(suite, suite.budgets["smoke"], tmp_path, teachers=["orcale"])


def test_another_suite_does_not_go_into_the_same_folder(tmp_path: Path) -> None:
    Bench.prepared(tmp_path, "tiny", tiny(), "smoke")
    assert Bench.open(tmp_path).suite == tiny()
    Bench.prepared(tmp_path, "tiny", tiny(), "smoke")
    with pytest.raises(UsageError, match="holds another bench"):
        Bench.prepared(tmp_path, "tiny", tiny(threshold=2), "smoke")
    with pytest.raises(UsageError, match="has no budget 'paper'; it has: smoke, laptop"):
        Bench.prepared(tmp_path / "new", "tiny", tiny(), "paper")
    with pytest.raises(UsageError, match=r"is no bench: it has no bench\.yaml"):
        Bench.open(tmp_path / "nowhere")
