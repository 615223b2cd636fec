"""Reports on synthetic run directories: every section, unfinished runs, hostile names, no network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teachrl.errors import UsageError
from teachrl.report import write_report
from teachrl.report.curriculum_figures import curriculum_figure
from teachrl.report.figures import learning_figure, rolling_mean, sampled_tasks_figure, thin
from teachrl.report.mastery_figures import grid_of, mastery_figure
from teachrl.report.reading import read_run
from teachrl_envs.tasks import BoxTaskSpace, DiscreteTaskSpace, ProductTaskSpace, TaskSpace
from tests.support.reports import (
    BOX,
    LINE,
    PRODUCT,
    check_page,
    make_run,
    page_of,
)


@pytest.mark.parametrize("space", [BOX, LINE, PRODUCT], ids=["box", "line", "product"])
def test_complete_run_has_every_section(tmp_path: Path, space: TaskSpace) -> None:
    run = make_run(tmp_path / "run", space)
    report = write_report([run])
    assert report == (run / "report.html").resolve()
    page = page_of(report)
    check_page(page)
    for figure in ("learning", "sampled-0", "curriculum-0", "mastery-0", "costs"):
        assert f'id="figure-{figure}"' in page
    assert 'class="missing"' not in page
    for text in ("Parkour-v0", "alp-gmm", "ppo", "12,000 of 12,000", "finished", "2.5% of the run", "0.1.0"):
        assert text in page
    assert report.read_text() == write_report([run], tmp_path / "again.html").read_text()


def test_figures_show_what_they_should(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", BOX))
    assert len(run.episodes) == 600
    assert (np.diff(run.episodes.step) >= 0).all()
    sampled = sampled_tasks_figure(run)
    assert sampled is not None
    assert [len(trace.x) for trace in sampled.data] == [600, 600]
    curriculum = curriculum_figure(run)
    assert curriculum is not None
    slider = curriculum.layout.sliders[0]
    assert len(slider.steps) == 6
    for moment in slider.steps:
        assert sum(moment.args[1]) == 1 + 1 + 3  # colour bar, points, three ellipses
        assert len(moment.args[1]) == len(curriculum.data)
    mastery = mastery_figure(run)
    assert mastery is not None
    assert [trace.type for trace in mastery.data] == ["heatmap", "scatter"] * 5
    assert len(mastery.data[-1].x) > len(mastery.data[1].x) == 0
    learning = learning_figure([run], ["run"])
    assert learning is not None
    assert len(learning.data) == 4


def test_product_pairs(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", PRODUCT))
    sampled = sampled_tasks_figure(run)
    assert sampled is not None
    assert len(sampled.data) == 2 * 3
    mastery = mastery_figure(run)
    assert mastery is not None
    assert {trace.type for trace in mastery.data} == {"scatter"}


WIDE = BoxTaskSpace(dict.fromkeys("abcde", (0, 1)) | {"fixed": (2, 2)})


@pytest.mark.parametrize(("space", "panels"), [(WIDE, 12), (DiscreteTaskSpace(10), 2)], ids=["six", "discrete"])
def test_many_and_discrete_dimensions(tmp_path: Path, space: TaskSpace, panels: int) -> None:
    path = make_run(tmp_path / "run", space)
    sampled = sampled_tasks_figure(read_run(path))
    assert sampled is not None
    assert len(sampled.data) == panels
    page = page_of(write_report([path]))
    check_page(page)
    assert ("The first 4 of the 5 task parameters" in page) == (space is WIDE)


def test_run_that_has_only_begun(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX, episodes=False, evaluations=False, curriculum=False)
    (run / "status.json").unlink()
    page = page_of(write_report([run]))
    check_page(page)
    assert page.count('class="missing"') == 7
    assert "not known yet" in page


def test_no_evaluations(tmp_path: Path) -> None:
    page = page_of(write_report([make_run(tmp_path / "run", BOX, evaluations=False)]))
    assert 'id="figure-learning"' in page
    assert 'id="figure-mastery-0"' not in page
    assert page.count("There are no evaluations yet") == 2


def test_success_is_not_defined(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX, success=False)
    assert "does not say when a task is mastered" in page_of(write_report([run]))
    figure = learning_figure([read_run(run)], ["run"])
    assert figure is not None
    assert len(figure.data) == 3


def test_several_runs_are_overlaid(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "all" / name, space) for name, space in (("one", BOX), ("two", LINE))]
    report = write_report(runs)
    assert report == (tmp_path / "all" / "report.html").resolve()
    page = page_of(report)
    check_page(page)
    assert 'id="figure-sampled-1"' in page
    assert "<td>one</td>" in page
    assert "two: evaluation" in page


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    space = ProductTaskSpace({evil: BoxTaskSpace({"a%{x}": (0, 1), "<img src=x onerror=alert(1)>": (0, 1)})})
    run = make_run(
        tmp_path / "<b>&run", space, env=evil, status={"error": evil, "status": evil, "versions": {evil: evil}}
    )
    page = page_of(write_report([run, make_run(tmp_path / "fine", BOX)], tmp_path / "report.html"))
    check_page(page)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_torn_files_are_left_out_with_a_note(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX)
    (run / "episodes" / "part-000002.parquet").write_bytes(b"PAR1 torn")
    (run / "evaluations" / "step_000099999999.json").write_text('{"step": 9')
    page = page_of(write_report([run]))
    assert page.count('class="note"') == 2
    assert "part-000002.parquet could not be read" in page


def test_errors_say_what_a_run_directory_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such directory.*experiment\.yaml and task_space\.json"):
        write_report([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match=r"lacks experiment\.yaml and task_space\.json"):
        write_report([tmp_path])
    with pytest.raises(UsageError, match="at least one"):
        write_report([])
    run = make_run(tmp_path / "run", BOX)
    with pytest.raises(UsageError, match="is a directory"):
        write_report([run], tmp_path)
    (run / "task_space.json").write_text('{"kind": "blob"}')
    with pytest.raises(UsageError, match="does not describe a task space"):
        write_report([run])
    (run / "experiment.yaml").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(UsageError, match="cannot be read as YAML"):
        write_report([run])


def test_rolling_mean_and_thinning() -> None:
    values = np.array([1.0, 3.0, np.nan, 5.0])
    np.testing.assert_allclose(rolling_mean(values, 2), [1, 2, 3, 5])
    assert len(rolling_mean(np.empty(0))) == 0
    assert thin(3, 5).tolist() == [0, 1, 2]
    chosen = thin(100_000, 5000)
    assert len(chosen) == 5000
    assert (chosen[0], chosen[-1]) == (0, 99_999)


def test_grid_is_told_from_scattered_tasks() -> None:
    tasks = np.array([[0.0, 1.0], [0.5, 1.0], [0.0, 2.0], [0.5, 2.0]])
    found = grid_of(tasks, np.arange(4.0))
    assert found is not None
    np.testing.assert_array_equal(found[2], [[0, 1], [2, 3]])
    assert grid_of(np.vstack([tasks[:3], tasks[:1]]), np.arange(4.0)) is None
