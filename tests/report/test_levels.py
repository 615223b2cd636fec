"""Reports on runs whose tasks are levels: galleries, complexity, the buffer, two students, and what it cost."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pyarrow.parquet as pq
import pytest

from teachrl.config.experiment import Experiment
from teachrl.records.curriculum import BufferedLevel
from teachrl.report import reading, write_report
from teachrl.report.buffer_figures import buffer_figure
from teachrl.report.cost_figures import cost_figure
from teachrl.report.curriculum_figures import curriculum_figure
from teachrl.report.galleries import buffer_galleries, evaluated_gallery, lineage
from teachrl.report.level_figures import complexity_figure, gap_figure
from teachrl.report.reading import read_run
from teachrl.runs.episodes import read_episodes
from teachrl.tasks.spaces import Vector
from teachrl.training.run import train
from teachrl_envs.maze.held_out import held_out_level
from teachrl_envs.maze.level_space import LevelTaskSpace
from tests.support.level_runs import OPEN, SPACE, episode, level_run
from tests.support.reports import BOX, LINE, SECTIONS, make_run, page_of

WALLED = SPACE.vector({"rows": [">#.", ".#G"]})


@pytest.fixture(scope="module")
def accel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of ACCEL on small mazes."""
    maze = {"height": 5, "width": 5, "walls": 8, "max_steps": 50}
    experiment = Experiment.model_validate(
        {
            "env": {"id": "teachrl/Maze-v0", "options": maze, "n_envs": 8},
            "teacher": {"name": "accel", "options": {"capacity": 24, "minimum_fill": 0.25}},
            "student": {"name": "ppo", "options": {"n_steps": 64, "batch_size": 256, "n_epochs": 1}},
            "steps": 6000,
            "evaluate_every": 2000,
            "checkpoint_every": 2000,
        }
    )
    return train(experiment, tmp_path_factory.mktemp("runs")).path


def buffered(number: int, parent: int = -1, score: float = 0.0, task: Vector = OPEN) -> BufferedLevel:
    return BufferedLevel(task, score, 0.0, number, parent, 0)


def test_a_page_on_real_levels(accel: Path, tmp_path: Path) -> None:
    report = write_report([accel])
    page = page_of(report)
    for section in SECTIONS:
        assert f'<section id="{section}">' in page
    for figure in ("learning", "sampled-0", "buffer-0", "costs"):
        assert f'id="figure-{figure}"' in page
    for title in ("Highest scores", "Newest"):
        assert f"<h3>{title}</h3>" in page
    assert 'class="missing"' not in page
    assert 'class="note"' not in page
    assert '<section id="students">' not in page
    assert len(page) < 1_000_000
    assert report.read_text() == write_report([accel], tmp_path / "again.html").read_text()


def test_pictures_are_in_the_page_and_show_the_levels(accel: Path) -> None:
    page, run = page_of(write_report([accel])), read_run(accel)
    sources = re.findall(r'<img src="([^"]*)"', page)
    assert len(sources) == page.count("<img")
    pngs = [base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True) for source in sources]
    assert isinstance(run.space, LevelTaskSpace)
    best = max(run.curricula[-1].levels, key=lambda level: level.score)
    drawn = [imageio.imread(png, extension=".png") for png in pngs]
    assert any(np.array_equal(picture, run.space.picture(best.task, 25)) for picture in drawn)


def test_what_a_real_run_records_is_drawn(accel: Path) -> None:
    run = read_run(accel)
    assert len(run.played) == len(run.episodes) > 50
    complexity = complexity_figure(run)
    assert complexity is not None
    assert {trace.name for trace in complexity.data} == set(read_episodes(accel)["origin"].to_pylist()) > {"edit"}
    buffer = buffer_figure(run)
    assert buffer is not None
    scattered, scores, sizes = buffer.data
    last = json.loads(sorted((accel / "curriculum").glob("*.json"))[-1].read_text())["buffer"]
    assert sorted(zip(scattered.y, scattered.x, strict=True)) == sorted((score, age) for score, age in last)
    assert scores.y[-1] == pytest.approx(np.mean([score for score, _ in last]))
    assert list(sizes.y) == [len(c.buffer) for c in run.curricula]


