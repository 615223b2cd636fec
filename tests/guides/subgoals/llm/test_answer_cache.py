from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.level import Thing
from teachrl.guides.subgoals.llm.answer_cache import (
    LONGEST_KEPT,
    AnswerCache,
    kept_text,
)
from tests.support.kept_answers import SOURCE, add, answer
from tests.support.small_levels import locked_room


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    path, room = tmp_path / "folder" / "cache.jsonl", locked_room()
    said = (kept_text("\ud800 \u2028 \x00 \n" + "x" * 10_000),)
    kept = answer(room, said=said, requests=1, prompt_tokens=5)
    add(path, kept)
    cache = AnswerCache(path)
    assert cache.get(room, SOURCE) == kept
    assert len(said[0]) == LONGEST_KEPT
    assert len(path.read_bytes().splitlines()) == 1
    assert cache.get(locked_room(key="1"), SOURCE) is None
    assert cache.get(room, SOURCE.model_copy(update={"parameters": {"temperature": 1.0}})) is None


def test_a_torn_line_loses_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    rooms = [locked_room(key=str(seed)) for seed in range(3)]
    add(path, answer(rooms[0]), answer(rooms[1]))
    content = path.read_bytes()
    path.write_bytes(content[:-30])
    cache = AnswerCache(path)
    assert len(cache) == 1
    add(path, answer(rooms[2]))
    cache.refresh()
    assert [one.key for one in cache.answers()] == ["0", "2"]
    assert cache.ignored == 1
    with cache.writing():
        assert cache.get(rooms[1], SOURCE) is None  # to be asked again, as its answer was lost
        cache.add(answer(rooms[1]))
    assert len(AnswerCache(path)) == 3


def test_lines_that_are_no_answers_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    path.write_bytes(b'{}\n\n[1]\n\xff\xfe\n{"environment": 3}\nnull\n' + b"[" * 100_000 + b"\n")
    add(path, answer(locked_room()))
    cache = AnswerCache(path)
    assert (len(cache), cache.ignored) == (1, 6)


def test_another_prompt_text_or_level_under_the_same_name_is_noticed(tmp_path: Path) -> None:
    path, room = tmp_path / "cache.jsonl", locked_room()
    add(path, answer(room))
    cache = AnswerCache(path)
    with pytest.raises(UsageError, match="another text of prompt version '1'"):
        cache.get(room, SOURCE.model_copy(update={"prompt_digest": "def"}))
    for other in (
        dataclasses.replace(room, agent=(2, 2)),
        locked_room(Thing("box", "red", (1, 3))),
        dataclasses.replace(room, mission="go to the blue ball"),
    ):
        with pytest.raises(UsageError, match="another level for Rooms-v0, key 0"):
            cache.get(other, SOURCE)


WRITER = """
import sys
from pathlib import Path
from teachrl.guides.subgoals.llm.answer_cache import AnswerCache
from tests.support.kept_answers import SOURCE, answer
from tests.support.small_levels import locked_room
cache = AnswerCache(Path(sys.argv[1]))
for seed in range(60):
    with cache.writing():
        if cache.get(locked_room(key=str(seed)), SOURCE) is None:
            cache.add(answer(locked_room(key=str(seed)), said=("x" * 3000,)))
"""


def test_two_writers_write_each_level_once(tmp_path: Path) -> None:
    path, root = tmp_path / "cache.jsonl", Path(__file__).parents[4]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'envs'}"}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)], env=environment) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(path.read_bytes().splitlines()) == 60
    cache = AnswerCache(path)
    assert (len(cache), cache.ignored) == (60, 0)


def test_who_does_not_wait_is_told_that_another_one_writes(tmp_path: Path) -> None:
    first, second = (AnswerCache(tmp_path / "cache.jsonl") for _ in range(2))
    with first.writing():
        with pytest.raises(TeachrlError, match="another process"), second.writing(wait=False):
            pass
        with first.writing(wait=False):  # its own right holds within
            first.add(answer(locked_room()))
    with second.writing(wait=False):
        assert second.get(locked_room(), SOURCE) is not None


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(TeachrlError, match="cache of sub-goals"):
        AnswerCache(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(TeachrlError, match="cache of sub-goals"), AnswerCache(tmp_path / "file" / "cache").writing():
        pass
