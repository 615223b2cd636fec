from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from teachrl.cli.app import main
from tests.support.endpoint_double import completion, endpoint

pytest.importorskip("minigrid")
pytest.importorskip("openai")
ENV = "MiniGrid-KeyCorridorS3R3-v0"


def from_the_prompt(number: int, request: dict[str, Any]) -> tuple[int, bytes]:
    """The key, then the ball; for every second level nothing useful."""
    asked = request["messages"][1]["content"]
    lines = [line[2:] for line in asked.splitlines() if line.startswith('- "')]
    chosen = [line for kind in ("key", "ball") for line in lines if f'{kind}"' in line]
    said = []
    for line in chosen:
        name, _, cell = line.rpartition(" at ")
        x, y = json.loads(f"[{cell[1:-1]}]")
        said.append({"object": json.loads(name), "x": x, "y": y})
    return completion(json.dumps({"subgoals": said}) if "faces right" not in asked else "no idea")


def run(*arguments: str) -> None:
    assert main(["subgoals", *arguments]) == 0


def test_collect_and_check_the_planners_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "planner.jsonl")
    run("collect", ENV, "-o", file, "-n", "3", "--provider", "planner")
    assert "3 new answers, 3 in all" in capsys.readouterr().out
    run("collect", ENV, "-o", file, "-n", "5", "--first", "1")
    assert "3 new answers, 6 in all" in capsys.readouterr().out
    run("check", file, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["played"] == found["said"]
    assert found["played"]["levels"] == 6
    for name in ("cell_accuracy", "object_accuracy", "same_list", "feasible_order"):
        assert found["played"][name] == 1.0, name
    assert found["played"]["manhattan_mean"] == 0.0
    assert [each["levels"] for each in found["played"]["positions"]] == [6, 6, 6]


def test_a_models_answers_are_checked_as_said_and_as_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "model.jsonl")
    with endpoint(from_the_prompt) as double:
        settings = [f"--set=base_url={double.base_url}", "--set=model=double"]
        run("collect", ENV, "-o", file, "-n", "8", "--provider", "llm", *settings)
    assert "0: fallback, 0 sub-goals" in capsys.readouterr().out
    run("check", file, "--json")
    found = json.loads(capsys.readouterr().out)
    fallen = found["ended"]["fallback"]
    assert 0 < fallen < 8
    assert found["ended"] == {"answered": 8 - fallen, "repaired": 0, "fallback": fallen}
    assert found["faults"] == {"unreadable": 2 * fallen}
    assert found["requests"] == 8 + fallen
    played = found["played"]
    assert played["cell_accuracy"] == pytest.approx((8 - fallen) / 8 / 3)  # the key; the ball came for the door
    assert [each["cell_accuracy"] for each in played["positions"]] == [1 - fallen / 8, 0.0, 0.0]
    assert played["feasible_order"] == 1.0
    assert played["manhattan_mean"] > 0
    run("check", file)
    table = capsys.readouterr().out
    for words in ("model double, prompt 1", "right cells, sub-goal 2 (8 levels)", f"{fallen} fallback"):
        assert words in table


def test_a_level_is_shown_in_the_terminal_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "level.png"
    run("show", ENV, "0", "--output", str(picture))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f'{ENV}, seed 0: "pick up the purple ball"'
    assert lines[6] == "##1 D . 2 3 ##"
    assert lines[8] == '  1. "purple key" at (1, 5)'
    with Image.open(picture) as drawn:
        assert drawn.size == (224, 224)
        discs = [drawn.getpixel((int(32 * (x + 0.5) + 7), int(32 * 5.5) - 4)) for x in (1, 4, 5)]
    assert discs == [(255, 255, 255)] * 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["collect", "MiniGrid-KeyCoridorS3R3-v0", "-o", "x.jsonl"], "MiniGrid-KeyCorridorS3R3"),
        (["collect", ENV, "-o", "x.jsonl", "--provider", "llm"], "base_url"),
        (["collect", ENV, "-o", "x.jsonl", "--provider", "lm"], "did you mean 'llm'"),
        (["check", "x.jsonl"], "no file"),
        (["show", "CartPole-v1", "0"], "unknown grid world"),
        (["serve", "x.gguf"], "x.gguf"),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["subgoals", *arguments]) == 2
    assert complaint in capsys.readouterr().err