def test_skill_is_shown_against_all_that_was_paid(accel: Path) -> None:
    run = read_run(accel)
    figure = cost_figure([run], ["accel"])
    assert figure is not None
    training, everything, updates, seconds = figure.data
    costs = json.loads((accel / "status.json").read_text())["costs"]
    assert training.x[-1] == costs["training_steps"] < run.episodes.step.max()
    assert everything.x[-1] == sum(costs[name] for name in ("training_steps", "scoring_steps", "evaluation_steps"))
    assert updates.x[-1] == costs["updates"]
    assert 0 < seconds.x[0] < seconds.x[-1]
    assert list(training.y) == [e.mastered_percent for e in run.evaluations]
    assert (
        cost_figure([replace(run, evaluations=tuple(replace(e, costs={}) for e in run.evaluations))], ["old"]) is None
    )


def test_complexity_counts_levels_by_their_steps_and_ways_only_where_there_are_any(tmp_path: Path) -> None:
    run = level_run(tmp_path / "run", [episode(OPEN, length=10), episode(WALLED, length=30)])
    figure = complexity_figure(read_run(run))
    assert figure is not None
    assert [trace.y.tolist() for trace in figure.data] == [[1.5], [3.0], [25.0]]
    assert [trace.name for trace in figure.data] == ["random"] * 3


def test_two_students_are_compared_level_by_level(tmp_path: Path) -> None:
    played = [("protagonist", 1, 0, 0.2), ("protagonist", 1, 0, 0.4), ("protagonist", 1, 1, 0.9)]
    played += [("antagonist", 1, 0, 0.8), ("antagonist", 2, 0, 0.5), ("protagonist", 2, 0, 0.5)]
    log = [
        episode(OPEN, player=player, teacher_version=version, env_index=env, episode_return=value, step=10 * version)
        for player, version, env, value in played
    ]
    run = read_run(level_run(tmp_path / "run", log))
    assert run.episodes.returns.tolist() == [0.2, 0.4, 0.9, 0.5]  # what the learning curve shows
    assert len(run.played) == 4
    figure = gap_figure(run)
    assert figure is not None
    own, other, each, mean = figure.data
    assert own.y.tolist() == pytest.approx([0.3, 0.5])
    assert other.y.tolist() == pytest.approx([0.8, 0.5])
    assert each.y.tolist() == mean.y.tolist() == pytest.approx([0.5, 0.0])
    assert '<section id="students">' in page_of(write_report([run.path]))
    assert gap_figure(replace(run, antagonist=replace(run.antagonist, version=run.antagonist.version + 7))) is None


def test_long_logs_are_sampled_evenly_over_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = [episode(OPEN, step=n) for n in range(30)]
    run = level_run(tmp_path / "run", log[:7], log[7:8], log[8:])
    monkeypatch.setattr(reading, "SAMPLED_LEVELS", 10)
    data = read_run(run)
    assert len(data.episodes) == 30
    # Every third would be enough; powers of two stay the same for longer while a log grows.
    assert data.played.step.tolist() == list(range(0, 30, 4))
    assert data.played.levels.shape == (8, SPACE.size)


def test_the_lineage_of_the_best_level_goes_back_as_far_as_its_ancestors_are_known() -> None:
    levels = [buffered(9, 5, score=2.0), buffered(5, 3), buffered(3, 1), buffered(7, 5, score=1.0)]
    assert [level.number for level in lineage(levels)] == [3, 5, 9]
    assert lineage([buffered(9, 5, score=2.0), buffered(3)]) == []
    assert [level.number for level in lineage([buffered(2, 1, 3.0), buffered(1, 2)])] == [1, 2]  # a torn file's circle
    long = [buffered(n, n - 1, score=n) for n in range(100)]
    line = [level.number for level in lineage(long)]
    assert (line[0], line[-1], len(line)) == (0, 99, 12)


