"""What the page of a run shows, and that it goes on whatever happens to the run's files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dash")

from teachrl.errors import UsageError
from teachrl.report import reading
from teachrl.watch.failures import SHOWN
from teachrl.watch.pages import Pages, check_watched
from tests.support.level_runs import OPEN, SPACE, episode, level_run
from tests.support.reports import BOX, LINE, STEPS, make_run
from tests.support.watched import FIGURES, components, facts_of, fail_episode, figures_of, finish, half_run, text_of


def test_a_run_has_its_facts_curves_curriculum_workers_and_errors(tmp_path: Path) -> None:
    parts = Pages(make_run(tmp_path / "run", BOX)).at("/").parts
    figures = figures_of(parts)
    assert list(figures) == FIGURES
    training, mean, evaluation, mastered = figures["figure-learning"].data
    assert len(training.x) == 600
    assert (mean.x[-1], evaluation.x[-1], mastered.x[-1]) == (STEPS, STEPS, STEPS)
    assert facts_of(parts, "facts")["steps"] == "12,000 of 12,000"
    assert facts_of(parts, "facts")["status"] == "finished"
    assert text_of(parts).endswith("Errors\nNone.")


def test_the_discounted_return_is_that_of_the_evaluations(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", LINE)
    for k, file in enumerate(sorted((run / "evaluations").iterdir())):
        file.write_text(json.dumps({**json.loads(file.read_text()), "mean_discounted_return": k / 2}))
    (trace,) = figures_of(Pages(run).at("/").parts)["figure-discounted"].data
    assert list(trace.y) == [k / 2 for k in range(9)]


def test_the_curriculum_is_the_newest(tmp_path: Path) -> None:
    figure = figures_of(Pages(make_run(tmp_path / "run", BOX)).at("/").parts)["figure-curriculum"]
    (slider,) = figure.layout.sliders
    assert slider.steps[slider.active].label == f"{STEPS:,}"
    assert len(slider.steps) == 4


def test_throughput_is_between_evaluations_and_over_the_run(tmp_path: Path) -> None:
    run = half_run(tmp_path / "run")  # evaluations at 60 steps a second of the run, 1,500 steps apart
    status = json.loads((run / "status.json").read_text()) | {"step": 7000, "seconds": 140.0}
    (run / "status.json").write_text(json.dumps(status))
    parts = Pages(run).at("/").parts
    (trace,) = figures_of(parts)["figure-throughput"].data
    assert list(trace.x) == [1500, 3000, 4500, 6000, 7000]
    assert list(trace.y) == pytest.approx([60, 60, 60, 60, 25])
    rates = facts_of(parts, "rates")
    assert (rates["steps/s lately"], rates["steps/s over the run"]) == ("25", "50")


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (None, {"workers": "not known yet"}),
        ({"places": [], "metrics": {}}, {"workers": "the run itself"}),
        (
            {"places": ["one 12", ""], "metrics": {"workers/lost": 1.0, "workers/staleness": 0.5}},
            {"workers": "2", "worker 0": "one 12", "worker 1": "being made", "lost": "1", "staleness": "0.5"},
        ),
    ],
)
def test_workers_are_those_of_the_status(tmp_path: Path, workers: Any, expected: dict[str, str]) -> None:
    run = make_run(tmp_path / "run", BOX, status={} if workers is None else {"workers": workers})
    facts = facts_of(Pages(run).at("/").parts, "rates")
    assert {name: facts[name] for name in facts if "steps/s" not in name} == expected


def test_errors_are_what_ended_the_run_torn_files_and_failed_episodes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX, status={"status": "failed", "error": "no space left"})
    fail_episode(run, 0)
    (run / "failures" / "episode-0001.json").write_text('{"reason": ')
    (run / "evaluations" / "step_000000012000.json").write_text('{"step": 12')
    text = text_of(Pages(run).at("/").parts)
    errors = text[text.index("\nErrors\n") :].splitlines()[2:]
    assert errors[0] == "no space left"
    assert errors[1].startswith("evaluations/step_000000012000.json could not be read and is left out")
    assert errors[2] == "failures/episode-0000.json: it fell apart (step 3, seed 12, task {'gap': 1.5})"
    assert errors[3].startswith("failures/episode-0001.json could not be read")
    assert len(errors) == 4


def test_of_many_failures_the_last_are_shown(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX)
    for n in range(SHOWN + 5):
        fail_episode(run, n)
    text = text_of(Pages(run).at("/").parts)
    assert f"{SHOWN + 5} episodes failed; the last {SHOWN}:" in text
    assert "episode-0004" not in text
    assert "episode-0005" in text
    assert f"episode-{SHOWN + 4:04d}" in text


def test_a_page_is_made_anew_only_when_a_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = reading.read_part
    monkeypatch.setattr(reading, "read_part", lambda path, *rest: (read.append(path.name), original(path, *rest))[1])
    run = half_run(tmp_path / "run")
    pages = Pages(run)
    first = pages.at("/")
    assert pages.at("/") is first
    finish(run, tmp_path / "scratch")
    second = pages.at("/")
    assert second.version != first.version
    assert read == ["part-000000.parquet", "part-000001.parquet"]
    assert facts_of(first.parts, "facts")["status"] == "running"
    assert facts_of(second.parts, "facts")["status"] == "finished"
    assert [max(figures_of(page.parts)["figure-learning"].data[1].x) for page in (first, second)] == [6000, STEPS]


def test_it_says_when_the_run_last_wrote(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", BOX)
    os.utime(run / "status.json", (2e9, 2e9))
    assert Pages(run).at("/").written == 2e9
    (tmp_path / "empty").mkdir()
    assert Pages(tmp_path / "empty").at("/").written is None


def test_it_follows_a_run_from_nothing_to_its_removal_and_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    pages = Pages(run)
    assert "This run has written nothing yet." in text_of(pages.at("/").parts)
    run.rmdir()
    half_run(run)
    shutil.rmtree(run / "episodes")
    shutil.rmtree(run / "evaluations")
    shutil.rmtree(run / "curriculum")
    (run / "status.json").unlink()
    begun = pages.at("/").parts
    assert figures_of(begun) == {}
    assert "There are no episodes and no evaluations yet." in text_of(begun)
    assert "The teacher has recorded no curriculum yet." in text_of(begun)
    shutil.rmtree(run)
    assert "Nothing can be shown at present" in text_of(pages.at("/").parts)
    assert "there is no such directory" in text_of(pages.at("/").parts)
    half_run(run)
    assert list(figures_of(pages.at("/").parts)) == FIGURES


@pytest.mark.parametrize("name", ["experiment.yaml", "task_space.json", "status.json"])
def test_a_torn_file_is_named_and_the_page_goes_on_when_it_is_whole(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "run", BOX)
    whole = (run / name).read_text()
    (run / name).write_text("{" + whole[: len(whole) // 2])
    pages = Pages(run)
    assert name in text_of(pages.at("/").parts)
    (run / name).write_text(whole)
    assert name not in text_of(pages.at("/").parts)
    assert facts_of(pages.at("/").parts, "facts")["status"] == "finished"


def test_levels_are_shown_as_pictures(tmp_path: Path) -> None:
    entry = {"task": OPEN.tolist(), "score": 0.5, "staleness": 0, "number": 3, "parent": -1, "generation": 0}
    run = level_run(tmp_path / "run", [episode(OPEN)], curriculum={"levels": [entry], "buffer": [[0.5, 0.0]]})
    parts = Pages(run).at("/").parts
    images = [one for one in components(parts) if type(one).__name__ == "Img"]
    assert {image.src[:22] for image in images} == {"data:image/png;base64,"}
    assert "figure-buffer" in figures_of(parts)
    assert f"level 3, generation 0\ngenerated\nscore {0.5:.3g}" in text_of(parts)
    assert not SPACE.has_unit_cube


def test_unknown_addresses_say_so(tmp_path: Path) -> None:
    pages = Pages(make_run(tmp_path / "run", BOX))
    assert "There is no such page." in text_of(pages.at("/elsewhere").parts)
    assert "Nothing can be shown at present" in text_of(pages.at("/cell/one").parts)


def test_only_runs_benches_and_empty_folders_can_be_watched(tmp_path: Path) -> None:
    check_watched(make_run(tmp_path / "runs" / "one", BOX))
    (tmp_path / "empty").mkdir()
    check_watched(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"runs is neither a run \(experiment.yaml\) nor a bench .*runs in it: one"):
        check_watched(tmp_path / "runs")
    with pytest.raises(UsageError, match="nowhere is not there"):
        check_watched(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"experiment.yaml is a file"):
        check_watched(tmp_path / "runs" / "one" / "experiment.yaml")
