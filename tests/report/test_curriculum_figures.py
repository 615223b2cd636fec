"""What a teacher drew from: Gaussians, regions and samples, in one, two and more dimensions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachrl.records.curriculum import Gaussian, Region
from teachrl.report import write_report
from teachrl.report.curriculum_figures import (
    MAX_MOMENTS,
    MAX_PARTS,
    MAX_TRACES,
    PLAYED,
    SAMPLE,
    curriculum_figure,
    ellipse,
    rectangle,
)
from teachrl.report.reading import read_run
from teachrl_envs.tasks import BoxTaskSpace, DiscreteTaskSpace, TaskSpace
from tests.support.reports import BOX, LINE, PRODUCT, check_page, make_run, page_of

WIDE = BoxTaskSpace(dict.fromkeys("abcd", (0.0, 1.0)))


def with_curriculum(path: Path, space: TaskSpace, moments: list[dict[str, Any]]) -> Path:
    """A run whose moments, 1,000 steps apart, are these."""
    run = make_run(path, space, curriculum=False)
    (run / "curriculum").mkdir()
    for n, moment in enumerate(moments, start=1):
        step = 1000 * n
        (run / "curriculum" / f"step_{step:012d}.json").write_text(json.dumps({"step": step, **moment}))
    return run


def region(space: TaskSpace, low: float, high: float, weight: float = 1.0, progress: float = 0.5) -> dict[str, Any]:
    ends = {end: space.from_unit(np.full(space.size, x)).tolist() for end, x in (("low", low), ("high", high))}
    return {**ends, "weight": weight, "learning_progress": progress}


def samples(space: TaskSpace, n: int) -> list[list[float]]:
    drawn: list[list[float]] = space.sample(np.random.default_rng(0), n).tolist()
    return drawn


def figure_of(run: Path) -> Any:
    figure = curriculum_figure(read_run(run))
    assert figure is not None
    return figure


@pytest.mark.parametrize("space", [BOX, LINE, PRODUCT, DiscreteTaskSpace(5)], ids=["box", "line", "product", "choice"])
def test_a_page_with_regions_and_samples(tmp_path: Path, space: TaskSpace) -> None:
    moment = {"gaussians": [], "regions": [region(space, 0, 0.5), region(space, 0.5, 0.9)], "samples": []}
    later = {"regions": [], "samples": samples(space, 30)}
    page = page_of(write_report([with_curriculum(tmp_path / "run", space, [moment, later])]))
    check_page(page)
    assert 'id="figure-curriculum-0"' in page
    assert "The teacher&#39;s curriculum" in page
    assert 'class="note"' not in page


def test_regions_are_rectangles_and_samples_dots_under_one_slider(tmp_path: Path) -> None:
    moments = [
        {"regions": [region(BOX, 0.2, 0.5, 0.9, 0.1), region(BOX, 0.5, 1.0, 0.1, 0.8)]},
        {"regions": [region(BOX, 0.0, 0.5)], "samples": samples(BOX, 7)},
    ]
    figure = figure_of(with_curriculum(tmp_path / "run", BOX, moments))
    first, last = (
        [t for t, on in zip(figure.data, s.args[1], strict=True) if on] for s in figure.layout.sliders[0].steps
    )
    assert [len(trace.x) for trace in first][2:] == [5, 5]
    heavy, light = first[2:]
    assert (min(heavy.x), max(heavy.x), min(heavy.y), max(heavy.y)) == pytest.approx((0.6, 1.5, 1.2, 3.0))
    assert heavy.opacity > light.opacity
    assert heavy.line.color != light.line.color
    assert [trace.marker.color for trace in last if trace.mode == "markers"][1:] == [PLAYED, SAMPLE]
    assert len(last[-1].x) == 7
    assert [trace.visible for trace in figure.data[1:]] == [False] * 3 + [True] * 3


def test_samples_alone_have_no_colour_bar(tmp_path: Path) -> None:
    figure = figure_of(with_curriculum(tmp_path / "run", BOX, [{"samples": samples(BOX, 5)}]))
    assert [trace.marker.color for trace in figure.data] == [PLAYED, SAMPLE]


def test_every_pair_of_dimensions_has_a_panel(tmp_path: Path) -> None:
    run = with_curriculum(tmp_path / "run", WIDE, [{"regions": [region(WIDE, 0.1, 0.3)], "samples": samples(WIDE, 4)}])
    figure = figure_of(run)
    panels = {(trace.xaxis, trace.yaxis) for trace in figure.data}
    assert len(panels) == 6
    assert len(figure.data) == 1 + 6 * 3
    assert figure.layout.xaxis.title.text == "a"
    assert figure.layout.yaxis6.title.text == "d"


def test_in_one_dimension_a_region_is_a_bar(tmp_path: Path) -> None:
    moments = [{"regions": [region(LINE, 0.0, 0.5)]}, {"samples": [[0.2], [2.0]]}]
    played, bars, dots = figure_of(with_curriculum(tmp_path / "run", LINE, moments)).data
    assert len(played.x) == 600
    assert (list(bars.x), list(bars.y), list(bars.error_y.array)) == (
        [1000],
        [pytest.approx(0.65)],
        [pytest.approx(0.45)],
    )
    assert (list(dots.x), list(dots.y)) == ([2000, 2000], [0.2, 2.0])


@pytest.mark.slow
def test_many_parts_keep_the_page_small(tmp_path: Path) -> None:
    regions = [region(WIDE, k / 400, (k + 1) / 400, weight=k) for k in range(400)]
    figure = figure_of(with_curriculum(tmp_path / "run", WIDE, [{"regions": regions}] * 50))
    assert 0 < len(figure.data) <= MAX_TRACES
    assert len(figure.layout.sliders[0].steps) < MAX_MOMENTS
    drawn = [trace for trace in figure.data if trace.mode == "lines" and trace.xaxis == "x" and trace.visible]
    assert len(drawn) == MAX_PARTS
    assert min(min(trace.x) for trace in drawn) == pytest.approx((400 - MAX_PARTS) / 400)  # the heaviest


def test_ellipse_is_two_sigma_of_the_marginal() -> None:
    gaussian = Gaussian(np.array([1.0, 9.0, 2.0]), np.diag([4.0, 100.0, 1.0]), 1.0, 0.0)
    outline = ellipse(gaussian, 0, 2)
    np.testing.assert_allclose(((outline - [1.0, 2.0]) ** 2 / [4.0, 1.0]).sum(axis=1), 4.0)


def test_a_rectangle_includes_the_cells_of_whole_numbers() -> None:
    space = BoxTaskSpace({"legs": (2, 6), "slope": (0.0, 1.0)}, integer=["legs"])
    outline = rectangle(Region(np.array([3.0, 0.2]), np.array([3.0, 0.4]), 1.0, 0.0), space, 0, 1)
    assert outline.min(axis=0).tolist() == [2.5, 0.2]
    assert outline.max(axis=0).tolist() == [3.5, 0.4]


def test_parts_that_cannot_be_drawn_are_left_out(tmp_path: Path) -> None:
    broken = {**region(BOX, 0, 1), "low": [float("nan"), 0.0]}
    unknown = {**region(BOX, 0, 1), "weight": None, "learning_progress": None}
    run = with_curriculum(tmp_path / "run", BOX, [{"regions": [broken, unknown], "samples": [[1.0, float("inf")]]}])
    (moment,) = read_run(run).curricula
    assert len(moment.parts) == 1
    assert np.shape(moment.samples) == (0, 2)
    assert len(figure_of(run).data) == 3
    (run / "curriculum" / "step_000000009000.json").write_text(json.dumps({"step": 9000, "samples": [[1.0]]}))
    assert "could not be read" in read_run(run).notes[0]