def test_galleries_are_in_order_and_empty_ones_left_out(tmp_path: Path) -> None:
    entries = [
        {"task": OPEN.tolist(), "score": score, "staleness": 0, "number": n, "parent": -1, "generation": 0}
        for n, score in enumerate([0.1, None, 0.3])
    ]
    run = read_run(level_run(tmp_path / "run", curriculum={"levels": entries}))
    galleries = buffer_galleries(run.curricula[0])
    numbers = {title: [shown.lines[0].split()[1] for shown in gallery] for title, gallery in galleries.items()}
    assert numbers == {"Highest scores": ["2,", "0,", "1,"], "Newest": ["2,", "1,", "0,"]}
    assert buffer_figure(run) is None
    drawn = read_run(level_run(tmp_path / "drawn", curriculum={"samples": [OPEN.tolist()]}))
    assert list(buffer_galleries(drawn.curricula[0])) == ["Levels that the teacher would draw"]


def test_named_mazes_of_the_test_set_keep_their_names(tmp_path: Path) -> None:
    space = LevelTaskSpace()
    run = make_run(tmp_path / "run", space, episodes=False, evaluations=False, curriculum=False)
    (run / "evaluations").mkdir()
    tasks = [
        {"task": {"rows": held_out_level(name).rows()}, "return": 0.5, "mastered": True, "solve_rate": rate}
        for name, rate in (("Labyrinth", 0.75), ("LabyrinthFlipped", None))
    ]
    (run / "evaluations" / "step_000000000009.json").write_text(json.dumps({"step": 9, "tasks": tasks}))
    (evaluation,) = read_run(run).evaluations
    first, second = evaluated_gallery(space, evaluation)
    assert first.lines == ("Labyrinth", "solve rate 75%", "return 0.5")
    assert second.lines == ("LabyrinthFlipped", "return 0.5")
    assert page_of(write_report([run])).count('<figure class="mastered">') == 2


def test_what_is_no_level_becomes_a_note(tmp_path: Path) -> None:
    broken = OPEN.copy()
    broken[0] = 1  # a wall where the agent stands
    outside = np.where(np.arange(SPACE.size) == SPACE.size - 1, 99.0, OPEN)
    run = level_run(tmp_path / "run", [episode(OPEN)], [episode(outside)], curriculum={"samples": [broken.tolist()]})
    page = page_of(write_report([run]))
    assert "the agent is on a wall" in page
    assert "tasks that are no levels" in page
    assert page.count('class="note"') == 2
    assert len(read_run(run).played) == 1


def test_logs_without_player_and_origin_are_read(tmp_path: Path) -> None:
    run = level_run(tmp_path / "run", [episode(OPEN)])
    (part,) = (run / "episodes").iterdir()
    pq.write_table(pq.ParquetFile(part).read().drop_columns(["player", "origin"]), part)
    data = read_run(run)
    assert (len(data.episodes), len(data.antagonist), data.notes) == (1, 0, ())
    assert 'id="figure-sampled-0"' in page_of(write_report([run]))


@pytest.mark.parametrize("space", [BOX, LINE], ids=["box", "line"])
def test_buffered_tasks_of_a_box_are_dots_coloured_by_score(tmp_path: Path, space: Any) -> None:
    run = make_run(tmp_path / "run", space, curriculum=False)
    (run / "curriculum").mkdir()
    tasks = space.sample(np.random.default_rng(0), 3).tolist()
    levels = [
        {"task": task, "score": n / 2, "staleness": n, "number": n, "parent": -1, "generation": 0}
        for n, task in enumerate(tasks)
    ]
    moment = {"step": 1000, "levels": levels, "buffer": [[n / 2, n] for n in range(3)]}
    (run / "curriculum" / "step_000000001000.json").write_text(json.dumps(moment))
    page = page_of(write_report([run]))
    assert 'id="figure-curriculum-0"' in page
    assert 'id="figure-buffer-0"' in page
    assert "<img" not in page
    figure = curriculum_figure(read_run(run))
    assert figure is not None
    dots = figure.data[-1]
    assert list(dots.marker.color) == [0.0, 0.5, 1.0]
    column = dots.x if space is BOX else dots.y
    assert list(column) == [task[0] for task in tasks]
