from __future__ import annotations

from pathlib import Path

import pytest

from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.level import Subgoal
from teachrl.guides.subgoals.llm.answer_cache import Source
from teachrl.guides.subgoals.provider import make_provider
from teachrl.guides.subgoals.recorded import Recorded
from tests.support.kept_answers import add, answer
from tests.support.small_levels import locked_room


def recorded(path: Path, **options: str) -> Recorded:
    made = make_provider("recorded", {"cache": str(path), **options})
    assert isinstance(made, Recorded)
    return made


def test_a_file_is_played_and_says_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    add(path, *(answer(locked_room(key=key)) for key in ("5", "3")), answer(locked_room(environment="Other-v0")))
    provider = recorded(path)
    assert provider.subgoals(locked_room(key="5")) == (Subgoal((1, 2), "yellow key"),)
    assert provider.levels("Rooms-v0") == ("5", "3")
    assert provider.identity["model"] == "model"
    with pytest.raises(TeachrlError, match="no sub-goals for Rooms-v0, key 4; it has 2 levels of Rooms-v0, 1 levels"):
        provider.subgoals(locked_room(key="4"))
    assert recorded(path, missing="none").subgoals(locked_room(key="4")) == ()
    with pytest.raises(UsageError, match="another level"):
        provider.subgoals(locked_room(key="5", agent=(2, 3)))


def test_of_several_sources_one_has_to_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    add(path, answer(locked_room()), answer(locked_room(key="1"), Source(model="other")))
    with pytest.raises(UsageError, match=r"2 sources that fit.*model=model prompt=1.*model=other"):
        recorded(path)
    assert recorded(path, model="other").levels("Rooms-v0") == ("1",)
    with pytest.raises(UsageError, match="0 sources"):
        recorded(path, model="third")
    with pytest.raises(UsageError, match="no file"):
        recorded(tmp_path / "none.jsonl")
