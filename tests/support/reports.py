"""Made-up run directories to report on, and what a page has to have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from teachrl_envs.tasks import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace

BOX = BoxTaskSpace({"stump_height": (0.0, 3.0), "obstacle_spacing": (0.0, 6.0)})
LINE = BoxTaskSpace({"length": (0.2, 2.0)})
PRODUCT = ProductTaskSpace(
    {
        "terrain": BoxTaskSpace({"slope": (0, 1), "legs": (2, 6)}, integer=["legs"]),
        "start": DiscreteTaskSpace(["low", "high"], name="side"),
    }
)
SECTIONS = ("learning", "sampled", "curriculum", "mastery", "costs", "experiment")
STEPS = 12_000


def make_run(path: Path, space: TaskSpace, **options: Any) -> Path:
    path.mkdir(parents=True)
    experiment = {
        "env": {"id": options.get("env", "Parkour-v0"), "options": {}, "n_envs": 4},
        "teacher": {"name": "alp-gmm", "preset": None, "options": {}},
        "student": {"name": "ppo"},
        "steps": STEPS,
        "seed": 7,
    }
    (path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    (path / "task_space.json").write_text(json.dumps(space.to_json()))
    status = {"status": "finished", "step": STEPS, "total_steps": STEPS, "episodes": 600, "seconds": 200.0}
    status |= {"teacher_seconds": 5.0, "skipped_episodes": 0, "versions": {"teachrl": "0.1.0"}, "error": None}
    (path / "status.json").write_text(json.dumps(status | options.get("status", {})))
    if options.get("episodes", True):
        write_episodes(path, space, options.get("success", True))
    if options.get("evaluations", True):
        write_evaluations(path, space, options.get("success", True))
    if options.get("curriculum", True):
        write_curriculum(path, space)
    return path


def write_episodes(path: Path, space: TaskSpace, success: bool, n: int = 600) -> None:
    rng = np.random.default_rng(0)
    (path / "episodes").mkdir()
    step = np.linspace(20, STEPS, n).astype(np.int64)
    growth = step / STEPS
    tasks = space.from_unit(rng.random((n, space.size)) * (0.3 + 0.7 * growth[:, None]))
    returns = 300 * growth - 200 * space.to_unit(tasks)[:, 0] + 20 * rng.standard_normal(n)
    columns: dict[str, Any] = {"step": step, "number": np.arange(n), "env_index": np.zeros(n, dtype=np.int64)}
    columns |= {"seed": np.arange(n), "length": np.full(n, 20), "return": returns, "discounted_return": returns}
    columns["success"] = pa.array([bool(r > 0) if success else None for r in returns], type=pa.bool_())
    columns |= {"terminated": np.zeros(n, dtype=bool), "origin": ["teacher"] * n, "teacher_version": np.arange(n)}
    columns |= {f"task.{name}": tasks[:, i] for i, name in enumerate(space.names)}
    table = pa.table(columns)
    pq.write_table(table.slice(0, n // 2), path / "episodes" / "part-000000.parquet")
    pq.write_table(table.slice(n // 2), path / "episodes" / "part-000001.parquet")


def write_evaluations(path: Path, space: TaskSpace, success: bool) -> None:
    (path / "evaluations").mkdir()
    axes = [np.linspace(0, 0.999, 8 if space.size <= 2 else 3)] * space.size
    unit = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, space.size)
    for step in range(0, STEPS + 1, STEPS // 8):
        returns = 300 * step / STEPS - 300 * unit.mean(axis=1)
        tasks = [
            {
                "task": space.task(v),
                "return": r,
                "discounted_return": r,
                "length": 9,
                "mastered": r > 0 if success else None,
            }
            for v, r in zip(space.from_unit(unit), returns.tolist(), strict=True)
        ]
        evaluation = {"step": step, "test_set": "grid", "mean_return": returns.mean(), "mean_discounted_return": 0.0}
        evaluation |= {"mastered_percent": 100 * float((returns > 0).mean()) if success else None, "tasks": tasks}
        costs = {"training_steps": step, "scoring_steps": step // 2, "evaluation_steps": 9, "updates": step // 64}
        evaluation |= {"costs": costs, "seconds": step / 60}
        (path / "evaluations" / f"step_{step:012d}.json").write_text(json.dumps(evaluation))


def write_curriculum(path: Path, space: TaskSpace) -> None:
    (path / "curriculum").mkdir()
    rng = np.random.default_rng(1)
    for step in range(2000, STEPS + 1, 2000):
        gaussians = []
        for weight in (0.6, 0.3, 0.1):
            mean = space.low + rng.random(space.size) * (space.high - space.low)
            factor = np.diag((space.high - space.low) * 0.1) @ (
                np.eye(space.size) + 0.4 * rng.random((space.size,) * 2)
            )
            entry = {"mean": mean.tolist(), "covariance": (factor @ factor.T).tolist()}
            gaussians.append(entry | {"weight": weight, "learning_progress": float(rng.random())})
        snapshot = {"step": step, "gaussians": gaussians, "random_ratio": 0.2}
        (path / "curriculum" / f"step_{step:012d}.json").write_text(json.dumps(snapshot))


def page_of(path: Path) -> str:
    """The page without plotly.js, whose text has about every word and address that the checks look for."""
    text = path.read_text(encoding="utf-8")
    start, end = text.index("<script>"), text.index("</script></head>")
    assert end - start > 1_000_000
    return text[:start] + text[end:]


def check_page(page: str) -> None:
    for section in SECTIONS:
        assert f'<section id="{section}">' in page
    assert not re.search(r"<script[^>]*\ssrc\s*=", page)
    assert not re.search(r"<(link|img|iframe)\b", page)
    assert "default-src 'none'" in page
