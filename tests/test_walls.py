"""Files and functions keep to their size, the top of the package stays small, and listing stays light.

The direction of imports is held by import-linter (`[tool.importlinter]`, `make lint`).
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from teachrl.bench.files import BenchFiles
from teachrl.runs.files import SUBFOLDERS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--json"]])
def test_help_and_list_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from teachrl.cli.app import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        "heavy = ('torch', 'stable_baselines3', 'sklearn', 'Box2D', 'mujoco', 'minigrid', 'plotly', 'dash', 'flask')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")


def test_files_and_functions_keep_to_their_size() -> None:
    for folder in ("teachrl", "envs"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= 300, file
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    assert node.end_lineno is not None
                    assert node.end_lineno - node.lineno < 55, f"{file}: {node.name}"


def test_the_top_of_the_package_has_few_modules() -> None:
    loose = {file.stem for file in (ROOT / "teachrl").glob("*.py")}
    assert loose == {"__init__", "environments", "errors", "files", "signals", "versions"}


def test_the_public_api_is_complete_and_a_teacher_needs_no_torch() -> None:
    code = (
        "import sys, teachrl\n"
        "space = teachrl.BoxTaskSpace({'x': (0.0, 1.0)})\n"
        "teacher = teachrl.make_teacher('alp-gmm', space, seed=0, return_range=(0.0, 1.0))\n"
        "assert teacher.plan(3).tasks.shape == (3, 1)\n"
        "print([m for m in ('torch', 'stable_baselines3', 'ray') if m in sys.modules])\n"
        "print([name for name in teachrl.__all__ if not hasattr(teachrl, name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


NAMES = re.compile(
    r"(experiment|bench)\.yaml|(task_space|evaluation_space|test_set|status)\.json|run\.lock|scalars\.csv|ledger\.jsonl"
    r"|(student|teacher|worker|run)\.npz|\.parquet|^(part-|rows-|step_)[*0-9]|(episodes|evaluations|failures|cells)/"
)
FOLDERS = {*SUBFOLDERS, *(folder.name for folder in BenchFiles(Path()).subfolders)}


def spelt_names(text: str) -> list[str]:
    """File names of runs and benches in a module's strings, but for docstrings and comments."""
    nodes = list(ast.walk(ast.parse(text)))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    names = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose]
    parts = [node.right for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    folders = [part.value for part in parts if isinstance(part, ast.Constant) and part.value in FOLDERS]
    return [name for name in names if isinstance(name, str) and NAMES.search(name)] + [str(name) for name in folders]


def test_file_names_of_runs_and_benches_are_spelt_in_one_place() -> None:
    owners = {ROOT / "teachrl" / "bench" / "files.py", *(ROOT / "teachrl" / "runs").glob("*.py")}
    for file in (ROOT / "teachrl").rglob("*.py"):
        if file not in owners:
            assert spelt_names(file.read_text(encoding="utf-8")) == [], file
    wrong = ('p / "status.json"', 'p / "episodes"', 'p.glob("part-*.parquet")', 'f"{p}/evaluations/x"', 'x = "run.npz"')
    assert all(spelt_names(line) for line in wrong)
    assert spelt_names('"""Reads status.json."""\nstate["episodes"]') == []


def test_no_test_module_imports_another() -> None:
    """What tests share is in tests/support."""
    named = re.compile(r"\btests\.(\w+\.)*test_\w+")
    for file in (ROOT / "tests").rglob("*.py"):
        assert not named.search(file.read_text(encoding="utf-8")), f"{file} names another test module"
