"""The arrows between the rooms point one way, and listing stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Room: what it may not import, anywhere in its files.
WALLS = {
    "envs/teachrl_envs": ["teachrl"],
    "teachrl/teachers": ["teachrl.students", "teachrl.training.run", "teachrl.rollouts", "teachrl.cli", "torch", "ray"],
    "teachrl/students": ["teachrl.teachers", "teachrl.training.run", "teachrl.rollouts", "teachrl.cli", "ray"],
    "teachrl/rollouts": ["teachrl.training.run", "teachrl.cli", "torch", "ray"],
    "teachrl/starts": ["teachrl.students", "teachrl.rollouts", "teachrl.training.run", "teachrl.cli", "ray"],
    "teachrl/guides": ["teachrl.teachers", "teachrl.rollouts", "teachrl.training.run", "teachrl.cli", "torch", "ray"],
    "teachrl/level_vae": ["teachrl.teachers", "teachrl.students", "teachrl.training.run", "teachrl.rollouts"],
    "teachrl/report": ["teachrl.training.run", "teachrl.cli", "torch"],
    "teachrl/bench": ["teachrl.watch", "teachrl.training.run", "teachrl.students", "torch", "ray"],
    "teachrl/watch": [
        *("teachrl.training.run", "teachrl.students", "teachrl.teachers", "teachrl.rollouts", "teachrl.cli"),
        *("torch", "ray"),
    ],
    "teachrl/statistics": [
        "teachrl.tasks",
        "teachrl.teachers",
        "teachrl.students",
        "teachrl.rollouts",
        "teachrl.training.run",
        "teachrl.runs.directory",
        "teachrl.report",
        "teachrl.cli",
        "teachrl_envs",
        "torch",
        "ray",
        "plotly",
    ],
    "teachrl/training.py": ["teachrl.cli", "teachrl.report", "ray"],
    "teachrl/experiment.py": ["teachrl.training.run", "teachrl.cli", "torch"],
    "teachrl": ["pickle", "cloudpickle", "dill", "joblib", "dash", "flask", "werkzeug"],
}
# The only teachers and guides with networks.
WITH_TORCH = {
    f"teachrl/teachers/{name}.py"
    for name in ("goal_generator", "setter_solver", "conditional_flow", "latent_policy", "clutr")
} | {"teachrl/guides/rewards/reward_network.py"}

# The only room with a web server, and what it is made of.
WITH_DASH = ("teachrl/watch/", {"dash", "flask", "werkzeug"})

# Who may import ray, which the rest of its room may not.
WITH_RAY = {"teachrl/rollouts/ray.py", "teachrl/bench/on_ray.py"}

# Simulators, and the files of starts/ that may import them: nobody loads one that is not played.
SIMULATORS = {"mujoco": {"mujoco.py"}, "minigrid": {"minigrid.py", "babyai.py"}, "Box2D": set[str]()}


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", WALLS)
def test_rooms_import_only_what_they_may(room: str) -> None:
    path = ROOT / room
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    for file in files:
        where = file.relative_to(ROOT).as_posix()
        excepted = {"torch"} if where in WITH_TORCH else {"ray"} if where in WITH_RAY else set()
        excepted |= WITH_DASH[1] if where.startswith(WITH_DASH[0]) else set()
        for name in imports(file):
            for forbidden in set(WALLS[room]) - excepted:
                assert name != forbidden, f"{file} imports {name}"
                assert not name.startswith(forbidden + "."), f"{file} imports {name}"


def test_a_simulator_is_imported_in_its_own_file_only() -> None:
    for file in (ROOT / "teachrl" / "starts").glob("*.py"):
        packages = {name.partition(".")[0] for name in imports(file)}
        for simulator, its_own in SIMULATORS.items():
            assert simulator not in packages or file.name in its_own, f"{file} imports {simulator}"


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
